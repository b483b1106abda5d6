"""Tie-aware ranks of the right answers, exact and in blocks.

Convention: row i of the gallery is the right answer to query i. Gallery items of equal content
(equal content hash) are scored by one vector, that of the first of them, so they tie exactly; so
do items whose vectors are equal. No rank ever depends on the order of the gallery.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ugaar.errors import DataError

SCORES_PER_BLOCK = 2**22
"""Scores held at a time (16 MiB of float32): memory does not grow with the square of N."""

_ROWS_PER_BLOCK = 4096

SIMILARITIES = ("cosine", "euclidean")


def rank_matches(
    queries: np.ndarray,
    gallery: np.ndarray,
    content: Sequence[str],
    similarity: str,
    scores_per_block: int = SCORES_PER_BLOCK,
) -> tuple[np.ndarray, np.ndarray]:
    """Count, for each query, the gallery items better than and tied with its right answer.

    Scores are float32 matrix products. The block size follows from the number of items alone, so
    equal input gives equal counts.

    Args:
        queries: (N, d) embeddings of the queries.
        gallery: (N, d) embeddings of the gallery; row i answers query i.
        content: N content hashes of the gallery items.
        similarity: `cosine`, or `euclidean` (a smaller distance is more similar).
        scores_per_block: scores held in memory at a time.

    Returns:
        n_better: (N,) int32, items strictly more similar to the query than the right answer.
        n_tied: (N,) int32, items as similar as the right answer, itself included.

    Raises:
        DataError: shapes differ, an embedding is not finite, or the similarity is unknown.
    """
    _check(queries, gallery, content, similarity)
    distinct, place = _distinct_items(gallery, content)
    left, right, offset = _prepare(queries, distinct, similarity)
    multiplicity = np.bincount(place, minlength=len(distinct))
    repeated = len(distinct) < len(gallery)

    n_queries = len(queries)
    n_better = np.empty(n_queries, dtype=np.int32)
    n_tied = np.empty(n_queries, dtype=np.int32)
    rows = max(1, scores_per_block // max(1, len(distinct)))
    for start in range(0, n_queries, rows):
        stop = min(start + rows, n_queries)
        scores = left[start:stop] @ right  # (rows, distinct)
        scores -= offset
        own = scores[np.arange(stop - start), place[start:stop], None]
        for row, (better, tied) in enumerate(
            zip(scores > own, scores == own, strict=True), start=start
        ):
            if repeated:
                n_better[row] = multiplicity[better].sum()
                n_tied[row] = multiplicity[tied].sum()
            else:
                n_better[row] = np.count_nonzero(better)
                n_tied[row] = np.count_nonzero(tied)
    return n_better, n_tied


def _check(
    queries: np.ndarray, gallery: np.ndarray, content: Sequence[str], similarity: str
) -> None:
    if similarity not in SIMILARITIES:
        raise DataError(f"similarity {similarity!r} is unknown; known: {', '.join(SIMILARITIES)}")
    if queries.ndim != 2 or queries.shape != gallery.shape or len(content) != len(gallery):
        raise DataError(
            f"queries {queries.shape}, gallery {gallery.shape} and {len(content)} content hashes "
            "do not belong together; each query needs one right answer of the same dimensions"
        )
    for name, vectors in (("query", queries), ("gallery", gallery)):
        broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if len(broken):
            raise DataError(
                f"{len(broken)} {name} embeddings are not finite (first: row {broken[0]}); "
                "the method diverged: lower its learning rate and train again"
            )


def _distinct_items(gallery: np.ndarray, content: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct gallery vectors and, for each item, the row of its vector there."""
    first: dict[str, int] = {}
    representative = [first.setdefault(key, row) for row, key in enumerate(content)]
    # Scoring equal vectors once makes their scores equal to the last bit: columns of a matrix
    # product may be summed in different orders.
    rows: dict[bytes, int] = {}
    vectors = np.ascontiguousarray(gallery, dtype=np.float32) + np.float32(0)  # -0 becomes 0
    place = np.empty(len(vectors), dtype=np.intp)
    holders: list[int] = []
    for item, row in enumerate(representative):
        place[item] = rows.setdefault(vectors[row].tobytes(), len(rows))
        if place[item] == len(holders):
            holders.append(row)
    return (vectors if len(holders) == len(vectors) else vectors[holders]), place


def _prepare(
    queries: np.ndarray, gallery: np.ndarray, similarity: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return left (N, d), right (d, M), offset (M,) with score = left @ right - offset."""
    if similarity == "cosine":
        offset = np.zeros(len(gallery), dtype=np.float32)
        return _in_blocks(_unit, queries), _in_blocks(_unit, gallery).T, offset
    # |q - g|^2 = |q|^2 - 2 (q.g - |g|^2 / 2): the bracket orders one query's items as the distance
    # does. Distances do not change when all points move, and small norms lose fewer digits.
    centre = gallery.mean(axis=0, dtype=np.float64)

    def moved(rows: np.ndarray) -> np.ndarray:
        return rows - centre

    def half_square(rows: np.ndarray) -> np.ndarray:
        return np.square(rows - centre).sum(axis=1) / 2

    return (
        _in_blocks(moved, queries),
        _in_blocks(moved, gallery).T,
        _in_blocks(half_square, gallery),
    )


def _in_blocks(change: Callable[[np.ndarray], np.ndarray], rows: np.ndarray) -> np.ndarray:
    """Return float32 results of a row-wise change; little is held in float64 at a time."""
    step = _ROWS_PER_BLOCK
    parts = [
        change(rows[start : start + step]).astype(np.float32) for start in range(0, len(rows), step)
    ]
    return np.concatenate(parts)


def _unit(rows: np.ndarray) -> np.ndarray:
    """Return the rows at unit length; a zero row stays zero and is equally far from everything."""
    wide = rows.astype(np.float64)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    return wide / np.where(norms > 0, norms, 1)
