"""The tables of the audio-sheet systems: their papers' shapes, tolerance and robustness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ugaar.evaluate import published_systems as published
from ugaar.evaluate.paper_tables import (
    EXACT,
    PAPER,
    Block,
    Cell,
    PrintedTable,
    Row,
    direction_label,
)
from ugaar.evaluate.snippet_ranks import RIGHT
from ugaar.evaluate.system_ranking import AUDIO_TO_SHEET, DIRECTIONS
from ugaar.evaluate.system_results import SystemResults, system_label

_HEADS = ("System", "N", "Pieces", "Seeds")

_RIGHT_LABELS = {
    "exact": "exact",
    "within-1": "± 1 note",
    "within-2": "± 2 notes",
    "twins": "twins",
}


def _paper_shape(
    results: SystemResults,
    name: str,
    title: str,
    groups: Sequence[tuple[str, Sequence[str]]],
    paper: Mapping[str, Mapping[str, Mapping[str, float]]],
    paper_size: int,
    notes: Sequence[str],
) -> PrintedTable:
    """Return a table in a paper's shape: ours, bounds, and the published rows.

    Args:
        results: metrics of this run.
        name: stem of the file names.
        title: caption.
        groups: directions, each with its metrics.
        paper: system -> direction -> metric -> value.
        paper_size: candidates of the paper.
        notes: what differs.
    """

    def line(system: str) -> Row:
        cells = [results.cell(system, d, metric) for d, metrics in groups for metric in metrics]
        return Row(results.labels(system), tuple(cells))

    printed = tuple(
        Row(
            (f"{system_label(system)} [paper]", str(paper_size), "not stated", "not stated"),
            tuple(
                Cell(metric, values[direction][metric])
                for direction, metrics in groups
                for metric in metrics
            ),
        )
        for system, values in paper.items()
    )
    return PrintedTable(
        name,
        title,
        _HEADS,
        tuple((direction_label(direction), tuple(metrics)) for direction, metrics in groups),
        (
            Block("This run", tuple(line(system) for system in results.systems)),
            Block("Bounds", tuple(line(system) for system in results.bounds), EXACT),
            Block("Published", printed, PAPER),
        ),
        (*results.notes(), *notes),
    )


def dcca_table(results: SystemResults) -> PrintedTable:
    """Return the table of the DCCA paper: both directions, recalls (percent) and median rank."""
    metrics = ("R@1", "R@5", "R@10", "MedR")
    return _paper_shape(
        results,
        "systems_dcca",
        "Audio-sheet retrieval in the shape of the DCCA paper: recalls (percent) and median rank",
        [(direction, metrics) for direction in DIRECTIONS],
        published.DCCA,
        published.DCCA_GALLERY,
        published.DCCA_NOTES,
    )


def cca_layer_table(results: SystemResults) -> PrintedTable:
    """Return the table of the CCA-layer papers: audio to sheet."""
    return _paper_shape(
        results,
        "systems_cca_layer",
        "Audio-sheet retrieval in the shape of the CCA-layer papers: audio → sheet, recalls "
        "(percent), mean reciprocal and median rank",
        [(AUDIO_TO_SHEET, ("R@1", "R@5", "R@25", "MRR", "MedR"))],
        published.CCA_LAYER,
        published.CCA_LAYER_GALLERY,
        published.CCA_LAYER_NOTES,
    )


def tolerance_table(results: SystemResults) -> PrintedTable:
    """Return R@1 where a neighbouring snippet, or one of equal notes, counts as right."""

    def lines(systems: Sequence[str], direction: str) -> tuple[Row, ...]:
        return tuple(
            Row(
                results.labels(system),
                tuple(results.cell(system, direction, "R@1", right) for right in RIGHT),
            )
            for system in systems
        )

    blocks = [Block(direction_label(d), lines(results.systems, d)) for d in DIRECTIONS]
    bounds = Block("Bounds, both directions", lines(results.bounds, AUDIO_TO_SHEET), EXACT)
    return PrintedTable(
        "tolerance",
        "R@1 (percent) with tolerance",
        _HEADS,
        (("", tuple(_RIGHT_LABELS[right] for right in RIGHT)),),
        (*blocks, bounds),
        (
            *results.notes(),
            "± 1 and ± 2 notes: candidates of the same piece at most so many onsets away count as "
            "right, since their pictures are nearly the same. Twins: every candidate counts whose "
            "notes agree from 5 onsets before to 5 after. The best right answer is ranked among "
            "the wrong ones.",
        ),
    )


def robustness_table(results: SystemResults) -> PrintedTable:
    """Return every system under every condition, with the change from the main condition."""
    blocks = []
    for direction in DIRECTIONS:
        rows = []
        for system in results.systems:
            for condition in results.conditions:
                cells: list[Cell | None] = []
                for metric in ("R@1", "MRR", "MedR"):
                    cells.append(results.under(system, condition, direction, metric))
                    if metric != "MedR":
                        cells.append(
                            results.drop(system, condition, direction, metric)
                            if condition != results.main
                            else None
                        )
                rows.append(Row((system_label(system), condition), tuple(cells)))
        blocks.append(Block(direction_label(direction), tuple(rows)))
    return PrintedTable(
        "robustness",
        "Robustness: R@1 (percent), mean reciprocal and median rank under changed sound or sheet",
        ("System", "Condition"),
        (("", ("R@1", "change", "MRR", "change of MRR", "MedR")),),
        tuple(blocks),
        (
            f"All conditions have the same N = {results.shared_size()} candidates, the condition "
            f"{results.main} included. Change from it: mean over seeds of the difference, ± its "
            "standard deviation; ± and brackets otherwise as in the other tables.",
            "A condition changes the sound or the sheet, and leaves the other as it was. Changed "
            "sound: its snippets are the queries of audio → sheet and the gallery of sheet → "
            "audio. Changed sheet: the other way round.",
        ),
    )


CSV_COLUMNS = ("origin", "block", "labels", "group", "column", "value", "std", "ci_low", "ci_high")


def cell_rows(table: PrintedTable) -> Iterator[dict]:
    """Yield the numbers of a printed table one a row, with the keys `CSV_COLUMNS`."""
    columns = [(group, metric) for group, metrics in table.groups for metric in metrics]
    for block in table.blocks:
        for row in block.rows:
            for (group, metric), cell in zip(columns, row.cells, strict=True):
                if cell is not None:
                    yield {
                        "origin": block.origin,
                        "block": block.heading,
                        "labels": "; ".join(
                            f"{head} {label}"
                            for head, label in zip(table.label_heads, row.labels, strict=True)
                        ),
                        "group": group,
                        "column": metric,
                        "value": cell.value,
                        "std": cell.std,
                        "ci_low": cell.low,
                        "ci_high": cell.high,
                    }
