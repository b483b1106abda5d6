"""Retrieval metrics from tie-aware ranks.

Convention: `n_better` items are strictly better than the right answer and `n_tied` are tied with
it, itself included. The order of tied items is uniformly random, so the rank is uniform on
n_better + 1, ..., n_better + n_tied. R@K and the reciprocal rank are expectations over that order;
MedR and MeanR use its mean, the mid-rank.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

DEFAULT_TOP_K = (1, 5, 10)


def recall_at(n_better: np.ndarray, n_tied: np.ndarray, k: int) -> np.ndarray:
    """Return P(rank <= k) of each query: the share of its tied places among the first k.

    Args:
        n_better: strictly better items, any shape.
        n_tied: tied items, itself included (>= 1), same shape.
        k: cut-off, >= 1; may exceed the gallery.

    Returns:
        Probabilities in [0, 1], same shape.
    """
    return np.clip(k - n_better, 0, n_tied) / n_tied


def mid_rank(n_better: np.ndarray, n_tied: np.ndarray) -> np.ndarray:
    """Return the mean rank over the order of the ties, 1 being the best (same shape)."""
    return n_better + (n_tied + 1) / 2


def reciprocal_rank(n_better: np.ndarray, n_tied: np.ndarray) -> np.ndarray:
    """Return the mean of 1 / rank over the order of the ties (same shape)."""
    harmonic = harmonic_numbers(int((n_better + n_tied).max(initial=0)))
    return (harmonic[n_better + n_tied] - harmonic[n_better]) / n_tied


def harmonic_numbers(count: int) -> np.ndarray:
    """Return H_0 = 0, H_1 = 1, H_2 = 1.5, ..., H_count, shape (count + 1,)."""
    return np.concatenate(([0.0], np.cumsum(1.0 / np.arange(1, count + 1))))


@dataclass(frozen=True)
class Metric:
    """A metric: what each query contributes, and how queries are summarised.

    Attributes:
        name: name in the tables, such as R@1 (percent) or MedR/N.
        per_query: values, shape (seeds, queries).
        median: summarise by the median over queries; otherwise by the mean.
        chance: exact value of a random order.
    """

    name: str
    per_query: np.ndarray
    median: bool
    chance: float

    def by_seed(self) -> np.ndarray:
        """Return the metric of each seed, shape (seeds,)."""
        summary = np.median if self.median else np.mean
        return summary(self.per_query, axis=1)


def metrics_of(
    n_better: np.ndarray, n_tied: np.ndarray, gallery_size: int, top_k: Iterable[int]
) -> list[Metric]:
    """Return every metric of one method in one direction.

    Args:
        n_better: (seeds, queries) strictly better items.
        n_tied: (seeds, queries) tied items, itself included.
        gallery_size: N, number of gallery items.
        top_k: recall cut-offs.

    Returns:
        R@K in percent for each cut-off, then MedR, MeanR, MRR and MedR/N.
    """
    middle = mid_rank(n_better, n_tied)
    chance = chance_values(gallery_size, top_k)
    values: dict[str, tuple[np.ndarray, bool]] = {
        f"R@{k}": (100 * recall_at(n_better, n_tied, k), False) for k in top_k
    }
    values["MedR"] = (middle, True)
    values["MeanR"] = (middle, False)
    values["MRR"] = (reciprocal_rank(n_better, n_tied), False)
    values["MedR/N"] = (middle / gallery_size, True)
    return [
        Metric(name, per_query, median, chance[name])
        for name, (per_query, median) in values.items()
    ]


def chance_values(gallery_size: int, top_k: Iterable[int]) -> dict[str, float]:
    """Return the exact metrics of a random order of a gallery of N items.

    They hold for galleries with duplicates too, where a random order is a random order of the
    distinct contents and equal contents tie. All N items are asked for once each, and in any order
    they fill the places 1 to N once each: the mean over queries of P(rank <= K) is K / N, of the
    rank (N + 1) / 2, of 1 / rank H_N / N. Turning the order round maps a mid-rank r to N + 1 - r,
    so mid-ranks are distributed symmetrically about (N + 1) / 2, their median.

    Args:
        gallery_size: N >= 1.
        top_k: recall cut-offs.

    Returns:
        Metric name -> value, R@K in percent.
    """
    n = gallery_size
    values = {f"R@{k}": 100 * min(k, n) / n for k in top_k}
    values["MedR"] = values["MeanR"] = (n + 1) / 2
    values["MRR"] = float(harmonic_numbers(n)[n]) / n
    values["MedR/N"] = (n + 1) / 2 / n
    return values
