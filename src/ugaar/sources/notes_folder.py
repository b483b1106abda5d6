"""Pieces and rejects of one shard of a folder or zip archive of MIDI files without lyrics."""

from __future__ import annotations

import logging
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import mido
import pretty_midi

from ugaar.progress import Progress
from ugaar.score.piece_rejects import reject_piece
from ugaar.score.pieces import LOWER, UPPER, PieceNote, clock_of, piece_row, quantised
from ugaar.sources.archive import UNREADABLE, Files, UnsafeMemberError
from ugaar.sources.midi_bytes import open_midi
from ugaar.sources.midi_folder import SUFFIXES, grid_of, performance
from ugaar.sources.midi_lyrics import decode
from ugaar.sources.midi_melody import scaled
from ugaar.sources.songs import shard_of, song_id
from ugaar.sources.unusable import UnusableFileError
from ugaar.tables import TICKS_PER_QUARTER

Rows = list[dict[str, Any]]

MELODY, ALL = "melody", "all"
MIDDLE_C = 60
LEAST_SOUND_S = 0.01
"""Seconds; shorter notes are slips of the file."""

# A book and a number, as in jigs107 and reelsa-c12.
_NUMBERED = re.compile(r"([A-Za-z]+(?:-[A-Za-z]+)?)-?\d+")


def read_pieces(source: Mapping[str, Any], shard: int, shards: int) -> tuple[Rows, Rows]:
    """Read the files of one shard.

    Args:
        source: the `source` section of the configuration, with `parts` of the section `pieces`
            and `grid_per_quarter` and `max_quantise_error_s` of the section `window`.
        shard: number of the shard, from 0.
        shards: number of shards.

    Returns:
        Rows of pieces and of rejects; a file that cannot be used is a reject, never an error.
    """
    pieces: Rows = []
    rejects: Rows = []
    with Files(Path(source["path"]), SUFFIXES) as files:
        names = [
            name
            for name in included(files.names, source["include"])
            if shard_of(name, shards) == shard
        ]
        progress = Progress(len(names))
        for name in names:
            try:
                if name in files.repeated:
                    raise UnusableFileError("duplicate-name", "the archive holds it more than once")
                pieces.append(piece_of(files.read(name), name, source))
            except UnusableFileError as error:
                rejects.append(
                    reject_piece("ingest-pieces", "file", name, name, error.reason, error.detail)
                )
            except UnsafeMemberError as error:
                rejects.append(
                    reject_piece("ingest-pieces", "file", name, name, "unsafe-file", str(error))
                )
            except UNREADABLE as error:
                detail = f"{type(error).__name__}: {error}"
                rejects.append(
                    reject_piece("ingest-pieces", "file", name, name, "unreadable-file", detail)
                )
            progress.step()
    return pieces, rejects


def included(names: Iterable[str], include: Iterable[str]) -> list[str]:
    """Return the paths that contain one of some texts, all where there are no texts."""
    wanted = tuple(include)
    return [name for name in names if not wanted or any(text in name for text in wanted)]


