"""The one figure by which every method chooses on the validation fold: mean MRR."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

SCORES_PER_BLOCK = 2**22
"""Scores held at a time (32 MiB of float64): memory does not grow with the square of n."""


def reciprocal_ranks(
    similarities: NDArray, content: NDArray[np.intp], first: int = 0
) -> NDArray[np.float64]:
    """Return 1 / rank of the right answers, gallery items of equal content sharing a mid-rank.

    Args:
        similarities: (m, n), larger is closer; the right answer to query i is item first + i.
        content: (n,) content numbers of the gallery items.
        first: number of the first query.

    Returns:
        (m,) reciprocal mid-ranks.
    """
    same = content[first : first + len(similarities), None] == content[None, :]
    # A matrix product may give equal items scores that differ in the last bit.
    own = np.where(same, similarities, -np.inf).max(axis=1, keepdims=True)
    better = ((similarities > own) & ~same).sum(axis=1)
    tied = ((similarities == own) | same).sum(axis=1)
    return 1.0 / (1.0 + better + (tied - 1) / 2.0)


def mean_reciprocal_ranks(
    spaces: Iterable[Mapping[str, NDArray]],
    content: Mapping[str, NDArray[np.intp]],
    similarity: str,
) -> dict[str, float]:
    """Return the MRR of every direction that the spaces cover.

    Args:
        spaces: for each space, modality -> (n, d) embeddings.
        content: modality -> (n,) content numbers.
        similarity: cosine or euclidean.

    Returns:
        Direction (<query>-to-<gallery>) -> MRR, in the order of the spaces; NaN where an
        embedding is not finite.
    """
    found = {}
    for space in spaces:
        for one, other in combinations(space, 2):
            for query, gallery in ((one, other), (other, one)):
                found[f"{query}-to-{gallery}"] = _mean_reciprocal_rank(
                    space[query], space[gallery], content[gallery], similarity
                )
    return found


def _mean_reciprocal_rank(
    queries: NDArray, gallery: NDArray, content: NDArray[np.intp], similarity: str
) -> float:
    ranks = []
    rows = max(1, SCORES_PER_BLOCK // len(gallery))
    for start in range(0, len(queries), rows):
        scores = _similarities(queries[start : start + rows], gallery, similarity)
        if not np.isfinite(scores).all():  # comparisons with NaN would give rank 1
            return float("nan")
        ranks.append(reciprocal_ranks(scores, content, start))
    return float(np.concatenate(ranks).mean())


def _similarities(left: NDArray, right: NDArray, similarity: str) -> NDArray[np.float64]:
    left, right = left.astype(np.float64), right.astype(np.float64)
    if similarity == "euclidean":
        squares = np.square(left).sum(axis=1)[:, None] + np.square(right).sum(axis=1)[None, :]
        return 2.0 * left @ right.T - squares
    lengths = np.linalg.norm(left, axis=1)[:, None] * np.linalg.norm(right, axis=1)[None, :]
    return left @ right.T / np.where(lengths > 0, lengths, 1.0)
