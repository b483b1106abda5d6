"""Which works a fold's model learns from, and which works it answers for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TEST, VALID = "test", "valid"


def learned(fold: NDArray[np.integer], turn: int, folds: int, ranked: str) -> NDArray[np.int64]:
    """Return the recordings that the model of a turn is trained on.

    Args:
        fold: (recordings,) fold of each recording.
        turn: number of the turn; its test works are those of the fold with that number.
        folds: number of folds.
        ranked: test (all other works are learned) or valid (for tuning: the works of the next fold
            are queries, those of this fold are never looked at as queries).
    """
    left_out = {turn} if ranked == TEST else {turn, (turn + 1) % folds}
    return np.flatnonzero(~np.isin(fold, list(left_out)))


def asked(fold: NDArray[np.integer], turn: int, folds: int, ranked: str) -> NDArray[np.int64]:
    """Return the recordings whose shingles are queries in a turn; see `learned`."""
    return np.flatnonzero(fold == (turn if ranked == TEST else (turn + 1) % folds))
