"""The tables of the audio-sheet systems: their papers' shapes, tolerance, robustness, pieces."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ugaar.evaluate import published_systems as published
from ugaar.evaluate.identification import RUN, RUN_ONSETS, SPREAD, summarise
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
from ugaar.evaluate.system_summary import CEILING, CHANCE

_HEADS = ("System", "N", "Pieces", "Seeds")

_RIGHT_LABELS = {
    "exact": "exact",
    "within-1": "± 1 note",
    "within-2": "± 2 notes",
    "twins": "twins",
}


class Change(Cell):
    """A difference: its value has a sign, its spread has none."""

    def number(self, value: float | None = None) -> str:
        """Return the difference, or another number of the same kind, with the decimals."""
        shown = super().number(value)
        return shown if value is None or value < 0 else shown.removeprefix("+")


def system_label(system: str) -> str:
    """Return the printed name of a system, of chance or of a ceiling."""
    if system == CHANCE:
        return "Chance"
    if system.startswith(CEILING):
        what = system.removeprefix(CEILING)
        return "Ceiling, equal crops" if what == "crop" else f"Ceiling, twins ± {what} notes"
    return published.LABELS.get(system, system)


class SystemResults:
    """The rows of a system_metrics table by system, condition, direction, sense of right, metric.

    Args:
        rows: rows of the table.
        metadata: its metadata: systems and conditions in order, fold, bootstrap, confidence.
    """

    def __init__(self, rows: Sequence[Mapping], metadata: Mapping[str, str]) -> None:
        self.metadata = metadata
        self.systems: list[str] = json.loads(metadata["systems"])
        self.conditions: list[str] = json.loads(metadata["conditions"])
        self.main = self.conditions[0]
        self._pooled: dict[tuple, Mapping] = {}
        self._seeds: dict[tuple, dict[int, float]] = defaultdict(dict)
        sizes: dict[str, set[int]] = defaultdict(set)
        for row in rows:
            key = (
                row["system"],
                row["condition"],
                row["direction"],
                row["right"],
                row["gallery_size"],
                row["metric"],
            )
            sizes[row["condition"]].add(row["gallery_size"])
            if row["seed"] is None:
                self._pooled[key] = row
            else:
                self._seeds[key][row["seed"]] = row["value"]
        self.main_size = max(sizes[self.main], default=0)
        self.bounds = sorted({key[0] for key in self._pooled} - set(self.systems))
        self.sizes = {condition: max(sizes[condition], default=0) for condition in sizes}

    def row(self, system: str, direction: str, metric: str, right: str = "exact") -> Mapping | None:
        """Return the pooled row under the main condition in the whole gallery, or None."""
        return self._pooled.get((system, self.main, direction, right, self.main_size, metric))

    def cell(self, system: str, direction: str, metric: str, right: str = "exact") -> Cell | None:
        """Return such a row's number, with spread and interval."""
        return _cell(self.row(system, direction, metric, right))

    def labels(self, system: str) -> tuple[str, str, str, str]:
        """Return the printed name, gallery size, pieces and seeds of the main condition."""
        found = [(key, row) for key, row in self._pooled.items() if self._is_main(key, system)]
        if not found:
            return system_label(system), "–", "–", "–"
        key, row = found[0]
        seeds = len(self._seeds.get(key, ()))
        return (
            system_label(system),
            str(row["gallery_size"]),
            str(row["n_pieces"]),
            str(seeds) if seeds else "–",
        )

    def _is_main(self, key: tuple, system: str) -> bool:
        return key[0] == system and key[1] == self.main and key[4] == self.main_size

    def under(self, system: str, condition: str, direction: str, metric: str) -> Cell | None:
        """Return a number under a condition, in the gallery that all conditions share."""
        return _cell(self._pooled.get(self._shared(system, condition, direction, metric)))

    def drop(self, system: str, condition: str, direction: str, metric: str) -> Cell | None:
        """Return what a condition changes from the main one, on equal candidates.

        The value is the mean over seeds of the difference, the spread its standard deviation.
        """
        changed = self._seeds.get(self._shared(system, condition, direction, metric), {})
        usual = self._seeds.get(self._shared(system, self.main, direction, metric), {})
        both = sorted(set(changed) & set(usual))
        if not both:
            return None
        values = np.array([changed[seed] - usual[seed] for seed in both])
        spread = float(values.std(ddof=1)) if len(both) > 1 else None
        return Change(metric, float(values.mean()), spread, signed=True)

    def shared_size(self) -> int:
        """Return the size of the gallery that all conditions share."""
        others = [self.sizes[name] for name in self.conditions[1:] if name in self.sizes]
        return others[0] if others else self.main_size

    def _shared(self, system: str, condition: str, direction: str, metric: str) -> tuple:
        return (system, condition, direction, "exact", self.shared_size(), metric)

    def notes(self) -> Iterator[str]:
        """Yield how the numbers were made, and the ceilings."""
        level = 100 * float(self.metadata["confidence"])
        yield (
            f"Fold {self.metadata['fold']}, condition {self.main}: N = {self.main_size} candidates "
            "spread evenly over its snippets, one right answer each. Value: mean over seeds; ±: "
            f"standard deviation over seeds; brackets: {level:g} % interval of "
            f"{self.metadata['bootstrap']} bootstrap resamples of whole pieces, and of seeds."
        )
        yield (
            "Ties are ranked by expectation over their order; MedR uses mid-ranks. Chance is exact."
        )
        ceilings = [name for name in self.bounds if name.startswith(CEILING)]
        if ceilings:
            yield (
                "Ceiling: the best to be expected of a system that cannot tell snippets apart "
                "whose notes agree from so many onsets before to so many after (twins), or whose "
                "crops of the strip are equal pixel by pixel. One that hears or sees further than "
                "that can exceed it."
            )


def _cell(row: Mapping | None) -> Cell | None:
    if row is None:
        return None
    return Cell(row["metric"], row["value"], row["std"], row["ci_low"], row["ci_high"])


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


_IDENTIFICATION = ("top-1", "top-5", "MRR", "notes", "px", "within-2")


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
                cells = tuple(_over_seeds(metric, summaries) for metric in _IDENTIFICATION)
                lines.append(Row((system_label(system), str(n_pieces), str(len(seeds))), cells))
            blocks.append(
                Block(f"{direction_label(direction)}, {_query_label(query)}", tuple(lines))
            )
    votes = max((row["n_votes"] for row in rows if row["query"] == SPREAD), default=0)
    return PrintedTable(
        "identification",
        "Score identification: which piece, and which place in it",
        ("System", "Pieces", "Seeds"),
        (("", _IDENTIFICATION),),
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
