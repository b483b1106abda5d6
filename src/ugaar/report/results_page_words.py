"""Numbers as the results page prints them, and what an interval says, in words by rule."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ugaar.evaluate.paper_tables import Cell, direction_label
from ugaar.report.table_formats import ABSENT
from ugaar.tables import DIRECTIONS

_A2L, _L2A, _A2S, _S2A, _L2S, _S2L = DIRECTIONS

DIRECTION_PAIRS = {
    "audio ↔ sheet": (_A2S, _S2A),
    "audio ↔ lyrics": (_A2L, _L2A),
    "sheet ↔ lyrics": (_S2L, _L2S),
}
"""Both directions between two modalities; a table of all six would be too wide to read."""

LOWER_IS_BETTER = ("MedR", "MeanR", "MedR/N")

UNITS = {"R@1": "R@1, %", "R@5": "R@5, %", "R@10": "R@10, %"}


def number(cell: Cell, value: float | None = None) -> str:
    """Return a number with the decimals of its metric and a true minus sign."""
    return cell.number(value).replace("-", "−")


def bounds(cell: Cell) -> str:
    """Return an interval, such as `[1.20, 3.40]`; empty where there is none."""
    if cell.low is None or cell.high is None:
        return ""
    return f"[{number(cell, cell.low)}, {number(cell, cell.high)}]"


def shown(cell: Cell | None, interval: bool = True) -> str:
    """Return value, spread and, on a line of its own, the interval."""
    if cell is None:
        return ABSENT
    spread = "" if cell.std is None else f" ± {number(cell, cell.std)}"
    below = bounds(cell) if interval else ""
    return number(cell) + spread + (f"<br>{below}" if below else "")


def cell_of(row: Mapping[str, Any] | None) -> Cell | None:
    """Return the printed number of a row of the metrics or transfer table."""
    if row is None:
        return None
    return Cell(row["metric"], row["value"], row["std"], row["ci_low"], row["ci_high"])


def difference_cell(row: Mapping[str, Any]) -> Cell:
    """Return the printed number of a row with a difference and its interval."""
    return Cell(row["metric"], row["difference"], None, row["ci_low"], row["ci_high"], signed=True)


def holds_zero(low: float, high: float) -> bool:
    """Return whether an interval holds 0, its ends included."""
    return low <= 0 <= high


def sign(metric: str, low: float, high: float) -> int:
    """Return 1 where a difference is better beyond its interval, -1 where worse, 0 if it holds 0.

    Args:
        metric: name of the metric; ranks are better when lower.
        low: low end of the interval of the difference.
        high: its high end.
    """
    if holds_zero(low, high):
        return 0
    return 1 if (low > 0) != (metric in LOWER_IS_BETTER) else -1


def interval_in_words(metric: str, low: float, high: float, better: str, worse: str) -> str:
    """Return what the interval of `better` minus `worse` says, by the rule of `sign`."""
    found = sign(metric, low, high)
    if found == 0:
        return "holds 0: no difference shown"
    return f"does not hold 0: {better if found > 0 else worse} is better"


def against_published(low: float, high: float, published: Sequence[float]) -> str:
    """Return where the interval of a median-rank share lies beside published candidates.

    Args:
        low: low end of the interval, a share of the gallery.
        high: its high end.
        published: the published median over each gallery size that it may have had.
    """
    if high < min(published):
        return "better than either"
    if low > max(published):
        return "worse than either"
    return "not settled"


def beside_chance(cell: Cell, exact: Cell) -> str:
    """Return whether the interval of a value lies on one side of exact chance."""
    if cell.low is None or cell.high is None:
        return "no interval"
    found = sign(cell.metric, cell.low - exact.value, cell.high - exact.value)
    return {1: "better than chance", -1: "worse than chance", 0: "not told from chance"}[found]


def grid(heads: Sequence[str], rows: Iterable[Sequence[str]], texts: Collection[int] = (0,)) -> str:
    """Return a Markdown table.

    Args:
        heads: heads of the columns.
        rows: texts of each row.
        texts: columns of words, which stand at the left; numbers stand at the right.
    """
    rules = (" --- |" if column in texts else " ---: |" for column in range(len(heads)))
    lines = ["| " + " | ".join(heads) + " |", "|" + "".join(rules)]
    lines += ["| " + " | ".join(text.replace("|", "\\|") for text in row) + " |" for row in rows]
    return "\n".join(lines)


def heads_of(directions: Iterable[str], metrics: Iterable[str]) -> list[str]:
    """Return heads of columns: each metric of each direction."""
    metrics = list(metrics)
    return [
        f"{direction_label(direction)}<br>{UNITS.get(metric, metric)}"
        for direction in directions
        for metric in metrics
    ]


def by_pairs(tables: Mapping[str, str]) -> str:
    """Return the tables of the pairs of modalities one below the other."""
    return "\n\n".join(f"**{pair}**\n\n{text}" for pair, text in tables.items())


def starred(row: Mapping[str, Any] | None) -> str:
    """Return a difference with its interval, and `*` where that does not hold 0."""
    if row is None:
        return ABSENT
    cell = difference_cell(row)
    star = " \\*" if sign(row["metric"], row["ci_low"], row["ci_high"]) else ""
    return f"{number(cell)}{star}<br>{bounds(cell)}"
