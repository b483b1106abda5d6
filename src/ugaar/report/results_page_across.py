"""Runs side by side on the results page: order of methods, transfer, engravers."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from ugaar.errors import DataError
from ugaar.evaluate.paper_tables import (
    DIGITS,
    Cell,
    Results,
    direction_label,
    method_label,
    method_order,
)
from ugaar.evaluate.summary import CHANCE
from ugaar.report.results_page_run import Run
from ugaar.report.results_page_words import (
    DIRECTION_PAIRS,
    LOWER_IS_BETTER,
    by_pairs,
    cell_of,
    grid,
    heads_of,
    number,
    shown,
)

ENGRAVERS = "engraver_transfer.csv"

Ordered = list[tuple[str, Cell]]


def ordered_methods(run: Run, split: str, direction: str, metric: str) -> Ordered:
    """Return methods and their values in one direction, the best first; equal ones by name."""
    results = Results(run.metrics(split))
    found = []
    for protocol, method in results.lines:
        cell = results.cell(protocol, method, direction, metric)
        if cell is not None and method != CHANCE:
            found.append((method, cell))
    best_first = 1 if metric in LOWER_IS_BETTER else -1
    return sorted(found, key=lambda pair: (best_first * pair[1].value, pair[0]))


def overlap(one: Cell, other: Cell) -> bool:
    """Return whether the intervals of two values overlap; unknown intervals do."""
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return True
    return one.low <= other.high and other.low <= one.high


def order_in_words(ordered: Ordered) -> str:
    """Return methods in order: `>` between neighbours with separate intervals, `~` otherwise."""
    words = ""
    for number_, (method, cell) in enumerate(ordered):
        if number_:
            words += " ~ " if overlap(ordered[number_ - 1][1], cell) else " > "
        words += method_label(method)
    return words


def agreeing_pairs(orders: Sequence[Ordered]) -> tuple[int, int]:
    """Return how many pairs of shared methods all orders put the same way, and how many there are.

    Equal values have no order, so they agree with nothing.

    Args:
        orders: methods and their values in the order of each run.
    """
    values = [{method: cell.value for method, cell in order} for order in orders]
    pairs = list(combinations(sorted(set.intersection(*map(set, values))), 2))
    same = 0
    for one, other in pairs:
        differences = [found[one] - found[other] for found in values]
        same += all(found > 0 for found in differences) or all(found < 0 for found in differences)
    return same, len(pairs)


def orders_table(runs: Sequence[Run], split: str, metric: str) -> str:
    """Return the order of methods of each run in each direction, and how far they agree.

    Args:
        runs: two or more finished runs.
        split: a split that all of them have.
        metric: metric of the order, such as R@1.
    """
    if len(runs) < 2:
        raise DataError("one run was given; name two or more with --runs to set them side by side")
    lines = []
    for directions in DIRECTION_PAIRS.values():
        for direction in directions:
            orders = [ordered_methods(run, split, direction, metric) for run in runs]
            same, pairs = agreeing_pairs(orders)
            words = [order_in_words(order) for order in orders]
            lines.append((direction_label(direction), *words, f"{same} of {pairs}"))
    heads = ("direction", *(run.name for run in runs), "pairs in the same order")
    return grid(heads, lines, texts=range(1 + len(runs)))


def transfer_table(
    run: Run, gallery: int | None = None, metrics: Sequence[str] = ("R@1", "MedR")
) -> str:
    """Return scores on this run's test fold by the collection that methods were trained on.

    Below each line of transfer stands the same method trained on the collection itself.

    Args:
        run: a run with a transfer table.
        gallery: size of the galleries; None = the largest.
        metrics: metrics to show.
    """
    rows = run.transfer
    size = gallery if gallery is not None else max((row["gallery_size"] for row in rows), default=0)
    lines_of: dict[tuple[str, str, str], dict[tuple[str, str], Mapping[str, Any]]] = {}
    for row in rows:
        if row["gallery_size"] == size:
            key = (row["method"], row["trained_on"], row["tested_on"])
            lines_of.setdefault(key, {})[row["direction"], row["metric"]] = row
    if all(trained == tested for _, trained, tested in lines_of):
        raise DataError(
            f"{run.folder / 'transfer.parquet'}: no row of transfer between collections"
            + (f" in galleries of {gallery}" if gallery else "")
        )
    order = method_order({method for method, _, _ in lines_of})
    keys = sorted(lines_of, key=lambda key: (order.index(key[0]), key[1] == key[2], key))
    tables = {}
    for pair, directions in DIRECTION_PAIRS.items():
        wanted = [(direction, metric) for direction in directions for metric in metrics]
        lines = [
            [
                method_label(key[0]),
                *key[1:],
                *(shown(cell_of(lines_of[key].get(w))) for w in wanted),
            ]
            for key in keys
        ]
        heads = ("method", "trained on", "tested on", *heads_of(directions, metrics))
        tables[pair] = grid(heads, lines, texts=(0, 1, 2))
    return f"N = {size:,}.\n\n{by_pairs(tables)}"


def engravers_table(run: Run) -> str:
    """Return the retrieval across engravers that was measured beside the run, as it was written."""
    path = run.folder / ENGRAVERS
    if not path.is_file():
        raise DataError(f"{path}: missing; train with one sheet.renderer and test with the other")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise DataError(f"{path}: no rows")
    heads = list(rows[0])
    texts = [[_as_printed(row, head) for head in heads] for row in rows]
    words = [place for place, head in enumerate(heads) if not _is_number(rows[0][head])]
    return grid([head.replace("_", " ") for head in heads], texts, words)


def _is_number(text: str | None) -> bool:
    try:
        float(text or "")
    except ValueError:
        return False
    return True


def _as_printed(row: dict[str, str], head: str) -> str:
    """Return a field: fractions with the decimals of the row's metric or column, others as is."""
    text = row[head] or ""
    if not _is_number(text):
        return direction_label(text).replace("_", " ")
    if "." not in text:
        return text
    metric = row.get("metric", head)
    return number(Cell(metric if metric in DIGITS else head, float(text)))
