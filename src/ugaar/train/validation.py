"""The one figure by which every method chooses on the validation fold: mean MRR."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray


def reciprocal_ranks(similarities: NDArray, content: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return 1 / rank of the right answers, gallery items of equal content sharing a mid-rank.

    Args:
        similarities: (n, n), larger is closer; the right answer to query i is item i.
        content: (n,) content numbers of the gallery items.

    Returns:
        (n,) reciprocal mid-ranks.
    """
    same = content[:, None] == content[None, :]
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
        names = list(space)
        for index, first in enumerate(names):
            for second in names[index + 1 :]:
                scores = _similarities(space[first], space[second], similarity)
                if not np.isfinite(scores).all():  # comparisons with NaN would give rank 1
                    found[f"{first}-to-{second}"] = found[f"{second}-to-{first}"] = float("nan")
                    continue
                found[f"{first}-to-{second}"] = float(
                    reciprocal_ranks(scores, content[second]).mean()
                )
                found[f"{second}-to-{first}"] = float(
                    reciprocal_ranks(scores.T, content[first]).mean()
                )
    return found


def _similarities(left: NDArray, right: NDArray, similarity: str) -> NDArray[np.float64]:
    left, right = left.astype(np.float64), right.astype(np.float64)
    if similarity == "euclidean":
        squares = np.square(left).sum(axis=1)[:, None] + np.square(right).sum(axis=1)[None, :]
        return 2.0 * left @ right.T - squares
    lengths = np.linalg.norm(left, axis=1)[:, None] * np.linalg.norm(right, axis=1)[None, :]
    return left @ right.T / np.where(lengths > 0, lengths, 1.0)
