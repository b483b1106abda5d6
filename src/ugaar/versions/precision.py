"""Precision at 1 and average precision of one ranked list, and what random order would give.

Ties count against the query: a wrong answer at the same distance comes first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def average_precision(right: NDArray[np.floating], wrong: NDArray[np.floating]) -> float:
    """Return the average precision over the whole list, exactly.

    Args:
        right: (R,) distances of the right answers, R >= 1.
        wrong: (W,) distances of the wrong answers.

    Returns:
        The mean over right answers of the share of right ones in the list up to each.
    """
    before = np.searchsorted(np.sort(wrong), np.sort(right), side="right")
    found = np.arange(1, len(right) + 1)
    return float((found / (found + before)).mean())


def right_at_1(right: NDArray[np.floating], wrong: NDArray[np.floating]) -> bool:
    """Return whether the nearest answer is right."""
    return not len(wrong) or bool(right.min() < wrong.min())


def chance(n_right: int, n_items: int) -> tuple[float, float]:
    """Return the expected precision at 1 and average precision of a random order.

    An item at place k is right with probability R / N; then the expected number of right ones
    among the k - 1 before it is (k - 1) (R - 1) / (N - 1).

    Args:
        n_right: R, at least 1.
        n_items: N.
    """
    share = n_right / n_items
    if n_items == 1:
        return 1.0, 1.0
    harmonic = float((1.0 / np.arange(1, n_items + 1)).sum())
    others = (n_right - 1) / (n_items - 1)
    return share, (harmonic + others * (n_items - harmonic)) / n_items