def piece_of(data: bytes, name: str, source: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of the pieces table for one MIDI file.

    Args:
        data: the file's bytes.
        name: its path inside the folder or archive.
        source: as for `read_pieces`.

    Raises:
        UnusableFileError: the file cannot be read, has fewer than two onsets, or lies too far
            from the grid.
    """
    midi, malformed = open_midi(data)
    if malformed:
        logging.info("%s: %d malformed meta events left out", name, malformed)
    performed = performance(without_later_signatures(midi), name)
    parts = [part for part in performed.instruments if part.notes and not part.is_drum]
    if not parts:
        drums = any(part.notes for part in performed.instruments)
        detail = "drums alone" if drums else f"{len(midi.tracks)} tracks without notes"
        raise UnusableFileError("no-notes", detail)
    notes = played(parts, source["parts"], performed)
    if len({note.onset_tick for note in notes}) == 1:
        count = sum(len(part.notes) for part in parts)
        if count == 1:
            raise UnusableFileError("one-note", f"pitch {notes[0].pitch} alone")
        raise UnusableFileError(
            "one-onset", f"{count} notes, those that are read all at {notes[0].onset_s:.2f} s"
        )
    notes, error = quantised(with_least_lengths(notes), source["grid_per_quarter"])
    if error > source["max_quantise_error_s"]:
        raise UnusableFileError(
            "quantise-error",
            f"an onset lies {error:.3f} s from the grid, "
            f"limit {source['max_quantise_error_s']:g} s",
        )
    origin = {
        "piece_id": song_id("notes", name, ""),
        "source": "notes",
        "collection": collection_of(name),
        "path": name,
        "title": title_of(midi, name),
    }
    return piece_row(origin, notes, grid_of(midi))


def played(
    parts: list[pretty_midi.Instrument], which: str, midi: pretty_midi.PrettyMIDI
) -> list[PieceNote]:
    """Return the notes of a file that are read, at their performed ticks, with their staves.

    The melody is the part with the highest mean pitch, and of its notes that start together the
    highest one. Read whole, other parts go to the lower staff; where there is but one part, the
    notes below middle C do, if there are any above.

    Args:
        parts: parts with notes, no drums.
        which: melody or all.
        midi: the file, for its ticks.
    """
    melody = max(parts, key=lambda part: sum(note.pitch for note in part.notes) / len(part.notes))
    if which == MELODY:
        top: dict[int, PieceNote] = {}
        for sounding in melody.notes:
            note = _note(sounding, UPPER, midi)
            if note.onset_tick not in top or note.pitch > top[note.onset_tick].pitch:
                top[note.onset_tick] = note
        return list(top.values())
    if len(parts) > 1:
        return [
            _note(sounding, UPPER if part is melody else LOWER, midi)
            for part in parts
            for sounding in part.notes
        ]
    highest = max(note.pitch for note in melody.notes)
    return [
        _note(sounding, LOWER if sounding.pitch < MIDDLE_C <= highest else UPPER, midi)
        for sounding in melody.notes
    ]


def _note(sounding: pretty_midi.Note, staff: int, midi: pretty_midi.PrettyMIDI) -> PieceNote:
    return PieceNote(
        pitch=sounding.pitch,
        onset_tick=scaled(midi.time_to_tick(sounding.start), midi.resolution),
        end_tick=scaled(midi.time_to_tick(sounding.end), midi.resolution),
        onset_s=float(sounding.start),
        end_s=float(sounding.end),
        staff=staff,
    )


def without_later_signatures(midi: mido.MidiFile) -> mido.MidiFile:
    """Return a file whose time and key signatures stand in its first track alone.

    `grid_of` reads them from all tracks; pretty_midi only warns of the others, once a file.
    """
    later = [
        mido.MidiTrack(
            mido.MetaMessage("marker", time=event.time)
            if event.type in ("time_signature", "key_signature")
            else event
            for event in track
        )
        for track in midi.tracks[1:]
    ]
    kept = mido.MidiFile(type=midi.type, ticks_per_beat=midi.ticks_per_beat, charset=midi.charset)
    kept.tracks = [*midi.tracks[:1], *later]
    return kept


def with_least_lengths(notes: Sequence[PieceNote]) -> list[PieceNote]:
    """Return notes of which those that are over at once last up to the next onset.

    When a pitch starts again before it has ended, the end of the first note ends both, and when
    the second one was to end is lost. It gets a quarter note at most.

    Args:
        notes: notes of a file, with two onsets or more.
    """
    onsets = sorted({note.onset_tick for note in notes})
    clock = clock_of(notes)
    mended = []
    for note in notes:
        if note.end_s - note.onset_s < LEAST_SOUND_S:
            end = note.onset_tick + TICKS_PER_QUARTER
            place = bisect_right(onsets, note.onset_tick)
            if place < len(onsets):
                end = min(end, onsets[place])
            note = replace(note, end_tick=end, end_s=clock(end))
        mended.append(note)
    return mended


def collection_of(name: str) -> str:
    """Return the collection of a path: the book of a numbered name (jigs107), else its folder."""
    path = PurePosixPath(name)
    numbered = _NUMBERED.fullmatch(path.stem)
    return numbered[1].lower() if numbered else path.parent.name or "."


def title_of(midi: mido.MidiFile, name: str) -> str:
    """Return the name of the sequence (of a first track without notes), else of the file."""
    first = midi.tracks[0]
    named = [event.name for event in first if event.type == "track_name"]
    if named and not any(event.type == "note_on" for event in first):
        texts, _ = decode([named[0].encode("latin-1")])
        title = " ".join(texts[0].split())
        if title:
            return title
    return " ".join(PurePosixPath(name).stem.replace("_", " ").split())
