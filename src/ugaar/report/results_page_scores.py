"""The scores of one split as Markdown for the results page."""

from __future__ import annotations

from itertools import product

from ugaar.errors import DataError
from ugaar.evaluate import published
from ugaar.evaluate.notes import shared_content_notes
from ugaar.evaluate.paper_tables import Cell, Results, direction_label, method_label
from ugaar.evaluate.summary import CHANCE, COMPARED, MEAN, PAIRS
from ugaar.report.results_page_run import Run
from ugaar.report.results_page_words import (
    DIRECTION_PAIRS,
    against_published,
    bounds,
    by_pairs,
    difference_cell,
    grid,
    heads_of,
    interval_in_words,
    number,
    shown,
    starred,
)
from ugaar.report.table_formats import ABSENT
from ugaar.tables import DIRECTIONS

PAPER_GALLERIES = (2000, 2903)
"""Sizes that the paper's galleries may have had; it states none.

2,000 is the test size that the released code of its sheet encoder takes by default; 2,903 is a
fifth of the 14,513 items that its RANDOM row implies. Both fit the printed mean ranks.
"""


def caption(run: Run, split: str) -> str:
    """Return gallery, queries, fold and level of intervals of a split in a sentence."""
    rows = run.metrics(split)
    size = max(row["gallery_size"] for row in rows)
    queries = {row["n_queries"] for row in rows if row["gallery_size"] == size}
    return (
        f"Fold {run.fold(split)}, N = {size:,} gallery windows, {max(queries):,} queries. "
        f"Value ± standard deviation over seeds; brackets: {run.confidence(split):g} % interval."
    )


def table_1(run: Run, split: str) -> str:
    """Return Table I by pairs of modalities: ours, exact chance and the paper's."""
    results = Results(run.metrics(split))
    methods = [method for _, method in results.lines]
    protocol = results.lines[0][0]
    metrics = ("R@1", "MedR", "MedR/N")
    tables = {}
    for pair, directions in DIRECTION_PAIRS.items():
        lines = []
        for method in methods:
            label, _, _, seeds = results.labels(protocol, method)
            exact = " (exact)" if method == CHANCE else ""
            cells = [
                shown(results.cell(protocol, method, direction, metric), metric != "MedR")
                for direction in directions
                for metric in metrics
            ]
            lines.append([label + exact, seeds, *cells])
        for method, values in published.TABLE_1.items():
            cells = []
            for direction in directions:
                cells += [number(Cell(metric, values[direction][metric])) for metric in metrics[:2]]
                cells.append(ABSENT)
            lines.append([f"*{method_label(method)}, paper*", "not stated", *cells])
        tables[pair] = grid(("method", "seeds", *heads_of(directions, metrics)), lines)
    return f"{caption(run, split)}\n\n{by_pairs(tables)}"


def shared_content(run: Run, split: str) -> str:
    """Return how many gallery windows share their content, and what that bounds."""
    return "\n".join(f"- {note}" for note in shared_content_notes(run.content(split)))


def best_directions(run: Run, split: str) -> str:
    """Return the direction in which each method has its highest R@1."""
    results = Results(run.metrics(split))
    lines = []
    for protocol, method in results.lines:
        cells = {
            direction: results.cell(protocol, method, direction, "R@1") for direction in DIRECTIONS
        }
        measured = {direction: cell for direction, cell in cells.items() if cell is not None}
        if method == CHANCE or not measured:
            continue
        best = max(measured, key=lambda direction: measured[direction].value)
        chance = results.cell(protocol, CHANCE, best, "R@1")
        lines.append(
            (
                method_label(method),
                direction_label(best),
                shown(measured[best]),
                f"{measured[best].value / chance.value:.1f}" if chance else ABSENT,
                shown(results.cell(protocol, method, best, "MedR"), interval=False),
            )
        )
    return grid(("method", "best direction", "R@1, %", "times chance", "MedR"), lines, texts=(0, 1))


