"""What duplicates and the draw of the folds change, as Markdown for the results page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from ugaar.errors import DataError
from ugaar.evaluate.paper_tables import (
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
    beside_chance,
    bounds,
    by_pairs,
    grid,
    heads_of,
    number,
    shown,
    sign,
    starred,
)
from ugaar.report.table_formats import ABSENT


def leakage_table(run: Run, gallery: int | None = None, metric: str = "R@1") -> str:
    """Return a metric under both protocols at equal gallery size, by pairs of modalities.

    Args:
        run: a finished run with both protocols.
        gallery: size of the galleries; None = the largest that both have.
        metric: R@1 or MedR.
    """
    rows = leakage_rows(run, gallery, metric)
    found = {(row["method"], row["direction"]): row for row in rows}
    tables = {}
    for pair, directions in DIRECTION_PAIRS.items():
        lines = []
        for method in method_order({method for method, _ in found}):
            cells: list[str] = []
            for direction in directions:
                cells += _leak_cells(found.get((method, direction)))
            lines.append([method_label(method), *cells])
        names = ("song-disjoint", "published", "difference")
        tables[pair] = grid(("method", *heads_of(directions, names)), lines)
    unit = ", percent" if metric.startswith("R@") else ""
    return f"{metric}{unit}, N = {rows[0]['gallery_size']:,}.\n\n{by_pairs(tables)}"


def leakage_rows(run: Run, gallery: int | None, metric: str) -> list[Mapping[str, Any]]:
    """Return the protocol differences of one metric in galleries of one size."""
    rows = [row for row in run.differences if row["metric"] == metric]
    sizes = sorted({row["gallery_size"] for row in rows})
    chosen = gallery if gallery is not None else max(sizes, default=0)
    rows = [row for row in rows if row["gallery_size"] == chosen]
    if not rows:
        raise DataError(
            f"{run.folder / 'protocol_differences.parquet'}: no {metric} of both protocols in "
            f"galleries of one size{f' ({gallery})' if gallery else ''}; set protocols to "
            "[song-disjoint, published], and evaluate.galleries"
        )
    return rows


def _leak_cells(row: Mapping[str, Any] | None) -> Iterator[str]:
    if row is None:
        yield from (ABSENT, ABSENT, ABSENT)
        return
    for name in ("song_disjoint", "published"):
        yield number(Cell(row["metric"], row[name]))
    yield starred(row)


def leakage_summary(run: Run, gallery: int | None = None, metric: str = "R@1") -> str:
    """Return in how many cells the published protocol gives better values, by the intervals."""
    rows = leakage_rows(run, gallery, metric)
    signs = [sign(metric, row["ci_low"], row["ci_high"]) for row in rows]
    mean = sum(row["difference"] for row in rows) / len(rows)
    better = "lower" if metric in LOWER_IS_BETTER else "higher"
    return (
        f"Of {len(rows)} methods and directions, {metric} is better ({better}) under the published "
        f"protocol in {signs.count(1)} and worse in {signs.count(-1)}; in {signs.count(0)} the "
        f"interval of the difference holds 0. The mean difference is "
        f"{number(Cell(metric, mean, signed=True))}."
    )


def draws_table(run: Run) -> str:
    """Return means over draws of the folds of the methods that were trained on several."""
    rows = {
        (row["protocol"], row["method"], row["gallery_size"], row["direction"], row["metric"]): row
        for row in run.means
        if row["n_splits"] > 1
    }
    if not rows:
        raise DataError(
            f"{run.folder / 'split_means.parquet'}: one draw of the folds only; add numbers to "
            "split.seeds"
        )
    order = method_order({key[1] for key in rows})
    # Protocols in the order of the table, which is that of the configuration.
    protocols = list(dict.fromkeys(key[0] for key in rows))
    lines_of = sorted(
        {key[:3] for key in rows},
        key=lambda line: (protocols.index(line[0]), -line[2], order.index(line[1])),
    )
    metrics = ("R@1", "MedR")
    tables = {}
    for pair, directions in DIRECTION_PAIRS.items():
        lines = []
        for line in lines_of:
            found = [rows.get((*line, one, metric)) for one in directions for metric in metrics]
            draws = next(row["n_splits"] for row in found if row is not None)
            lines.append(
                [method_label(line[1]), line[0], f"{line[2]:,}", str(draws), *map(_draws, found)]
            )
        heads = ("method", "protocol", "N", "draws", *heads_of(directions, metrics))
        tables[pair] = grid(heads, lines, texts=(0, 1))
    return by_pairs(tables)


def _draws(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ABSENT
    cell = Cell(row["metric"], row["value"], row["std"], row["lowest"], row["highest"])
    return f"{shown(cell, interval=False)}<br>{number(cell, cell.low)} – {number(cell, cell.high)}"


def lyrics_table(run: Run) -> str:
    """Return MedR/N of the directions with lyrics beside chance, under each protocol."""
    found = {split: Results(run.metrics(split)) for split in run.protocols}
    lines = []
    for pair, directions in DIRECTION_PAIRS.items():
        if "lyrics" not in pair:
            continue
        methods = method_order({method for one in found.values() for _, method in one.lines})
        for direction, method in product(directions, methods):
            if method == CHANCE:
                continue
            cells: list[str] = []
            for split, results in found.items():
                protocol = run.splits[split].protocol
                cells += _beside_chance(
                    results.cell(protocol, method, direction, "MedR/N"),
                    results.cell(protocol, CHANCE, direction, "MedR/N"),
                )
            lines.append([direction_label(direction), method_label(method), *cells])
    heads = [head for split in found for head in (f"{split}<br>MedR/N", f"{split}<br>is")]
    return grid(("direction", "method", *heads), lines, texts=(0, 1, *range(3, 2 + len(heads), 2)))


def _beside_chance(cell: Cell | None, exact: Cell | None) -> tuple[str, str]:
    if cell is None or exact is None:
        return ABSENT, ABSENT
    return f"{number(cell)} {bounds(cell)}", beside_chance(cell, exact)
