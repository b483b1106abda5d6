"""Duplicate groups: songs that share music or text, found by hashing runs (near-linear)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ugaar.tables import TICKS_PER_QUARTER

Run = tuple[Any, ...]


class UnionFind:
    """Disjoint sets of names; a set is named by its smallest member."""

    def __init__(self, names: Iterable[str]) -> None:
        self._parent = {name: name for name in names}

    def find(self, name: str) -> str:
        """Return the smallest member of the set that holds a name."""
        root = name
        while self._parent[root] != root:
            root = self._parent[root]
        while self._parent[name] != root:
            self._parent[name], name = root, self._parent[name]
        return root

    def join(self, first: str, second: str) -> None:
        """Unite the sets of two names."""
        low, high = sorted((self.find(first), self.find(second)))
        self._parent[high] = low


def text_runs(syllables: Sequence[str], length: int, distinct: int) -> Iterator[Run]:
    """Yield each run of `length` syllables that holds at least `distinct` different ones."""
    for start in range(len(syllables) - length + 1):
        run = tuple(syllables[start : start + length])
        if len(set(run)) >= distinct:
            yield run


def melody_runs(pitches: Sequence[int], onsets: Sequence[int], length: int) -> Iterator[Run]:
    """Yield each run of `length` notes as intervals and rhythm: equal up to transposition.

    Args:
        pitches: MIDI pitches.
        onsets: onsets in ticks. Distances count in sixteenth notes, so that the small
            differences between performances of one melody do not hide it.
        length: notes in a run.
    """
    sixteenth = TICKS_PER_QUARTER // 4
    steps = [
        (high - low, round((after - before) / sixteenth))
        for low, high, before, after in zip(pitches, pitches[1:], onsets, onsets[1:], strict=False)
    ]
    for start in range(len(steps) - length + 2):
        yield tuple(steps[start : start + length - 1])


def duplicate_groups(
    songs: Iterable[Mapping[str, Any]],
    windows: Iterable[Mapping[str, Any]],
    run_length: int,
    run_distinct: int,
) -> dict[str, str]:
    """Return the duplicate group of each song that has windows.

    Two songs are in one group when they come from one file (voices of a piece), when 20 notes
    (a window's length) of one have the intervals and rhythm of 20 notes of the other, when they
    have windows of equal lyrics, or when they share a run of syllables; and so on along chains.

    Args:
        songs: rows of the songs table (song_id, path, pitch, onset_tick, syllable).
        windows: rows of the windows table (song_id, pitch, lyrics_key).
        run_length: syllables in a shared run.
        run_distinct: different syllables that such a run must hold; `fa la la` is no evidence.

    Returns:
        song_id -> group, named by the smallest song_id in it.
    """
    windows = list(windows)
    used = {window["song_id"] for window in windows}
    groups = UnionFind(used)
    first_with: dict[Hashable, str] = {}

    def share(song: str, kind: str, content: Hashable) -> None:
        groups.join(song, first_with.setdefault((kind, content), song))

    for window in windows:
        share(window["song_id"], "lyrics", window["lyrics_key"])
    size = max((len(window["pitch"]) for window in windows), default=0)
    for song in songs:
        name = song["song_id"]
        if name not in used:
            continue
        share(name, "file", song["path"])
        for run in melody_runs(song["pitch"], song["onset_tick"], size):
            share(name, "melody", run)
        for run in text_runs(song["syllable"], run_length, run_distinct):
            share(name, "text", run)
    return {name: groups.find(name) for name in used}
