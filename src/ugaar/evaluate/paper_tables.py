"""Tables I and II in the paper's shape, and the paired comparisons, from metrics.

Rows come in blocks that are never mixed: what this run measured, exact chance, and what the paper
printed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ugaar.evaluate import published
from ugaar.evaluate.summary import CHANCE, COMPARED, MEAN, PAIRS
from ugaar.tables import DIRECTIONS

OURS, EXACT, PAPER = "this run", "exact chance", "paper"

METHOD_LABELS = {
    "random": "Random (measured)",
    "untrained": "CCA, untrained towers",
    "cca": "CCA",
    "cca-asmcmr": "CCA, ASMCMR audio tower",
    "baseline": "Baseline",
    "baseline-longer": "Baseline, trained longer",
    "baseline-gan": "Baseline-GAN",
    "ugaar": "UGAAR",
    CHANCE: "Chance",
}
"""Names of the methods in print, in the order of the rows."""

DIGITS = {"MedR": 1, "MeanR": 2, "MRR": 3, "MedR/N": 3}
"""Decimals in print; recalls have two, as in the paper."""


@dataclass(frozen=True)
class Cell:
    """A printed number, with its spread over seeds and its interval where known."""

    metric: str
    value: float
    std: float | None = None
    low: float | None = None
    high: float | None = None
    signed: bool = False

    def number(self, value: float | None = None) -> str:
        """Return the value, or another one of the same kind, with the metric's decimals."""
        shown = self.value if value is None else value
        return f"{shown:{'+' if self.signed else ''}.{DIGITS.get(self.metric, 2)}f}"


@dataclass(frozen=True)
class Row:
    """A row: labels (such as method, N) and cells, None where nothing was measured."""

    labels: tuple[str, ...]
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Block:
    """Rows of one origin (this run, exact chance or the paper) under a heading."""

    heading: str
    rows: tuple[Row, ...]
    origin: str = OURS


@dataclass(frozen=True)
class PrintedTable:
    """A table ready to be written in any format.

    Attributes:
        name: stem of the file names.
        title: caption.
        label_heads: heads of the label columns.
        groups: heads over groups of columns (empty text where none), each with its metrics.
        blocks: rows in blocks.
        notes: sentences below the table.
    """

    name: str
    title: str
    label_heads: tuple[str, ...]
    groups: tuple[tuple[str, tuple[str, ...]], ...]
    blocks: tuple[Block, ...]
    notes: tuple[str, ...] = field(default=())


def direction_label(direction: str) -> str:
    """Return `audio → lyrics` for `audio-to-lyrics`; other texts stay."""
    return direction.replace("-to-", " → ")


def method_label(method: str) -> str:
    """Return the printed name of a method."""
    return METHOD_LABELS.get(method, method)


def method_order(methods: set[str]) -> list[str]:
    """Return methods in the order of print: known ones first, then others by name."""
    known = list(METHOD_LABELS)
    return sorted(methods, key=lambda one: (known.index(one) if one in known else len(known), one))


class Results:
    """The pooled rows of a metrics table, by protocol, method, direction and metric.

    Args:
        rows: rows of the metrics table.
        gallery_size: the galleries to look at; None = each protocol's whole fold.
    """

    def __init__(self, rows: Sequence[Mapping], gallery_size: int | None = None) -> None:
        pooled = [row for row in rows if row["seed"] is None]
        largest: dict[str, int] = defaultdict(int)
        for row in pooled:
            largest[row["protocol"]] = max(largest[row["protocol"]], row["gallery_size"])
        self._rows = {
            (row["protocol"], row["method"], row["direction"], row["metric"]): row
            for row in pooled
            if row["gallery_size"] == (gallery_size or largest[row["protocol"]])
        }
        self.lines = [
            (protocol, method)
            for protocol in sorted({key[0] for key in self._rows})
            for method in method_order({key[1] for key in self._rows if key[0] == protocol})
        ]
        self.metrics = list(dict.fromkeys(key[3] for key in self._rows))

    def row(self, protocol: str, method: str, direction: str, metric: str) -> Mapping | None:
        """Return one pooled row, or None where the method has none there."""
        return self._rows.get((protocol, method, direction, metric))

    def cell(self, protocol: str, method: str, direction: str, metric: str) -> Cell | None:
        """Return one number with spread and interval, or None."""
        row = self.row(protocol, method, direction, metric)
        if row is None:
            return None
        return Cell(metric, row["value"], row["std"], row["ci_low"], row["ci_high"])

    def labels(self, protocol: str, method: str) -> tuple[str, str, str, str]:
        """Return the printed method, protocol, gallery size and number of seeds."""
        row = next(
            row for key, row in self._rows.items() if key[0] == protocol and key[1] == method
        )
        seeds = str(row["n_seeds"]) if row["n_seeds"] else "–"
        return method_label(method), protocol, str(row["gallery_size"]), seeds


_HEADS = ("Method", "Protocol", "N", "Seeds")
_PAPER_LABELS = ("not stated", "not stated", "not stated")


def table_1(results: Results, notes: Sequence[str] = ()) -> PrintedTable:
    """Return Table I: R@1 and MedR of every method in the six directions."""
    metrics = ("R@1", "MedR")

    def line(protocol: str, method: str) -> Row:
        return Row(
            results.labels(protocol, method),
            tuple(
                results.cell(protocol, method, direction, metric)
                for direction in DIRECTIONS
                for metric in metrics
            ),
        )

    paper = tuple(
        Row(
            (f"{method_label(method)} [paper]", *_PAPER_LABELS),
            tuple(
                Cell(metric, values[direction][metric])
                for direction in DIRECTIONS
                for metric in metrics
            ),
        )
        for method, values in published.TABLE_1.items()
    )
    ours = [pair for pair in results.lines if pair[1] != CHANCE]
    exact = [pair for pair in results.lines if pair[1] == CHANCE]
    return PrintedTable(
        "table_1",
        "Table I: R@1 (percent) and median rank, methods and directions",
        _HEADS,
        tuple((direction_label(direction), metrics) for direction in DIRECTIONS),
        (
            Block("This run", tuple(line(*pair) for pair in ours)),
            Block("Exact chance", tuple(line(*pair) for pair in exact), EXACT),
            Block("Published in the paper (Table I)", paper, PAPER),
        ),
        (*notes, *published.NOTES),
    )


