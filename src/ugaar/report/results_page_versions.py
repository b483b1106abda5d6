"""A run of the versions task, as its page sees it, and its tables as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import product

from ugaar.errors import DataError
from ugaar.evaluate.version_metrics import CHANCE, METRICS, WORKS, gather
from ugaar.evaluate.version_printing import (
    LABELS,
    differences_table,
    lengths_table,
    main_table,
    works_table,
)
from ugaar.parquet_files import read_table
from ugaar.report.job_progress import spoken_duration
from ugaar.report.results_page_printed import apart, joined, notes
from ugaar.report.results_page_run import Rows, Run
from ugaar.report.results_page_words import (
    bounds,
    cell_of,
    difference_cell,
    grid,
    interval_in_words,
    number,
    shown,
)
from ugaar.tables import HISTORY
from ugaar.version_tables import (
    RECORDINGS,
    VERSION_COMPARISONS,
    VERSION_FOLDS,
    VERSION_METRICS,
    VERSION_SCORES,
)
from ugaar.versions.scoring import ALL_WORKS, SHINGLES


class VersionsRun(Run):
    """One results folder of the task versions, which may not be finished.

    Args:
        folder: results/<dataset>.
    """

    @property
    def version_metrics(self) -> Rows:
        """The metrics of all systems."""
        return self.rows(VERSION_METRICS)

    @property
    def tested(self) -> bool:
        """Whether there are metrics."""
        return (self.folder / "version_metrics.parquet").is_file()

    @cached_property
    def scores(self) -> Rows:
        """The scores of every system and seed.

        Raises:
            DataError: there are none.
        """
        files = sorted((self.folder / "version_scores").glob("*.parquet"))
        if not files:
            raise DataError(f"{self.folder / 'version_scores'}: missing; finish the run")
        return [row for path in files for row in read_table(path, VERSION_SCORES).to_pylist()]


def works_of_folds_table(run: VersionsRun) -> str:
    """Return recordings, copies and shingles of each fold, and its works."""
    rows = run.rows(VERSION_FOLDS)
    lines = []
    for fold in sorted({row["fold"] for row in rows}):
        own = [row for row in rows if row["fold"] == fold]
        works = sorted({row["work"] for row in own})
        performances = len({row["copies"] for row in own})
        lines.append(
            (
                str(fold),
                f"{len(own):,}",
                f"{performances:,}",
                f"{sum(row['n_shingles'] for row in own):,}",
                ", ".join(work.replace("_", " ") for work in works),
            )
        )
    heads = ("fold", "recordings", "performances", "shingles", "works")
    return grid(heads, lines, texts=(4,))


def recordings_text(run: VersionsRun) -> str:
    """Return how many recordings and works there are, and what was mended."""
    columns = ["work", "n_frames", "n_mended"]
    rows = read_table(run.folder / "recordings.parquet", RECORDINGS, columns).to_pylist()
    hours = sum(row["n_frames"] for row in rows) / 3600
    mended = sum(row["n_mended"] for row in rows)
    return (
        f"{len(rows):,} recordings of {len({row['work'] for row in rows})} works, {hours:.1f} "
        f"hours of chroma; {mended:,} vectors that were silent or not of unit length were mended."
    )


def main_shape(run: VersionsRun) -> str:
    """Return the systems against each other."""
    return joined(main_table(run.version_metrics))


def main_notes(run: VersionsRun) -> str:
    """Return what holds for the tables."""
    return notes(main_table(run.version_metrics))


def lengths_shape(run: VersionsRun) -> str:
    """Return what longer queries bring."""
    return joined(lengths_table(run.version_metrics))


def works_shape(run: VersionsRun) -> str:
    """Return the values of every work."""
    query_s = _query_s(run.version_metrics)
    return joined(works_table(gather(run.scores), (ALL_WORKS, SHINGLES, query_s)))


def differences_shape(run: VersionsRun) -> str:
    """Return the paired differences between systems."""
    return apart(differences_table(run.rows(VERSION_COMPARISONS)))


def versions_verdicts(run: VersionsRun) -> str:
    """Return what the paired differences say, a line each, for single shingles among all works."""
    query_s = _query_s(run.version_metrics)
    lines = []
    for row in run.rows(VERSION_COMPARISONS):
        where = row["gallery"], row["answers"], row["query_s"]
        if where != (ALL_WORKS, SHINGLES, query_s) or row["metric"] != "MAP":
            continue
        names = [
            f"{LABELS[row[system]]} {row[dimensions] or ''}".strip()
            for system, dimensions in (
                ("system", "dimensions"),
                ("reference", "reference_dimensions"),
            )
        ]
        cell = difference_cell(row)
        verdict = interval_in_words("MAP", row["ci_low"], row["ci_high"], *names)
        lines.append(
            f"- {names[0]} minus {names[1]}, MAP: {number(cell)} {bounds(cell)} points, which "
            f"{verdict}; better in {row['n_better']} of {row['n_works']} works."
        )
    if not lines:
        raise DataError("no system was compared with another")
    return "\n".join(lines)


def shingle_trainings_text(run: VersionsRun) -> str:
    """Return how many networks were trained and for how many steps, and how many are missing."""
    settings = run.config["versions"]
    named = product(settings["dimensions"], range(settings["folds"]), run.config["seeds"])
    wanted = [
        run.folder / f"train/network-{length}/fold-{fold}/seed-{seed}/history.parquet"
        for length, fold, seed in named
    ]
    files = [path for path in wanted if path.is_file()]
    steps = [max(read_table(path, HISTORY, ["epoch"])["epoch"].to_pylist()) for path in files]
    costs = [cost for cost in run.costs(variants=False) if cost.stage == "train_shingles"]
    text = f"{len(files)} of {len(wanted)} networks are trained"
    if steps:
        fewest, most = min(steps), max(steps)
        text += f", {most:,} steps each" if fewest == most else f", {fewest:,} to {most:,} steps"
    if not costs:
        return f"{text}."
    mean_s = costs[0].wall_s / costs[0].jobs
    text += f", in {mean_s:.0f} s each on average"
    if len(files) < len(wanted):
        left_s = (len(wanted) - len(files)) * mean_s
        text += f"; the others would need about {spoken_duration(left_s)}"
    return f"{text}."


def versions_headline(runs: Sequence[VersionsRun]) -> str:
    """Return precision at 1 and MAP of every run: one shingle against the shingles of all works."""
    lines: list[tuple[str, ...]] = []
    for run in runs:
        try:
            rows = run.version_metrics
        except DataError:
            lines.append((run.name, "not finished", "–", "–", "–", "–", "–"))
            continue
        found = _headline_rows(rows)
        for (system, dimensions), metrics in found.items():
            one = next(iter(metrics.values()))
            lines.append(
                (
                    run.name,
                    LABELS[system],
                    str(dimensions or "–"),
                    f"{one['n_queries']:,}",
                    str(one["n_works"]),
                    *(shown(cell_of(metrics.get(metric))) for metric in METRICS),
                )
            )
    heads = ("run", "System", "Dimensions", "queries", "works", *(f"{m}, %" for m in METRICS))
    return grid(heads, lines, texts=(0, 1))


def _headline_rows(rows: Rows) -> dict[tuple[str, int], dict[str, Mapping]]:
    query_s = _query_s(rows)
    found: dict[tuple[str, int], dict[str, Mapping]] = {}
    for row in rows:
        where = row["gallery"], row["answers"], row["query_s"], row["mean_over"], row["seed"]
        if where == (ALL_WORKS, SHINGLES, query_s, WORKS, None):
            found.setdefault((row["system"], row["dimensions"]), {})[row["metric"]] = row
    names = list(LABELS)
    order = sorted(found, key=lambda one: (one[0] == CHANCE, names.index(one[0]), -one[1]))
    return {system: found[system] for system in order}


def _query_s(rows: Rows) -> int:
    found = [row["query_s"] for row in rows if row["answers"] == SHINGLES]
    if not found:
        raise DataError("no metrics of single shingles")
    return min(found)
