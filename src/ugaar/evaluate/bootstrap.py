"""Percentile bootstrap over queries and seeds.

Queries and seeds are crossed (every seed ranks the same queries), so one resample draws queries
and, independently, seeds, both with replacement. Every method and direction uses the same draws:
differences between methods are then paired by query and, where both have the same seeds, by seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_STREAM = 20072020
_VALUES_PER_BLOCK = 2**21


@dataclass(frozen=True)
class Draws:
    """Resamples of the queries and the seeds.

    Attributes:
        queries: (resamples, queries) query numbers.
        seeds: (resamples, seeds) seed numbers.
    """

    queries: np.ndarray
    seeds: np.ndarray


def draw(n_resamples: int, n_queries: int, n_seeds: int) -> Draws:
    """Draw resamples; the same sizes always give the same draws.

    Args:
        n_resamples: number of resamples.
        n_queries: number of queries.
        n_seeds: number of seeds.
    """
    of_queries = np.random.default_rng([_STREAM, 0, n_queries])
    of_seeds = np.random.default_rng([_STREAM, 1, n_seeds])
    return Draws(
        of_queries.integers(n_queries, size=(n_resamples, n_queries), dtype=np.int32),
        of_seeds.integers(n_seeds, size=(n_resamples, n_seeds), dtype=np.int32),
    )


def resample(per_query: np.ndarray, queries: np.ndarray, median: bool) -> np.ndarray:
    """Return the metric of each seed in each resample of the queries.

    Args:
        per_query: (seeds, queries) values.
        queries: (resamples, queries) query numbers.
        median: take medians over the queries, not means.

    Returns:
        (resamples, seeds) values.
    """
    summary = np.median if median else np.mean
    result = np.empty((len(queries), len(per_query)))
    rows = max(1, _VALUES_PER_BLOCK // queries.shape[1])
    for start in range(0, len(queries), rows):
        chosen = queries[start : start + rows]
        for number, values in enumerate(per_query):
            result[start : start + rows, number] = summary(values[chosen], axis=1)
    return result


def over_seeds(resampled: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Return the mean over the drawn seeds of each resample.

    Args:
        resampled: (resamples, seeds) values of each seed.
        seeds: (resamples, seeds) seed numbers drawn.

    Returns:
        (resamples,) means.
    """
    return np.take_along_axis(resampled, seeds.astype(np.intp), axis=1).mean(axis=1)


def interval(samples: np.ndarray, confidence: float) -> tuple[float, float]:
    """Return the central percentile interval of the samples at a level such as 0.95."""
    low, high = np.quantile(samples, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
