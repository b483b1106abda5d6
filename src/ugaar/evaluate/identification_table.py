"""The table of score identification: which piece, and which place in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from ugaar.evaluate.identification import RUN, RUN_ONSETS, SPREAD, summarise
from ugaar.evaluate.paper_tables import Block, Cell, PrintedTable, Row, direction_label
from ugaar.evaluate.system_ranking import DIRECTIONS
from ugaar.evaluate.system_results import system_label

_COLUMNS = ("top-1", "top-5", "MRR", "notes", "px", "within-2")


def identification_table(rows: Sequence[Mapping], systems: Sequence[str]) -> PrintedTable:
    """Return how often the votes of snippets find the piece, and how near the place in it.

    Args:
        rows: rows of the identification table.
        systems: systems in the order of print.
    """
    found: dict[tuple[str, str, str], dict[int, list[Mapping]]] = defaultdict(dict)
    for row in rows:
        own = found[row["query"], row["direction"], row["system"]]
        own.setdefault(row["seed"], []).append(row)
    blocks = []
    for query in (SPREAD, RUN):
        for direction in DIRECTIONS:
            lines = []
            for system in systems:
                seeds = found.get((query, direction, system), {})
                if not seeds:
                    continue
                n_pieces = next(iter(seeds.values()))[0]["n_pieces"]
                summaries = [summarise(of_seed) for of_seed in seeds.values()]
                cells = tuple(_over_seeds(metric, summaries) for metric in _COLUMNS)
                lines.append(Row((system_label(system), str(n_pieces), str(len(seeds))), cells))
            blocks.append(
                Block(f"{direction_label(direction)}, {_query_label(query)}", tuple(lines))
            )
    votes = max((row["n_votes"] for row in rows if row["query"] == SPREAD), default=0)
    return PrintedTable(
        "identification",
        "Score identification: which piece, and which place in it",
        ("System", "Pieces", "Seeds"),
        (("", _COLUMNS),),
        tuple(blocks),
        (
            f"Each query is a test piece: at most {votes} snippets at equal distances, or "
            f"{RUN_ONSETS} consecutive onsets in its middle. Each votes for the piece of its "
            "nearest neighbour among all test snippets; equally near ones share the vote. A piece "
            "that has as many votes as the right one is ranked before it. Chance is 100 / pieces.",
            "top-1, top-5: percent of the pieces; MRR of the right piece. notes, px: median over "
            "the pieces that were found of the median distance, in onsets and in pixels of the "
            "strip, between a snippet and its nearest neighbour in that piece. within-2: percent "
            "of the snippets whose neighbour there is at most 2 onsets away; none of those of "
            "pieces that were not found.",
            "±: standard deviation over seeds.",
        ),
    )


def _query_label(query: str) -> str:
    return "snippets spread over the piece" if query == SPREAD else f"{RUN_ONSETS} onsets in a row"


def _over_seeds(metric: str, summaries: Sequence[Mapping[str, float | None]]) -> Cell | None:
    values = [value for one in summaries if (value := one[metric]) is not None]
    if not values:
        return None
    return Cell(
        metric, float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None
    )
