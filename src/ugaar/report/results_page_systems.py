"""What an audio-sheet run was made of, cost and reached, as Markdown for its page."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow.compute as pc

from ugaar.errors import DataError
from ugaar.evaluate.paper_tables import Cell, direction_label
from ugaar.evaluate.system_ranking import DIRECTIONS
from ugaar.evaluate.system_results import system_label
from ugaar.evaluate.system_summary import CEILING
from ugaar.evaluate.system_tables import cca_layer_table, dcca_table, tolerance_table
from ugaar.parquet_files import read_table
from ugaar.report.job_progress import spoken_duration
from ugaar.report.results_page_printed import apart, joined, notes
from ugaar.report.results_page_run import Run
from ugaar.report.results_page_systems_run import SystemsRun, rejects_of
from ugaar.report.results_page_trainings import Training
from ugaar.report.results_page_words import grid, number, shown
from ugaar.report.table_formats import ABSENT
from ugaar.score.split import FOLDS
from ugaar.snippet_tables import PIECE_SPLIT, PIECES, SNIPPETS, TWINS

TWIN_CEILING = f"{CEILING}5"
"""The ceiling beside headline numbers: twins from 5 onsets before to 5 after."""

_BY_SYSTEM = ("train_system", "embed_system")  # stages whose cost is told by system


def pieces_text(run: SystemsRun) -> str:
    """Return how many pieces there are, and how much of them was cut as repeats."""
    columns = ["n_onsets", "n_notes", "n_repeated_notes"]
    pieces = read_table(run.folder / "pieces.parquet", PIECES, columns)
    onsets, notes_left, cut = (pc.sum(pieces[name]).as_py() or 0 for name in columns)
    text = f"{len(pieces):,} pieces with {notes_left:,} notes at {onsets:,} onsets."
    if not cut:
        return f"{text} No note was cut as a written-out repeat."
    shorter = pc.sum(pc.greater(pieces["n_repeated_notes"], 0)).as_py()
    share = 100 * cut / (cut + notes_left)
    return (
        f"{text} {cut:,} further notes ({share:.0f} %), of {shorter:,} pieces, were repeats "
        "written out and are cut."
    )


def piece_folds_table(run: SystemsRun) -> str:
    """Return pieces, onsets and aligned snippets of each fold."""
    split = run.rows(PIECE_SPLIT)
    path = run.folder / "snippets.parquet"
    folds = read_table(path, SNIPPETS, ["fold"])["fold"].to_pylist() if path.is_file() else None
    lines = []
    for fold in (*FOLDS, "all"):
        own = [row for row in split if fold in ("all", row["fold"])]
        if folds is None:
            snippets = "not made yet"
        else:
            snippets = f"{len(folds) if fold == 'all' else folds.count(fold):,}"
        lines.append((fold, f"{len(own):,}", f"{sum(r['n_onsets'] for r in own):,}", snippets))
    return grid(("fold", "pieces", "onsets", "snippets"), lines)


def twins_table(run: SystemsRun) -> str:
    """Return how many onsets have twins and what that leaves, with repeats kept and cut."""
    rows = {(row["repeats"], row["fold"], row["reach"]): row for row in run.rows(TWINS)}
    reaches = sorted({reach for _, _, reach in rows})
    lines = []
    for fold in ("all", "test"):
        for reach in reaches:
            cells = []
            for repeats in ("keep", "cut"):
                row = rows.get((repeats, fold, reach))
                names = ("with_twin", "in_piece", "ceiling")
                cells += [ABSENT] * 4 if row is None else [f"{row['n_onsets']:,}"]
                cells += [f"{row[name]:.1f}" for name in names] if row is not None else []
            lines.append((fold, f"± {reach} onsets", *cells))
    heads = ["onsets", "with twin", "twin in its piece", "ceiling of R@1"]
    kept = [f"repeats {how}:<br>{head}" for how in ("kept", "cut") for head in heads]
    return grid(("fold", "twins agree", *kept), lines, texts=(0, 1))


def rejects_table(run: Run) -> str:
    """Return what was dropped, by stage and reason."""
    found = rejects_of(run)
    if not found:
        return "Nothing was dropped."
    lines = [
        (stage, level, reason.replace("-", " "), f"{count:,}")
        for (stage, level, reason), count in sorted(found.items())
    ]
    return grid(("stage", "what", "reason", "dropped"), lines, texts=(0, 1, 2))


def stages_table(run: Run) -> str:
    """Return the cost of each stage, that of training and encoding system by system."""
    costs = [cost for cost in run.costs(variants=False) if cost.stage not in _BY_SYSTEM]
    costs += [cost for cost in run.costs(variants=True) if cost.stage in _BY_SYSTEM]
    costs.sort(key=lambda cost: (-cost.cpu_s, cost.stage, cost.variant))
    lines = [
        (
            cost.stage + (f", {system_label(cost.variant)}" if cost.variant else ""),
            str(cost.jobs),
            f"{cost.cpu_s / 60:.1f}",
            f"{cost.wall_s / 60:.1f}",
            f"{cost.longest_s:.0f}",
            f"{cost.peak_mb:,.0f}",
        )
        for cost in costs
    ]
    lines.append(
        (
            "**all**",
            str(sum(cost.jobs for cost in costs)),
            f"{sum(cost.cpu_s for cost in costs) / 60:.1f}",
            f"{sum(cost.wall_s for cost in costs) / 60:.1f}",
            f"{max(cost.longest_s for cost in costs):.0f}",
            f"{max(cost.peak_mb for cost in costs):,.0f}",
        )
    )
    heads = ("stage", "jobs", "CPU minutes", "wall minutes", "longest job, s", "largest memory, MB")
    return grid(heads, lines)


def trainings_table(run: SystemsRun) -> str:
    """Return how far each training is, how fast it went and what it still needs."""
    if not run.trainings:
        raise DataError(f"{run.folder / 'systems'}: no training has begun")
    heads = (
        "System", "seed", "state", "steps done", "pairs a batch", "s a step", "pairs a s",
        "time", "steps left", "time left", "best validation MRR",
    )  # fmt: skip
    return grid(heads, [_training_line(one) for one in run.trainings], texts=(0, 2))


def _training_line(one: Training) -> tuple[str, ...]:
    planned = "" if one.steps is None or one.finished else f" of {one.steps:,}"
    best = one.best()
    left = None if one.steps is None else one.steps - one.step
    return (
        system_label(one.system),
        str(one.seed),
        _state(one),
        f"{one.step:,}{planned}",
        ABSENT if one.batch_size is None else str(one.batch_size),
        ABSENT if one.step_s is None else f"{one.step_s:.3g}",
        ABSENT if one.pairs_per_s is None else f"{one.pairs_per_s:.0f}",
        ABSENT if one.step_s is None else spoken_duration(one.step * one.step_s),
        ABSENT if left is None else f"{left:,}",
        _time_left(one),
        ABSENT if best is None else f"{best[0]:.3f} at {best[1]:,}",
    )


def _state(one: Training) -> str:
    if one.finished:
        return "finished"
    if one.begun:
        return "not finished"
    return "not begun" if one.asked else "not asked for"


def _time_left(one: Training) -> str:
    if one.finished:
        return ABSENT
    return "not known" if one.left_s is None else spoken_duration(one.left_s)


def dcca_shape(run: SystemsRun, direction: str) -> str:
    """Return one direction of the table in the DCCA paper's shape."""
    return joined(dcca_table(run.results), direction_label(direction))


