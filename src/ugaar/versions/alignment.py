"""Two versions of a work laid on each other in time by dynamic time warping of their chroma."""

from __future__ import annotations

from dataclasses import dataclass

import librosa
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Alignment:
    """Where each second of one recording lies in another.

    Attributes:
        distance: mean cosine distance of the vectors that meet.
        place: (frames of the first,) second of the second recording.
        other_place: (frames of the second,) second of the first recording.
    """

    distance: float
    place: NDArray[np.int16]
    other_place: NDArray[np.int16]


def align(first: NDArray[np.float32], second: NDArray[np.float32]) -> Alignment:
    """Align two recordings from end to end.

    Where one second meets several of the other, the middle one is taken. A repeat that only one
    performer plays can't be told this way: there the path waits, and the distance is large.

    Args:
        first: (frames, 12) unit vectors.
        second: (other frames, 12) unit vectors.
    """
    cost = 1.0 - first.astype(np.float64) @ second.astype(np.float64).T
    _, path = librosa.sequence.dtw(C=cost)
    path = path[::-1]
    return Alignment(
        float(cost[path[:, 0], path[:, 1]].mean()),
        _middles(path[:, 0], path[:, 1]),
        _middles(path[:, 1], path[:, 0]),
    )


def _middles(here: NDArray[np.integer], there: NDArray[np.integer]) -> NDArray[np.int16]:
    """Return for each second here the middle of the seconds there; both never decrease."""
    seconds = np.arange(here[-1] + 1)
    first = there[np.searchsorted(here, seconds, side="left")]
    last = there[np.searchsorted(here, seconds, side="right") - 1]
    return ((first + last) // 2).astype(np.int16)


def copies(names: list[str], pairs: list[tuple[str, str, float]], limit: float) -> dict[str, str]:
    """Return which recordings are copies of one performance.

    A performance that was issued twice, or under two names, aligns with itself far better than any
    two performances do.

    Args:
        names: all recordings.
        pairs: two recordings and the distance of their alignment.
        limit: distance below which they are copies; copies of copies are copies.

    Returns:
        Recording -> the first name, in order, of its group.
    """
    group = {name: name for name in names}
    for one, other, distance in pairs:
        if distance < limit:
            low, high = sorted((group[one], group[other]))
            group = {name: low if root == high else root for name, root in group.items()}
    return group
