"""A song as a row: the voice part with lyrics that a source delivers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ugaar.score.lyrics import syllables_and_words
from ugaar.score.notes import Note


@dataclass(frozen=True)
class Grid:
    """Bars, time signatures and key signatures of a score, in ticks from its start."""

    bar_tick: list[int] = field(default_factory=list)
    meter_tick: list[int] = field(default_factory=list)
    meter: list[str] = field(default_factory=list)
    key_tick: list[int] = field(default_factory=list)
    key_fifths: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Origin:
    """Where a song comes from and how it was read; the fields are columns of `songs`."""

    source: str
    collection: str
    path: str
    part: str
    title: str
    composer: str
    language: str
    verse: str
    encoding: str
    timing: str
    tempo_source: str


def song_id(source: str, path: str, part: str) -> str:
    """Return the identifier of a song: 12 hex digits that depend on where it comes from only."""
    return hashlib.sha256("\0".join((source, path, part)).encode()).hexdigest()[:12]


def shard_of(path: str, shards: int) -> int:
    """Return the shard that reads a file, from the hash of its relative path."""
    return int(hashlib.sha256(path.encode()).hexdigest()[:8], 16) % shards


def song_row(origin: Origin, notes: Sequence[Note], grid: Grid) -> dict[str, Any]:
    """Return a row of the songs table.

    Args:
        origin: where the song comes from.
        notes: notes in order, each with text.
        grid: bars and signatures.
    """
    syllables, words = syllables_and_words([note.text for note in notes])
    return {
        "song_id": song_id(origin.source, origin.path, origin.part),
        **vars(origin),
        "n_notes": len(notes),
        "pitch": [note.pitch for note in notes],
        "onset_s": [note.onset_s for note in notes],
        "duration_s": [note.end_s - note.onset_s for note in notes],
        "onset_tick": [note.onset_tick for note in notes],
        "duration_tick": [note.end_tick - note.onset_tick for note in notes],
        "text": [" ".join(part.text for part in note.text) for note in notes],
        "syllable": syllables,
        "word": words,
        **vars(grid),
    }
