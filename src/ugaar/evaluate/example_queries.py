"""A few queries to look at, chosen by rule and not by eye, and what a system answers to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ugaar.evaluate.metrics import mid_rank
from ugaar.evaluate.snippet_ranks import Gallery
from ugaar.evaluate.system_ranking import TestSnippets

TERCILES = ("best third", "middle third", "worst third")


@dataclass(frozen=True)
class Answer:
    """A gallery snippet that a query was answered with.

    Attributes:
        row: which snippet.
        score: cosine of its code and the query's.
        right: it is the query's own.
        twin: it shows the same notes as the query, or is its own.
    """

    row: int
    score: float
    right: bool
    twin: bool


@dataclass(frozen=True)
class Example:
    """A query with its top answers.

    Attributes:
        row: which snippet.
        tercile: how its rank compares with the other queries'.
        rank: mid-rank of its right answer.
        answers: the top answers, best first.
        right: the right answer, wherever it is ranked.
    """

    row: int
    tercile: str
    rank: float
    answers: tuple[Answer, ...]
    right: Answer


def choose_queries(n_better: np.ndarray, n_tied: np.ndarray) -> list[int]:
    """Return the middle query of each third: best, middle and worst ranks.

    Queries of equal rank are in their own order, that of pieces and notes.

    Args:
        n_better: (Q,) items strictly better than the right answer.
        n_tied: (Q,) items tied with it, itself included.
    """
    order = np.argsort(mid_rank(n_better, n_tied), kind="stable")
    return [int(order[(2 * third + 1) * len(order) // 6]) for third in range(3)]


def answer_queries(
    rows: Sequence[int],
    ranks: Sequence[float],
    queries: np.ndarray,
    gallery: np.ndarray,
    snippets: TestSnippets,
    top: int,
) -> list[Example]:
    """Return the top answers to each chosen query.

    Args:
        rows: the queries of `choose_queries`.
        ranks: mid-rank of each one's right answer.
        queries: (N, d) unit-length codes.
        gallery: (N, d) unit-length codes; row i answers query i.
        snippets: the N snippets.
        top: number of answers.
    """
    scores = Gallery(gallery).scores(queries[list(rows)])
    examples = []
    for own, row, rank, tercile in zip(scores, rows, ranks, TERCILES, strict=True):

        def answer(item: int, own: np.ndarray = own, row: int = row) -> Answer:
            twin = bool(snippets.twins[item] == snippets.twins[row])
            return Answer(item, float(own[item]), item == row, twin)

        best = np.argsort(-own, kind="stable")[:top]
        examples.append(
            Example(row, tercile, rank, tuple(answer(int(item)) for item in best), answer(row))
        )
    return examples