def medians_table(run: Run, split: str, gallery: int | None = None) -> str:
    """Return MedR/N beside the published medians over both sizes that the gallery may have had.

    Args:
        run: a finished run.
        split: one of its splits.
        gallery: size of our galleries; None = the whole fold.
    """
    results = Results(run.metrics(split), gallery)
    protocol = results.lines[0][0] if results.lines else ""
    lines = []
    for directions, method in product(DIRECTION_PAIRS.values(), published.TABLE_1):
        for direction in directions:
            cell = results.cell(protocol, method, direction, "MedR/N")
            if cell is None or cell.low is None or cell.high is None:
                continue
            median = published.TABLE_1[method][direction]["MedR"]
            shares = [median / size for size in PAPER_GALLERIES]
            lines.append(
                (
                    f"{method_label(method)}, {direction_label(direction)}",
                    f"{number(cell)} {bounds(cell)}",
                    f"{median:.1f}",
                    *(number(Cell("MedR/N", share)) for share in shares),
                    against_published(cell.low, cell.high, shares),
                )
            )
    if not lines:
        raise DataError(
            f"{run.folder / split}: none of the paper's methods was ranked"
            + (f" in galleries of {gallery}; see evaluate.galleries" if gallery else "")
        )
    candidates = (f"paper, if N = {size:,}" for size in PAPER_GALLERIES)
    heads = ("method, direction", "MedR/N, ours", "MedR, paper", *candidates, "ours is")
    return grid(heads, lines, texts=(0, len(heads) - 1))


def comparisons_table(run: Run, split: str) -> str:
    """Return the paired differences averaged over the six directions, with words by rule."""
    rows = {
        (row["method"], row["reference"], row["metric"]): row
        for row in run.comparisons(split)
        if row["direction"] == MEAN
    }
    lines = []
    for (method, reference), metric in product(PAIRS, COMPARED):
        row = rows.get((method, reference, metric))
        if row is None:
            continue
        cell, ours, theirs = difference_cell(row), method_label(method), method_label(reference)
        lines.append(
            (
                f"{ours} − {theirs}",
                metric,
                f"{number(cell)} {bounds(cell)}",
                interval_in_words(metric, row["ci_low"], row["ci_high"], ours, theirs),
            )
        )
    if not lines:
        raise DataError(
            f"{run.folder / split / 'comparisons.parquet'}: no pair of methods to compare; "
            "add methods to the configuration"
        )
    heads = ("difference", "metric", "mean of six directions", "the interval")
    return grid(heads, lines, texts=(0, 1, 3))


def comparisons_by_direction(run: Run, split: str, metric: str = "R@1") -> str:
    """Return the paired differences of one metric in each direction; `*` where not holding 0."""
    rows = {
        (row["method"], row["reference"], row["direction"]): row
        for row in run.comparisons(split)
        if row["metric"] == metric
    }
    directions = [direction for pair in DIRECTION_PAIRS.values() for direction in pair]
    lines = []
    for method, reference in PAIRS:
        found = [rows.get((method, reference, direction)) for direction in directions]
        if any(found):
            label = f"{method_label(method)} − {method_label(reference)}"
            lines.append([label, *(starred(row) for row in found)])
    if not lines:
        raise DataError(f"{run.folder / split / 'comparisons.parquet'}: {metric} was not compared")
    return grid(("difference", *(direction_label(one) for one in directions)), lines)


def galleries_table(run: Run, split: str) -> str:
    """Return R@1 and MedR/N by the size of the gallery, both directions of a pair in a cell."""
    rows = run.metrics(split)
    sizes = run.galleries(split)
    if len(sizes) < 2:
        raise DataError(
            f"{run.folder / split}: only the whole fold was ranked; set evaluate.galleries"
        )
    by_size = {size: Results(rows, size) for size in sizes}
    lines_of = by_size[sizes[0]].lines
    tables = {}
    for pair, directions in DIRECTION_PAIRS.items():
        lines = []
        for protocol, method in lines_of:
            cells = []
            for results, metric in product(by_size.values(), ("R@1", "MedR/N")):
                both = (results.cell(protocol, method, one, metric) for one in directions)
                cells.append(" / ".join(number(cell) if cell else ABSENT for cell in both))
            lines.append([method_label(method), *cells])
        heads = [f"N = {size:,}<br>{metric}" for size in sizes for metric in ("R@1, %", "MedR/N")]
        order = " / ".join(direction_label(one) for one in directions)
        tables[pair] = f"Each cell: {order}.\n\n{grid(('method', *heads), lines)}"
    return by_pairs(tables)


def correlations_text(run: Run, split: str) -> str:
    """Return the canonical correlations behind the ground truth in a sentence."""
    found = run.correlations(split)
    if not found:
        raise DataError(f"{run.folder / split}: no correlations recorded; run ground-truth again")
    above = sum(value > 0.5 for value in found)
    return (
        f"The CCA of audio and sheet has {len(found)} components on the training fold; the largest "
        f"canonical correlation is {found[0]:.3f}, and {above} are above 0.5."
    )