def dcca_notes(run: SystemsRun) -> str:
    """Return what holds for that table, and what differs from the paper."""
    return notes(dcca_table(run.results))


def cca_layer_shape(run: SystemsRun) -> str:
    """Return the table in the CCA-layer papers' shape."""
    return joined(cca_layer_table(run.results), direction_label(DIRECTIONS[0]))


def cca_layer_notes(run: SystemsRun) -> str:
    """Return what differs from those papers; what holds for all tables is not said again."""
    general = set(run.results.notes())
    table = cca_layer_table(run.results)
    return "\n".join(f"- {note}" for note in table.notes if note not in general)


def tolerance_shape(run: SystemsRun) -> str:
    """Return R@1 where neighbours or twins count as right."""
    return apart(tolerance_table(run.results))


def robustness_shape(run: SystemsRun, direction: str) -> str:
    """Return R@1 of every system under every condition, and the change from the main one."""
    results = run.results
    lines = []
    for condition in results.conditions:
        cells = []
        for system in results.systems:
            value = results.under(system, condition, direction, "R@1")
            change = results.drop(system, condition, direction, "R@1")
            text = shown(value, interval=False)
            if change is not None and condition != results.main:
                text += f"<br>({number(change)})"
            cells.append(text)
        lines.append((condition, *cells))
    return grid(("R@1, %", *(system_label(system) for system in results.systems)), lines)


def identification_shape(run: SystemsRun) -> str:
    """Return how often the right piece is found, and how near the place in it."""
    return apart(run.identified)


def identification_notes(run: SystemsRun) -> str:
    """Return how pieces are identified."""
    return notes(run.identified)


def systems_headline(runs: Sequence[SystemsRun]) -> str:
    """Return the headline numbers of every run: both directions, N and the ceiling."""
    lines = []
    for run in runs:
        try:
            results = run.results
        except DataError:
            lines += _unfinished_lines(run)
            continue
        ceiling = _plain(results.cell(TWIN_CEILING, DIRECTIONS[0], "R@1"))
        for system in results.systems:
            cells = [
                shown(results.cell(system, direction, metric))
                for direction in DIRECTIONS
                for metric in ("R@1", "MRR")
            ]
            lines.append(
                (run.name, system_label(system), f"{results.main_size:,}", *cells, ceiling)
            )
    heads = [f"{direction_label(d)}<br>{m}" for d in DIRECTIONS for m in ("R@1, %", "MRR")]
    return grid(("run", "System", "N", *heads, "ceiling of R@1, twins ± 5"), lines, texts=(0, 1))


def _plain(cell: Cell | None) -> str:
    return shown(cell, interval=False)


def _unfinished_lines(run: SystemsRun) -> list[tuple[str, ...]]:
    lines = []
    for one in run.trainings:
        if not (one.asked or one.begun):
            continue
        of = "" if one.steps is None else f" of {one.steps:,}"
        state = "trained, not tested yet" if one.finished else f"step {one.step:,}{of}"
        lines.append((run.name, f"{system_label(one.system)}: {state}", *[ABSENT] * 6))
    return lines or [(run.name, "no training has begun", *[ABSENT] * 6)]
