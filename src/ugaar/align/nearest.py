"""Exact nearest neighbours in blocks, with ties in a defined order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ugaar.errors import DataError

DISTANCES_PER_BLOCK = 2**21
"""Distances held at a time (16 MiB of float64): memory does not grow with the square of n."""


def nearest_neighbours(
    points: NDArray,
    k: int,
    distinct: NDArray | None = None,
    distances_per_block: int = DISTANCES_PER_BLOCK,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Find the k nearest points of each point, itself included, by Euclidean distance.

    A matrix product finds the candidates; their distances are then computed difference by
    difference, so equal points have equal distances to the last bit. Equal distances are ordered
    by row, the point itself before all others. The result does not depend on the block size.

    Args:
        points: (n, d) coordinates.
        k: neighbours of each point.
        distinct: (n,) content number of each point, or None. Where given, a list of neighbours
            holds each content once: the point itself stands for its own content, and the first
            row for any other.
        distances_per_block: distances held in memory at a time.

    Returns:
        rows: (n, k) rows of the neighbours, nearest first.
        distances: (n, k) their Euclidean distances.

    Raises:
        DataError: fewer than k (distinct) points, or coordinates that are not finite.
    """
    points = np.ascontiguousarray(points, dtype=np.float64)
    n = len(points)
    if not np.isfinite(points).all():
        raise DataError("nearest neighbours: a coordinate is not finite; check the features")
    content = np.arange(n) if distinct is None else np.asarray(distinct)
    # The gallery holds the first point of each content; a query takes its own place in it.
    _, gallery, place = np.unique(content, return_index=True, return_inverse=True)
    order = np.argsort(gallery)
    gallery = gallery[order]
    place = np.argsort(order)[place]
    if not 1 <= k <= len(gallery):
        raise DataError(
            f"nearest neighbours: asked for {k} among {len(gallery)} different points; "
            "ask for no more than there are"
        )
    targets = points[gallery]
    squared = np.square(targets).sum(axis=1)
    # Rounding of the product form, relative to the largest numbers that cancel in it.
    slack = 64 * np.finfo(np.float64).eps * points.shape[1] * max(float(squared.max()), 1e-300)

    rows = np.empty((n, k), dtype=np.intp)
    distances = np.empty((n, k))
    step = max(1, distances_per_block // len(gallery))
    for start in range(0, n, step):
        block = points[start : start + step]
        size = len(block)
        own = place[start : start + size]
        rough = squared - 2.0 * (block @ targets.T)
        rough[np.arange(size), own] = -np.inf  # the point itself, also where it is not the first
        limit = np.partition(rough, k - 1, axis=1)[:, k - 1 : k] + slack
        query, target = np.nonzero(rough <= limit)
        exact = _squared_distances(block, targets, query, target)
        is_self = target == own[query]
        exact[is_self] = 0.0
        ranking = np.lexsort((target, ~is_self, exact, query))
        query, target, exact = query[ranking], target[ranking], exact[ranking]
        first = np.searchsorted(query, np.arange(size))
        chosen = first[:, None] + np.arange(k)
        rows[start : start + size] = gallery[target[chosen]]
        distances[start : start + size] = np.sqrt(exact[chosen])
    rows[:, 0] = np.arange(n)
    return rows, distances


def _squared_distances(
    block: NDArray, targets: NDArray, query: NDArray, target: NDArray, chunk: int = 2**15
) -> NDArray[np.float64]:
    """Return the squared distances of listed pairs, a chunk of pairs at a time."""
    exact = np.empty(len(query))
    for start in range(0, len(query), chunk):
        part = slice(start, start + chunk)
        exact[part] = np.square(block[query[part]] - targets[target[part]]).sum(axis=1)
    return exact
