"""Songs and rejects of one shard of a folder of MIDI and karaoke files."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import mido
import pretty_midi

from ugaar.errors import ConfigError, DataError
from ugaar.progress import Progress
from ugaar.score.notes import Note, apply_melisma
from ugaar.score.rejects import reject
from ugaar.sources.language import UNDETERMINED, language_of
from ugaar.sources.midi_bytes import open_midi
from ugaar.sources.midi_lyrics import LyricStream, choose_stream, headers_of, streams_of
from ugaar.sources.midi_melody import Melody, choose_melody, scaled
from ugaar.sources.songs import Grid, Origin, shard_of, song_row
from ugaar.sources.unusable import UnusableFileError
from ugaar.tables import TICKS_PER_QUARTER

SUFFIXES = (".mid", ".midi", ".kar", ".rmi")
Rows = list[dict[str, Any]]

_MAJOR = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
_MINOR = ("Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#")
FIFTHS = {name: place - 7 for place, name in enumerate(_MAJOR)} | {
    f"{name}m": place - 7 for place, name in enumerate(_MINOR)
}


def midi_files(root: Path) -> list[tuple[str, Path]]:
    """Return the MIDI files under a folder as sorted (relative POSIX path, path) pairs.

    Bytes of a name that are no UTF-8 are written as escapes, so that tables can hold it.

    Raises:
        ConfigError: there is no such folder.
        DataError: it holds no MIDI file.
    """
    if not root.is_dir():
        raise ConfigError(f"source.path: {root} is no folder; give the folder of your MIDI files")
    found = sorted(
        (_printable(path.relative_to(root).as_posix()), path)
        for path in root.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file()
    )
    if not found:
        raise DataError(f"{root}: no file that ends in {', '.join(SUFFIXES)}; see source.path")
    return found


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def read_folder(source: Mapping[str, Any], shard: int, shards: int) -> tuple[Rows, Rows]:
    """Read the files of one shard.

    Args:
        source: the `source` section of the configuration.
        shard: number of the shard, from 0.
        shards: number of shards.

    Returns:
        Rows of songs and of rejects; a file that cannot be used is a reject, never an error.
    """
    files = [
        (name, path)
        for name, path in midi_files(Path(source["path"]))
        if shard_of(name, shards) == shard
    ]
    songs: Rows = []
    rejects: Rows = []
    progress = Progress(len(files))
    for name, path in files:
        try:
            songs.append(song_of(path.read_bytes(), name, source))
        except UnusableFileError as error:
            rejects.append(reject("ingest", "file", name, name, error.reason, error.detail))
        except OSError as error:
            detail = f"{type(error).__name__}: {error.strerror}"
            rejects.append(reject("ingest", "file", name, name, "unreadable-midi", detail))
        progress.step()
    return songs, rejects


def song_of(data: bytes, name: str, source: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of the songs table for one MIDI file.

    Args:
        data: the file's bytes.
        name: its path inside the folder; its first folder is the collection.
        source: the `source` section of the configuration.

    Raises:
        UnusableFileError: the file cannot be read, or has no lyrics, notes or melody.
    """
    midi, malformed = open_midi(data)
    if malformed:
        logging.info("%s: %d malformed meta events left out", name, malformed)
    performed = performance(midi, name)
    if not any(instrument.notes for instrument in performed.instruments):
        raise UnusableFileError("no-notes", f"{len(midi.tracks)} tracks without notes")
    options = source["midi"]
    stream = choose_stream(streams_of(midi, options["hold_marks"]))
    if stream is None:
        raise UnusableFileError("no-lyrics", "neither lyric events nor karaoke text")
    melody = choose_melody(performed, stream, options["onset_tolerance_s"])
    if melody is None:
        raise UnusableFileError("no-notes", "drums alone")
    if melody.share < options["min_match"]:
        raise UnusableFileError(
            "no-melody",
            f"the best track {melody.name!r} meets {melody.share:.0%} of "
            f"{len(stream.onsets)} syllables, {options['min_match']:.0%} needed",
        )
    notes = apply_melisma(underlaid(melody, stream), source["melisma"], source["melisma_rest_s"])
    headers = headers_of(midi)
    origin = Origin(
        source="midi",
        collection=name.split("/")[0] if "/" in name else ".",
        path=name,
        part=melody.name,
        title=headers.get("title", ""),
        composer="",
        language=headers.get("language", UNDETERMINED),
        verse="1",
        encoding=stream.encoding,
        timing="performed",
        tempo_source="midi" if _tempo_given(midi) else "default",
    )
    row = song_row(origin, notes, grid_of(midi))
    if "language" not in headers:
        row["language"] = language_of(row["word"])
    return row


