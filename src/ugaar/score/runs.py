"""Runs of notes and of syllables as 64-bit hashes, for finding what songs share.

Runs are equal when their hashes are, but for chance: among the four million runs of the largest
collection used here, two different ones collide with probability 5e-7.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ugaar.tables import TICKS_PER_QUARTER

Hashes = NDArray[np.uint64]

_SIXTEENTH = TICKS_PER_QUARTER // 4
_BASE = np.uint64(0x9E3779B97F4A7C15)


def _mixed(values: Hashes) -> Hashes:
    """Scramble each value, one to one (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def run_hashes(items: Hashes, length: int) -> Hashes:
    """Return the hash of each run of items, (items - length + 1,); of the order too.

    Args:
        items: (n,) one number an item; equal numbers are equal items.
        length: items in a run, at least 1.
    """
    count = max(len(items) - length + 1, 0)
    scrambled = _mixed(items + _BASE)
    total = np.zeros(count, dtype=np.uint64)
    for place in range(length):
        total = _mixed(total * _BASE + scrambled[place : place + count])
    return total


def melody_hashes(pitches: Sequence[int], onsets: Sequence[int], length: int) -> Hashes:
    """Return the hash of each run of `length` notes, equal up to transposition.

    Args:
        pitches: MIDI pitches.
        onsets: onsets in ticks. Distances count in sixteenth notes, so that the small
            differences between performances of one melody do not hide it.
        length: notes in a run, at least 2.
    """
    intervals = np.diff(np.asarray(pitches, dtype=np.int64))
    steps = np.rint(np.diff(np.asarray(onsets, dtype=np.int64)) / _SIXTEENTH).astype(np.int64)
    return run_hashes((intervals * 2**40 + steps).astype(np.uint64), length - 1)


def text_hashes(syllables: NDArray[np.int64], length: int, distinct: int) -> Hashes:
    """Return the hash of each run of syllables that holds enough different ones.

    Args:
        syllables: (n,) number of each syllable.
        length: syllables in a run.
        distinct: least number of different syllables in it.
    """
    if len(syllables) < length:
        return np.empty(0, dtype=np.uint64)
    ordered = np.sort(sliding_window_view(syllables, length), axis=1)
    different = 1 + (np.diff(ordered, axis=1) != 0).sum(axis=1)
    return run_hashes(syllables.astype(np.uint64), length)[different >= distinct]
