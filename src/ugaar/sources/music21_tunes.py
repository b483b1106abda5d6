"""Pieces and rejects of one shard of the folk tunes inside the music21 package.

Read are two collections of ABC files, tunes of one voice: Ryan's Mammoth Collection, a file a
tune, and O'Neill's Music of Ireland, many tunes a file. Repeat signs are not followed: a tune
gives its notes once, as written.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from music21 import stream
from music21.abcFormat import ABCFile
from music21.abcFormat.translate import abcToStreamScore
from music21.exceptions21 import Music21Exception

from ugaar.progress import Progress
from ugaar.score.piece_rejects import reject_piece
from ugaar.score.pieces import PieceNote, one_voice_a_staff, piece_row
from ugaar.score.tempo import TempoMap
from ugaar.sources.music21_files import corpus_root
from ugaar.sources.music21_scores import grid_of, tempo_marks, voices_of
from ugaar.sources.notes_folder import included
from ugaar.sources.score_voices import merge_ties
from ugaar.sources.songs import shard_of, song_id
from ugaar.sources.unusable import UnusableFileError

Rows = list[dict[str, Any]]

COLLECTIONS = ("oneills1850", "ryansMammoth")

UNREADABLE = (Music21Exception, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""By these music21 reports ABC that it cannot read, some of them out of its depths."""

_TUNE = re.compile(r"^X:", re.MULTILINE)


def read_pieces(source: Mapping[str, Any], shard: int, shards: int) -> tuple[Rows, Rows]:
    """Read one shard of the tunes inside the installed music21 package; see `read_tunes`."""
    return read_tunes(corpus_root(), source, shard, shards)


def read_tunes(root: Path, source: Mapping[str, Any], shard: int, shards: int) -> tuple[Rows, Rows]:
    """Read the tunes of one shard.

    Args:
        root: folder that holds the folders of the collections.
        source: the `source` section of the configuration.
        shard: number of the shard, from 0.
        shards: number of shards.

    Returns:
        Rows of pieces and of rejects; a tune that cannot be read is a reject, never an error.
    """
    names = [name for name, _ in tunes_in(root, source["include"])]
    progress = Progress(sum(shard_of(name, shards) == shard for name in names))
    pieces: Rows = []
    rejects: Rows = []
    for name, text in tunes_in(root, source["include"]):
        if shard_of(name, shards) != shard:
            continue
        try:
            pieces.append(piece_of(text, name, source))
        except UnusableFileError as error:
            logging.warning("%s: %s", name, error)
            rejects.append(
                reject_piece("ingest-pieces", "file", name, name, error.reason, error.detail)
            )
        progress.step()
    return pieces, rejects


def tunes_in(root: Path, include: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield (path, ABC text) of the tunes, sorted by file, in the order of each file.

    The path of a tune in a file of several ends in `#` and its number there, from 1.

    Args:
        root: folder that holds the folders of the collections.
        include: texts of which the path must contain one; empty = all tunes.
    """
    for collection in COLLECTIONS:
        for file in sorted((root / collection).glob("*.abc")):
            text = file.read_bytes().decode("utf-8", "replace")
            starts = [match.start() for match in _TUNE.finditer(text)]
            name = f"{collection}/{file.name}"
            for number, (start, stop) in enumerate(
                zip(starts, [*starts[1:], len(text)], strict=True), start=1
            ):
                path = name if len(starts) == 1 else f"{name}#{number}"
                if included([path], include):
                    yield path, text[start:stop]


def piece_of(text: str, name: str, source: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of the pieces table for one tune.

    Args:
        text: the tune in ABC.
        name: its path; its first folder is the collection.
        source: the `source` section of the configuration.

    Raises:
        UnusableFileError: music21 cannot read it, or it has fewer than two notes.
    """
    try:
        score = abcToStreamScore(ABCFile().readstr(text))
    except UNREADABLE as error:
        raise UnusableFileError("unreadable-tune", f"{type(error).__name__}: {error}") from error
    parts = list(score.parts)
    notes = [note for part in parts[:1] for note in _notes(part, source["default_tempo_qpm"])]
    if len(notes) < 2:
        raise UnusableFileError("one-note" if notes else "no-notes", f"{len(notes)} notes in bars")
    origin = {
        "piece_id": song_id("tunes", name, ""),
        "source": "tunes",
        "collection": name.split("/")[0],
        "path": name,
        "title": " ".join((score.metadata.title or "").split()) if score.metadata else "",
    }
    return piece_row(origin, one_voice_a_staff(notes), grid_of(parts[0]))


def _notes(part: stream.Part, default_tempo_qpm: float) -> Iterator[PieceNote]:
    """Yield the notes of a part with ties merged; of a chord the highest, as of `voices_of`."""
    times = TempoMap(tempo_marks([part]), default_tempo_qpm)
    for voice in list(voices_of(part).values())[:1]:
        for note in merge_ties(voice):
            yield PieceNote(
                pitch=note.pitch,
                onset_tick=note.onset,
                end_tick=note.end,
                onset_s=times.seconds(note.onset),
                end_s=times.seconds(note.end),
            )
