"""Which piece, and where in it: found by the votes of snippets.

Each snippet of a query votes for the piece of its nearest neighbour in the other modality; the
piece with most votes is the answer. Ties: a snippet with several nearest items gives each an equal
part of its vote, and a tie in votes counts against the right piece, which is ranked behind all that
have as many.

Source: the score identification of the CCA-layer systems (100 snippets spread over the piece).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ugaar.evaluate.snippet_ranks import Gallery, check_unit, spaced

SPREAD, RUN = "spread", "run"
"""Snippets of a query: at equal distances over the piece, or a run of onsets in its middle."""

RUN_ONSETS = 10
NEAR = 2
"""Onsets within which a position counts as found."""

_VOTE_DECIMALS = 6


@dataclass(frozen=True)
class PieceRows:
    """Snippets in one order, piece after piece.

    Attributes:
        names: P piece identifiers, ascending.
        starts: (P + 1,) where each piece's snippets start.
        notes: (N,) number of the onset of each snippet in its piece.
        x_px: (N,) place of its notehead in the strip, pixels.
    """

    names: list[str]
    starts: np.ndarray
    notes: np.ndarray
    x_px: np.ndarray

    @classmethod
    def of(cls, pieces: Sequence[str], notes: np.ndarray, x_px: np.ndarray) -> PieceRows:
        """Return the rows of snippets that are sorted by piece and note."""
        names, sizes = np.unique(np.asarray(pieces), return_counts=True)
        starts = np.concatenate(([0], np.cumsum(sizes)))
        return cls(names.tolist(), starts, np.asarray(notes, dtype=np.int64), np.asarray(x_px))

    def rows(self, number: int) -> np.ndarray:
        """Return the rows of a piece."""
        return np.arange(self.starts[number], self.starts[number + 1])

    def piece_of(self) -> np.ndarray:
        """Return the number of the piece of each row."""
        return np.repeat(np.arange(len(self.names)), np.diff(self.starts))


def query_rows(rows: np.ndarray, query: str, votes: int) -> np.ndarray:
    """Return the snippets of a piece that ask for it.

    Args:
        rows: rows of the piece.
        query: `spread` or `run`.
        votes: largest number of snippets of a spread query.
    """
    if query == SPREAD:
        return rows[spaced(len(rows), votes)]
    first = max(0, (len(rows) - RUN_ONSETS) // 2)
    return rows[first : first + RUN_ONSETS]


def identify(
    pieces: PieceRows, queries: np.ndarray, gallery: np.ndarray, votes: int
) -> Iterator[dict]:
    """Yield rows of the identification table for every piece, without system, seed and direction.

    The position is looked for in the piece that was found: it is unknown where that is a wrong one.

    Args:
        pieces: what the rows of the codes are.
        queries: (N, d) unit-length codes of one modality.
        gallery: (N, d) unit-length codes of the other one.
        votes: largest number of snippets of a spread query.

    Raises:
        DataError: a code is not finite or not of unit length.
    """
    check_unit(queries, "query")
    everything = Gallery(gallery)
    piece_of = pieces.piece_of()
    for number, name in enumerate(pieces.names):
        own = pieces.rows(number)
        for query in (SPREAD, RUN):
            asked = query_rows(own, query, votes)
            scores = everything.scores(queries[asked])
            found, rank = _rank(_votes(scores, piece_of, len(pieces.names)), number)
            row = {
                "query": query,
                "piece_id": name,
                "n_votes": len(asked),
                "best_piece_id": pieces.names[found],
                "rank": rank,
                "n_pieces": len(pieces.names),
                "position_error_notes": None,
                "position_error_px": None,
                "share_within_2": 0.0,
            }
            if found == number:
                row |= _position(scores[:, own], pieces, own, asked)
            yield row


def _nearest(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (query, item, part): the nearest items of each query, which share one vote."""
    query, item = np.nonzero(scores == scores.max(axis=1, keepdims=True))
    return query, item, 1.0 / np.bincount(query, minlength=len(scores))[query]


def _votes(scores: np.ndarray, piece_of: np.ndarray, n_pieces: int) -> np.ndarray:
    _, item, part = _nearest(scores)
    counted = np.bincount(piece_of[item], weights=part, minlength=n_pieces)
    # Thirds that add up to one are one, in whatever order they are added.
    return np.round(counted, _VOTE_DECIMALS)


def _rank(votes: np.ndarray, right: int) -> tuple[int, int]:
    """Return the piece that is found and the rank of the right one, ties counted against it."""
    ahead = votes >= votes[right]
    ahead[right] = False
    if not ahead.any():
        return right, 1
    return int(np.argmax(np.where(ahead, votes, -1.0))), int(ahead.sum()) + 1


def _position(
    scores: np.ndarray, pieces: PieceRows, own: np.ndarray, asked: np.ndarray
) -> dict[str, float]:
    """Return the errors of the nearest snippets inside the right piece; ties take their mean."""
    query, item, part = _nearest(scores)
    notes = np.abs(pieces.notes[own[item]] - pieces.notes[asked[query]])
    pixels = np.abs(pieces.x_px[own[item]] - pieces.x_px[asked[query]])

    def of_query(values: np.ndarray) -> np.ndarray:
        return np.bincount(query, weights=part * values, minlength=len(asked))

    return {
        "position_error_notes": float(np.median(of_query(notes))),
        "position_error_px": float(np.median(of_query(pixels))),
        "share_within_2": float(of_query(notes <= NEAR).mean()),
    }


def summarise(rows: Sequence[Mapping]) -> dict[str, float | None]:
    """Return the figures of one system, seed, direction and kind of query.

    Args:
        rows: its rows of the identification table, one a piece.

    Returns:
        `top-1` and `top-5`, percent of the pieces; `MRR`; `notes` and `px`, medians over the found
        pieces of the position error (None if none was found); `within-2`, percent of all snippets'
        share found within 2 onsets, pieces that were not found included as nothing.
    """
    rank = np.array([row["rank"] for row in rows])
    found = [row for row in rows if row["position_error_notes"] is not None]

    def median(name: str) -> float | None:
        return float(np.median([row[name] for row in found])) if found else None

    return {
        "top-1": float(100 * (rank == 1).mean()),
        "top-5": float(100 * (rank <= 5).mean()),
        "MRR": float((1 / rank).mean()),
        "notes": median("position_error_notes"),
        "px": median("position_error_px"),
        "within-2": float(100 * np.mean([row["share_within_2"] for row in rows])),
    }
