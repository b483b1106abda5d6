"""Duplicate groups: songs that share music or text, found by hashing runs (near-linear)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ugaar.score.runs import Hashes, melody_hashes, text_hashes


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
    first_with: dict[tuple[str, str], str] = {}

    def share(song: str, kind: str, content: str) -> None:
        groups.join(song, first_with.setdefault((kind, content), song))

    for window in windows:
        share(window["song_id"], "lyrics", window["lyrics_key"])
    size = max((len(window["pitch"]) for window in windows), default=0)
    names: list[str] = []
    melodies: list[Hashes] = []
    texts: list[Hashes] = []
    numbers: defaultdict[str, int] = defaultdict(lambda: len(numbers))
    for song in songs:
        if song["song_id"] not in used:
            continue
        names.append(song["song_id"])
        share(song["song_id"], "file", song["path"])
        melodies.append(np.unique(melody_hashes(song["pitch"], song["onset_tick"], size)))
        syllables = np.array([numbers[text] for text in song["syllable"]], dtype=np.int64)
        texts.append(np.unique(text_hashes(syllables, run_length, run_distinct)))
    for runs in (melodies, texts):
        for first, second in pairs_that_share(runs):
            groups.join(names[first], names[second])
    return {name: groups.find(name) for name in used}


def pairs_that_share(runs: Sequence[Hashes]) -> list[tuple[int, int]]:
    """Return pairs of songs that link all songs with an equal run, each pair once.

    Args:
        runs: for each song the hashes of its runs.
    """
    if not runs:
        return []
    hashes = np.concatenate(runs)
    owners = np.repeat(np.arange(len(runs)), [len(found) for found in runs])
    # Equal hashes come together, their owners ascending: neighbours link a whole block.
    order = np.argsort(hashes, kind="stable")
    hashes, owners = hashes[order], owners[order]
    equal = hashes[1:] == hashes[:-1]
    pairs = np.unique(np.stack([owners[:-1][equal], owners[1:][equal]], axis=1), axis=0)
    return [(int(first), int(second)) for first, second in pairs]
