"""Twins: places of the music that look and sound the same, and what they cost at best.

A retrieval system cannot tell twins apart, so the share of queries that it can answer first is
bounded: of n equal gallery items it names the right one with probability 1/n.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Hashes = NDArray[np.int64]

REACHES = (3, 5, 8)
"""Onsets before and after a place that twins have in common."""

_OUTSIDE = np.int64(-1)
"""Stands for an onset before the first or after the last; chord hashes are never negative."""


def twin_hashes(piece: Mapping[str, Any], reach: int) -> Hashes:
    """Return a hash of each onset that equal surroundings share.

    Two onsets have equal hashes when the onsets from `reach` before to `reach` after have the
    same pitches on the same staves at the same distances in ticks, up to chance (64 bits); how
    long notes last does not count. Before the first and after the last onset stands a marker, so
    the start of a piece is no twin of its middle.

    Args:
        piece: a row of the pieces table (pitch, onset_tick, staff).
        reach: onsets before and after, at least 1.

    Returns:
        (n_onsets,) int64.
    """
    chords: dict[int, list[tuple[int, int]]] = {}
    for tick, pitch, staff in zip(piece["onset_tick"], piece["pitch"], piece["staff"], strict=True):
        chords.setdefault(tick, []).append((staff, pitch))
    ticks = sorted(chords)
    sounding = np.array([_number(sorted(chords[tick])) for tick in ticks], dtype=np.int64)
    # As many steps as lie between the onsets that are compared: one fewer than these.
    steps = np.diff(np.array(ticks, dtype=np.int64))
    edge = np.full(reach, _OUTSIDE)
    around = sliding_window_view(np.concatenate([edge, sounding, edge]), 2 * reach + 1)
    between = sliding_window_view(np.concatenate([edge, steps, edge]), 2 * reach)
    content = np.ascontiguousarray(np.concatenate([around, between], axis=1))
    return np.array([_number(row.tobytes(), signed=True) for row in content], dtype=np.int64)


def _number(content: object, signed: bool = False) -> int:
    data = content if isinstance(content, bytes) else repr(content).encode()
    digest = hashlib.blake2b(data, digest_size=8).digest()
    number = int.from_bytes(digest, "little", signed=signed)
    return number if signed else number >> 1


def ceiling(hashes: Hashes) -> float:
    """Return the best R@1 in percent that can be expected where equal hashes are one to the eye.

    It is the mean over the gallery of 1 / (number of items with the same hash), that is, the
    number of different hashes in a hundred items.

    Args:
        hashes: (n,) hash of each gallery item, every item also a query.

    Raises:
        ValueError: there is no item.
    """
    if not len(hashes):
        raise ValueError("no gallery item")
    return 100.0 * len(np.unique(hashes)) / len(hashes)


@dataclass(frozen=True)
class TwinShares:
    """How many gallery items have twins, in percent.

    Attributes:
        n_onsets: gallery items.
        with_twin: share of the items that have a twin anywhere in the gallery.
        in_piece: share that have one within their own piece.
        ceiling: best R@1 that can be expected; see `ceiling`.
    """

    n_onsets: int
    with_twin: float
    in_piece: float
    ceiling: float


def twin_shares(hashes: Hashes, pieces: Sequence[str] | NDArray[Any]) -> TwinShares:
    """Count the twins of a gallery.

    Args:
        hashes: (n,) hash of each gallery item.
        pieces: (n,) piece of each item.
    """
    _, place, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    _, number = np.unique(np.asarray(pieces), return_inverse=True)
    together = np.stack([place, number], axis=1)
    _, own_place, own_counts = np.unique(together, axis=0, return_inverse=True, return_counts=True)
    return TwinShares(
        n_onsets=len(hashes),
        with_twin=100.0 * float((counts[place] > 1).mean()),
        in_piece=100.0 * float((own_counts[own_place.ravel()] > 1).mean()),
        ceiling=ceiling(hashes),
    )
