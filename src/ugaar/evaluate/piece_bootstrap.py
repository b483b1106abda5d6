"""Bootstrap over pieces: the snippets of a piece are not independent, so pieces are drawn whole."""

from __future__ import annotations

import numpy as np

_VALUES_PER_BLOCK = 2**22


def resample_pieces(
    per_query: np.ndarray, piece_of: np.ndarray, draws: np.ndarray, median: bool
) -> np.ndarray:
    """Return the metric of each seed in each resample of the pieces.

    Args:
        per_query: (seeds, queries) values.
        piece_of: (queries,) number of the piece of each query, 0 ... P - 1.
        draws: (resamples, P) piece numbers, drawn with replacement (see `bootstrap.draw`).
        median: take medians over the queries drawn, not means.

    Returns:
        (resamples, seeds) values.
    """
    n_pieces = draws.shape[1]
    times = np.stack([np.bincount(drawn, minlength=n_pieces) for drawn in draws])
    if not median:
        sizes = np.bincount(piece_of, minlength=n_pieces)
        sums = np.stack(
            [np.bincount(piece_of, weights=values, minlength=n_pieces) for values in per_query]
        )
        return times @ sums.T / (times @ sizes)[:, None]
    found = np.empty((len(draws), len(per_query)))
    rows = max(1, _VALUES_PER_BLOCK // len(piece_of))
    for number, values in enumerate(per_query):
        order = np.argsort(values, kind="stable")
        ordered, owner = values[order], piece_of[order]
        for start in range(0, len(draws), rows):
            found[start : start + rows, number] = _medians(
                ordered, times[start : start + rows, owner]
            )
    return found


def _medians(ordered: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the median of ascending values, each there so many times.

    Args:
        ordered: (queries,) values, ascending.
        times: (resamples, queries) counts.
    """
    reached = np.cumsum(times, axis=1)
    total = reached[:, -1:]
    # The middle value, or the mean of the two in the middle, as numpy.median takes it.
    lower = np.count_nonzero(reached < (total + 1) // 2, axis=1)
    upper = np.count_nonzero(reached < total // 2 + 1, axis=1)
    return (ordered[lower] + ordered[upper]) / 2