def table_2(results: Results, notes: Sequence[str] = ()) -> PrintedTable:
    """Return Table II: every metric of every method, direction by direction."""
    metrics = tuple(results.metrics)

    def lines(chance: bool) -> tuple[Row, ...]:
        return tuple(
            Row(
                (direction_label(direction), *results.labels(protocol, method)),
                tuple(results.cell(protocol, method, direction, metric) for metric in metrics),
            )
            for direction in DIRECTIONS
            for protocol, method in results.lines
            if (method == CHANCE) == chance
            and results.row(protocol, method, direction, "MedR") is not None
        )

    paper = tuple(
        Row(
            (direction_label(direction), f"{label} [paper]", *_PAPER_LABELS),
            tuple(
                Cell(metric, values[direction][metric]) if metric in values[direction] else None
                for metric in metrics
            ),
        )
        for direction in DIRECTIONS
        for label, values in (
            ("RANDOM", published.TABLE_2["random"]),
            ("UGAAR", published.TABLE_2["ugaar"]),
        )
    )
    return PrintedTable(
        "table_2",
        "Table II: recalls (percent), ranks and reciprocal ranks, by direction",
        ("Direction", *_HEADS),
        (("", metrics),),
        (
            Block("This run", lines(chance=False)),
            Block("Exact chance", lines(chance=True), EXACT),
            Block("Published in the paper (Table II)", paper, PAPER),
        ),
        (*notes, *published.NOTES),
    )


def galleries_table(rows: Sequence[Mapping], notes: Sequence[str] = ()) -> PrintedTable:
    """Return R@1 and MedR/N of every method in galleries of each size, the largest first.

    Args:
        rows: rows of the metrics table.
        notes: sentences below the table.
    """
    metrics = ("R@1", "MedR/N")
    blocks = []
    for size in sorted({row["gallery_size"] for row in rows}, reverse=True):
        results = Results(rows, size)
        lines = tuple(
            Row(
                results.labels(*line),
                tuple(
                    results.cell(*line, direction, metric)
                    for direction in DIRECTIONS
                    for metric in metrics
                ),
            )
            for line in results.lines
        )
        blocks.append(Block(f"Galleries of {size} windows", lines))
    return PrintedTable(
        "galleries",
        "R@1 (percent) and median rank as a share of the gallery, by size of the gallery",
        _HEADS,
        tuple((direction_label(direction), metrics) for direction in DIRECTIONS),
        tuple(blocks),
        tuple(notes),
    )


def comparison_table(rows: Sequence[Mapping], notes: Sequence[str] = ()) -> PrintedTable:
    """Return the paired differences of methods, one block a metric."""
    cells = {
        (row["protocol"], row["method"], row["reference"], row["direction"], row["metric"]): Cell(
            row["metric"], row["difference"], None, row["ci_low"], row["ci_high"], signed=True
        )
        for row in rows
    }
    directions = (*DIRECTIONS, MEAN)
    lines = [
        (protocol, *pair)
        for protocol in sorted({key[0] for key in cells})
        for pair in PAIRS
        if any(key[:3] == (protocol, *pair) for key in cells)
    ]
    blocks = tuple(
        Block(
            metric,
            tuple(
                Row(
                    (f"{method_label(method)} − {method_label(reference)}", protocol),
                    tuple(
                        cells.get((protocol, method, reference, direction, metric))
                        for direction in directions
                    ),
                )
                for protocol, method, reference in lines
            ),
        )
        for metric in COMPARED
        if any(key[4] == metric for key in cells)
    )
    return PrintedTable(
        "comparisons",
        "Paired differences between methods on the same queries, with intervals",
        ("Difference", "Protocol"),
        (("", tuple(direction_label(direction) for direction in directions)),),
        blocks,
        tuple(notes),
    )


LONG_COLUMNS = (
    "block",
    "protocol",
    "method",
    "direction",
    "metric",
    "value",
    "std",
    "ci_low",
    "ci_high",
    "gallery_size",
    "n_seeds",
)


def long_rows(
    results: Results, metrics: Sequence[str], paper: Mapping[str, Mapping[str, Mapping]]
) -> Iterator[dict]:
    """Yield the numbers of a table one a row; `block` tells where each comes from.

    Args:
        results: the metrics of this run.
        metrics: names of the metrics in the table.
        paper: published numbers, method -> direction -> metric -> value.

    Yields:
        Rows with the keys `LONG_COLUMNS`; what the paper does not state is None.
    """
    for protocol, method in results.lines:
        for direction in DIRECTIONS:
            for metric in metrics:
                row = results.row(protocol, method, direction, metric)
                if row is not None:
                    block = EXACT if method == CHANCE else OURS
                    yield {"block": block} | {name: row[name] for name in LONG_COLUMNS[1:]}
    for method, directions in paper.items():
        for direction in DIRECTIONS:
            for metric, value in directions[direction].items():
                found = {"block": PAPER, "method": method, "direction": direction}
                yield dict.fromkeys(LONG_COLUMNS) | found | {"metric": metric, "value": value}
