"""Printed tables of the retrieval of versions, from its metrics and comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ugaar.evaluate.paper_tables import EXACT, Block, Cell, PrintedTable, Row
from ugaar.evaluate.version_metrics import CHANCE, WORKS, Scores, Setting, System
from ugaar.versions.scoring import ALL_WORKS, PASSAGES, RECORDINGS, SHINGLES, TEST_WORKS

METRICS = ("P@1", "MAP")
LABELS = {"raw": "Raw shingle", "pca": "PCA", "network": "Network (ours)", CHANCE: "Chance"}

_STAND_IN = (
    "Network: triplet network with layers, margin and sampling of our own; those of Zalkow and "
    "Müller (2020) could not be obtained, so no published row stands beside it."
)
_WORKS = (
    "Percent; each work counts the same. ± standard deviation over training seeds. Brackets: "
    "bootstrap interval over works and seeds. Every work is tested by a model that never saw it; "
    "the query's own recording and copies of the same performance are never answers."
)
_ANSWERS = (
    "Shingles: right is every shingle of another version of the work, of whatever passage. "
    "Passages: right are the shingles of other versions that the alignment puts at the same "
    "place; other shingles of the work are left out, since it may repeat itself."
)


def _order(systems: Iterable[System]) -> list[System]:
    names = list(LABELS)
    return sorted(systems, key=lambda one: (names.index(one[0]), -one[1]))


def _cell(row: Mapping | None) -> Cell | None:
    if row is None:
        return None
    return Cell(row["metric"], row["value"], row["std"], row["ci_low"], row["ci_high"])


def _printed(
    name: str,
    title: str,
    rows: Sequence[Mapping],
    groups: Sequence[tuple[str, Setting]],
    notes: tuple[str, ...],
) -> PrintedTable:
    """Return a table with a row for each system and a group of columns for each setting."""
    found = {
        (
            (row["system"], row["dimensions"]),
            (row["gallery"], row["answers"], row["query_s"]),
            row["metric"],
        ): row
        for row in rows
        if row["seed"] is None and row["mean_over"] == WORKS
    }

    def line(system: System) -> Row:
        length = str(system[1]) if system[1] else ""
        return Row(
            (LABELS[system[0]], length),
            tuple(
                _cell(found.get((system, setting, metric)))
                for _, setting in groups
                for metric in METRICS
            ),
        )

    systems = _order({system for system, _, _ in found})
    return PrintedTable(
        name,
        title,
        ("System", "Dimensions"),
        tuple((head, METRICS) for head, _ in groups),
        (
            Block("This run", tuple(line(one) for one in systems if one[0] != CHANCE)),
            Block("Exact chance", tuple(line(one) for one in systems if one[0] == CHANCE), EXACT),
        ),
        notes,
    )


def main_table(rows: Sequence[Mapping]) -> PrintedTable:
    """Return the systems against each other: shingles and passages, in both galleries."""
    query_s = next(row["query_s"] for row in rows if row["answers"] == SHINGLES)
    groups = [
        (f"{answers}, {gallery.replace('-', ' ')}", (gallery, answers, query_s))
        for gallery in (TEST_WORKS, ALL_WORKS)
        for answers in (SHINGLES, PASSAGES)
    ]
    queries = next(row for row in rows if row["answers"] == SHINGLES and row["seed"] is None)
    size = (
        f"{queries['n_queries']} queries of {queries['n_recordings']} recordings of "
        f"{queries['n_works']} works."
    )
    return _printed(
        "versions",
        "Other versions of a work by one shingle",
        rows,
        groups,
        (size, _WORKS, _ANSWERS, _STAND_IN),
    )


def lengths_table(rows: Sequence[Mapping]) -> PrintedTable:
    """Return what a longer query brings: whole recordings ranked among all works."""
    lengths = sorted(
        {row["query_s"] for row in rows if row["answers"] == RECORDINGS},
        key=lambda seconds: (seconds == 0, seconds),
    )
    groups = [
        (f"{length} s" if length else "whole recording", (ALL_WORKS, RECORDINGS, length))
        for length in lengths
    ]
    return _printed(
        "versions_lengths",
        "Other versions of a work by longer queries: recordings of all works are ranked",
        rows,
        groups,
        (
            "A recording's distance is the mean, over the shingles of the query, of the squared "
            "distance to its nearest shingle.",
            _WORKS,
            _STAND_IN,
        ),
    )


def works_table(
    gathered: Mapping[tuple[System, Setting], Scores], setting: Setting
) -> PrintedTable:
    """Return the value of every work: how far works differ.

    Args:
        gathered: the scores of every system.
        setting: gallery, answers and length of the query.
    """
    systems = _order({system for system, where in gathered if where == setting})
    grids = [gathered[system, setting] for system in systems]
    works = sorted(set(grids[0].works))
    columns = {"P@1": "precision_at_1", "MAP": "average_precision"}
    values = [[scores.by_work(columns[metric]) for metric in METRICS] for scores in grids]
    rows = [
        Row(
            (work.replace("_", " "), str(int((grids[0].works == work).sum()))),
            tuple(
                Cell(metric, float(part[:, number].mean()))
                for grid in values
                for metric, part in zip(METRICS, grid, strict=True)
            ),
        )
        for number, work in enumerate(works)
    ]
    groups = tuple(
        (f"{LABELS[system]} {dimensions}".strip(), METRICS) for system, dimensions in systems
    )
    return PrintedTable(
        "versions_works",
        "Other versions of a work by one shingle: every work",
        ("Work", "Recordings"),
        groups,
        (Block("This run", tuple(rows)),),
        ("Shingles of all works are searched. " + _ANSWERS, _STAND_IN),
    )


def differences_table(rows: Sequence[Mapping]) -> PrintedTable:
    """Return network minus PCA, and both minus the raw shingle, among all works."""
    settings = [(ALL_WORKS, SHINGLES), (ALL_WORKS, PASSAGES)]
    found = {
        (
            (row["system"], row["dimensions"]),
            (row["reference"], row["reference_dimensions"]),
            (row["gallery"], row["answers"]),
            row["metric"],
        ): row
        for row in rows
    }
    pairs = sorted(
        {(one, other) for one, other, _, _ in found},
        key=lambda pair: (pair[1][0] == "raw", pair[0][0] != "network", -pair[0][1]),
    )
    lines = []
    for one, other in pairs:
        cells = []
        for setting in settings:
            for metric in METRICS:
                row = found[one, other, setting, metric]
                low, high = row["ci_low"], row["ci_high"]
                cells.append(Cell(metric, row["difference"], None, low, high, signed=True))
        names = f"{LABELS[one[0]]} {one[1]}", f"{LABELS[other[0]]} {other[1]}"
        lines.append(Row(names, tuple(cells)))
    return PrintedTable(
        "versions_differences",
        "Paired differences over works",
        ("System", "minus"),
        tuple(
            (f"{answers}, {gallery.replace('-', ' ')}", METRICS) for gallery, answers in settings
        ),
        (Block("This run", tuple(lines)),),
        (
            "Percentage points, mean over works. Brackets: paired bootstrap interval over works "
            "and seeds.",
            _STAND_IN,
        ),
    )