def performance(midi: mido.MidiFile, name: str) -> pretty_midi.PrettyMIDI:
    """Return notes and tempo map by pretty_midi.

    pretty_midi changes what it is given, so it gets a copy, and reads tempi of the first track
    only, so that track gets those of all.
    """
    own = copy.deepcopy(midi)
    if any(event.type == "set_tempo" for track in own.tracks[1:] for event in track):
        own.tracks[0] = _with_all_tempi(own)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = pretty_midi.PrettyMIDI(mido_object=own)
        except (ValueError, IndexError, KeyError, ZeroDivisionError) as error:
            detail = f"{type(error).__name__}: {error}"
            raise UnusableFileError("unreadable-midi", detail) from error
    for warning in caught:
        logging.info("%s: %s", name, warning.message)
    return found


def _with_all_tempi(midi: mido.MidiFile) -> mido.MidiTrack:
    """Return the first track with the tempo events of the other tracks merged in."""
    others = []
    for track in midi.tracks[1:]:
        tick = 0
        tempi = mido.MidiTrack()
        last = 0
        for event in track:
            tick += event.time
            if event.type == "set_tempo":
                tempi.append(event.copy(time=tick - last))
                last = tick
        others.append(tempi)
    return mido.merge_tracks([midi.tracks[0], *others])


def _tempo_given(midi: mido.MidiFile) -> bool:
    return any(event.type == "set_tempo" for track in midi.tracks for event in track)


def underlaid(melody: Melody, stream: LyricStream) -> list[Note]:
    """Return the melody's notes with the text of the syllables that meet them."""
    texts = [event.text for event in stream.syllables if event.text]
    notes = list(melody.notes)
    for text, place in zip(texts, melody.note_of, strict=True):
        if place is not None:
            notes[place] = replace(notes[place], text=text)
    return notes


def grid_of(midi: mido.MidiFile) -> Grid:
    """Return bars and signatures from the file's meta events; no bars without time signatures."""
    meters: dict[int, tuple[int, int]] = {}
    keys: dict[int, int] = {}
    end = 0
    for track in midi.tracks:
        tick = 0
        for event in track:
            tick += event.time
            place = scaled(tick, midi.ticks_per_beat)
            if event.type == "time_signature":
                meters[place] = (event.numerator, event.denominator)
            elif event.type == "key_signature":
                keys[place] = FIFTHS[event.key]
        end = max(end, scaled(tick, midi.ticks_per_beat))
    meters = {tick: meters[tick] for tick in sorted(meters) if 0 < meters[tick][0] <= 99}
    return Grid(
        bar_tick=bar_starts(meters, end),
        meter_tick=list(meters),
        meter=[f"{numerator}/{denominator}" for numerator, denominator in meters.values()],
        key_tick=sorted(keys),
        key_fifths=[keys[tick] for tick in sorted(keys)],
    )


def bar_starts(meters: Mapping[int, tuple[int, int]], end: int) -> list[int]:
    """Return the starts of bars from the first time signature to the end, in ticks.

    Args:
        meters: tick -> (numerator, denominator), ascending; each starts a new bar.
        end: last tick.
    """
    bars: list[int] = []
    stops = [*list(meters)[1:], end + 1]
    for (start, (numerator, denominator)), stop in zip(meters.items(), stops, strict=False):
        bars += range(start, stop, max(numerator * 4 * TICKS_PER_QUARTER // denominator, 1))
    return bars
