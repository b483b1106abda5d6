"""Tie-aware ranks where a query may have several right answers.

Convention: row i of queries and gallery is one snippet, in two modalities. All scores are inner
products of unit-length codes. Gallery items of equal codes are scored by one vector, so they tie to
the last bit, and no rank depends on the order of the gallery. Right answers other than the best of
them are taken out of the gallery: they are neither ahead of it nor tied with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ugaar.errors import DataError
from ugaar.evaluate.ranks import SCORES_PER_BLOCK

EXACT, TWINS = "exact", "twins"
TOLERANCES = {"within-1": 1, "within-2": 2}
RIGHT = (EXACT, *TOLERANCES, TWINS)
"""What counts as right: the snippet itself; one of the same piece at most 1 or 2 onsets away; one
that shows the same notes, itself included."""

_NORM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class RightAnswers:
    """The right answers of N queries, one after another.

    Attributes:
        items: gallery rows, those of query 0 first.
        starts: (N + 1,) where each query's answers start in `items`; each has one at least.
    """

    items: np.ndarray
    starts: np.ndarray


def exact_answers(count: int) -> RightAnswers:
    """Return the answers where query i has row i alone."""
    return RightAnswers(np.arange(count), np.arange(count + 1))


def near_answers(pieces: Sequence[str], notes: np.ndarray, distance: int) -> RightAnswers:
    """Return the rows of the same piece that lie at most `distance` onsets away.

    Args:
        pieces: N piece identifiers, in ascending order.
        notes: (N,) number of the onset in its piece, ascending within a piece.
        distance: largest difference of onset numbers; 0 gives the row alone.

    Raises:
        DataError: the rows are not in order.
    """
    count = len(notes)
    names = np.asarray(pieces)
    notes = np.asarray(notes, dtype=np.int64)
    same = names[1:] == names[:-1]
    if (names[1:] < names[:-1]).any() or (same & (notes[1:] <= notes[:-1])).any():
        raise DataError("snippets must be sorted by piece and note, each there once")
    # Notes ascend by 1 at least: whatever is near is among the `distance` rows on either side.
    rows = np.arange(count)[:, None] + np.arange(-distance, distance + 1)
    inside = np.clip(rows, 0, max(count - 1, 0))
    near = (
        (rows == inside)
        & (names[inside] == names[:, None])
        & (np.abs(notes[inside] - notes[:, None]) <= distance)
    )
    return RightAnswers(inside[near], np.concatenate(([0], np.cumsum(near.sum(axis=1)))))


def twin_answers(content: np.ndarray) -> RightAnswers:
    """Return the rows whose content hash equals the query's, itself included.

    Args:
        content: (N,) content hashes.
    """
    order = np.argsort(content, kind="stable")
    _, place, sizes = np.unique(content, return_inverse=True, return_counts=True)
    first = np.concatenate(([0], np.cumsum(sizes)))[:-1]
    counts = sizes[place]
    starts = np.concatenate(([0], np.cumsum(counts)))
    within = np.arange(starts[-1]) - np.repeat(starts[:-1], counts)
    return RightAnswers(order[np.repeat(first[place], counts) + within], starts)


class Gallery:
    """Unit-length codes that are asked for, each distinct one scored once.

    Args:
        codes: (M, d) codes.

    Raises:
        DataError: a code is not finite or not of unit length.
    """

    def __init__(self, codes: np.ndarray) -> None:
        check_unit(codes, "gallery")
        rows = np.ascontiguousarray(codes, dtype=np.float32) + np.float32(0)  # -0 becomes 0
        # Sorted distinct vectors: the same matrix, and the same sums, for every order of the items.
        whole = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))[:, 0]
        _, holders, place = np.unique(whole, return_index=True, return_inverse=True)
        self._vectors = rows[holders].T
        self._place = place
        self.size = len(rows)

    def scores(self, queries: np.ndarray) -> np.ndarray:
        """Return the cosines of queries (n, d) and all items, shape (n, M), float32."""
        return (np.asarray(queries, dtype=np.float32) @ self._vectors)[:, self._place]


def check_unit(codes: np.ndarray, name: str) -> None:
    """Raise `DataError` where a code is not finite or not of unit length."""
    norms = np.linalg.norm(codes.astype(np.float64), axis=1)
    broken = np.flatnonzero(~(np.abs(norms - 1) <= _NORM_TOLERANCE))
    if len(broken):
        raise DataError(
            f"{len(broken)} {name} codes are not of unit length (first: row {broken[0]}, length "
            f"{norms[broken[0]]:.4g}); the training diverged or the codes were not normalised: "
            "train and embed the system again"
        )


def rank_answers(
    queries: np.ndarray,
    gallery: np.ndarray,
    right: Mapping[str, RightAnswers],
    scores_per_block: int = SCORES_PER_BLOCK,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Count, for each query, the wrong items better than and tied with its best right answer.

    Scores are taken block by block of queries, so memory grows with N and not with its square.

    Args:
        queries: (N, d) unit-length codes.
        gallery: (N, d) unit-length codes.
        right: name -> right answers of each query, gallery rows.
        scores_per_block: scores held in memory at a time.

    Returns:
        Name -> n_better (N,), wrong items strictly better than the best right answer, and n_tied
        (N,), wrong items tied with it, plus one for itself; int32.

    Raises:
        DataError: shapes differ, or a code is not finite or not of unit length.
    """
    if queries.ndim != 2 or queries.shape != gallery.shape:
        raise DataError(
            f"queries {queries.shape} and gallery {gallery.shape} do not belong together; "
            "embed both modalities of the same snippets"
        )
    check_unit(queries, "query")
    found = Gallery(gallery)
    count = len(queries)
    counted = {
        name: (np.empty(count, dtype=np.int32), np.empty(count, dtype=np.int32)) for name in right
    }
    rows = max(1, scores_per_block // max(1, count))
    for start in range(0, count, rows):
        stop = min(start + rows, count)
        scores = found.scores(queries[start:stop])
        for name, answers in right.items():
            n_better, n_tied = counted[name]
            n_better[start:stop], n_tied[start:stop] = _count(scores, answers, start, stop)
    return counted


def _count(
    scores: np.ndarray, answers: RightAnswers, start: int, stop: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return better and tied wrong items of the queries start ... stop - 1."""
    starts = answers.starts[start : stop + 1]
    query = np.repeat(np.arange(stop - start), np.diff(starts))
    own = scores[query, answers.items[starts[0] : starts[-1]]]
    best = np.maximum.reduceat(own, starts[:-1] - starts[0])
    right_tied = np.bincount(query[own == best[query]], minlength=stop - start)
    # No right answer is better than the best one: what is better is wrong.
    better = np.count_nonzero(scores > best[:, None], axis=1)
    tied = np.count_nonzero(scores == best[:, None], axis=1)
    return better, tied - right_tied + 1


def spaced(count: int, most: int) -> np.ndarray:
    """Return at most `most` of the numbers 0 ... count - 1, at equal distances, ends included."""
    if count == 0:
        return np.empty(0, dtype=np.int64)
    return np.unique(np.linspace(0, count - 1, min(most, count)).astype(np.int64))
