"""How well the audio-sheet systems retrieve: recall at every cut-off, and under changed media."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.figure import Figure

from ugaar.evaluate.paper_tables import direction_label
from ugaar.evaluate.system_ranking import DIRECTIONS
from ugaar.evaluate.system_results import SystemResults, system_label
from ugaar.report.ranks_figure import recall_curve
from ugaar.report.style import FAINT, INK, METHOD_COLOURS, MUTED, grid
from ugaar.report.system_training_figures import system_colours

RecallCurves = dict[tuple[str, str], np.ndarray]
"""(direction, system) -> (seeds, N) recall in percent at k = 1 ... N."""


def recall_curves(ranks: pa.Table, condition: str, gallery_size: int) -> RecallCurves:
    """Return the recall curves where the snippet alone is right.

    Args:
        ranks: rows of the system_ranks table.
        condition: the condition to show.
        gallery_size: the galleries to show.
    """
    wanted = pc.and_(
        pc.and_(pc.equal(ranks["condition"], condition), pc.equal(ranks["right"], "exact")),
        pc.equal(ranks["gallery_size"], gallery_size),
    )
    ranks = ranks.filter(wanted)
    cells = ranks.group_by(["direction", "system", "seed"], use_threads=False).aggregate([])
    found: dict[tuple[str, str], list[np.ndarray]] = {}
    for cell in cells.sort_by([(name, "ascending") for name in cells.column_names]).to_pylist():
        own = ranks
        for name, value in cell.items():
            own = own.filter(pc.equal(own[name], value))
        found.setdefault((cell["direction"], cell["system"]), []).append(
            recall_curve(own["n_better"].to_numpy(), own["n_tied"].to_numpy(), gallery_size)
        )
    return {key: np.stack(values) for key, values in found.items()}


def draw_recall(
    figure: Figure, curves: RecallCurves, systems: Sequence[str], ceiling: float | None
) -> None:
    """Draw a panel a direction: recall at k against k, a line a system and the range over seeds.

    Args:
        figure: an empty figure.
        curves: see `recall_curves`; not empty.
        systems: systems in the order of the configuration.
        ceiling: best R@1 where twins cannot be told apart, percent; None where unknown.
    """
    colours = system_colours(systems)
    panels = figure.subplots(1, 2, sharey=True)
    size = next(iter(curves.values())).shape[1]
    at = np.unique(np.geomspace(1, size, 160).round().astype(int))
    for panel, direction in zip(panels, DIRECTIONS, strict=True):
        panel.set_title(direction_label(direction))
        for system in systems:
            values = curves.get((direction, system))
            if values is None:
                continue
            shown = values[:, at - 1]
            panel.fill_between(
                at, shown.min(0), shown.max(0), color=colours[system], alpha=0.18, lw=0
            )
            panel.plot(at, shown.mean(0), color=colours[system], label=system_label(system))
        dashes = (0, (4, 3))
        panel.plot(at, 100 * at / size, color=METHOD_COLOURS["chance"], ls=dashes, label="Chance")
        if ceiling is not None:
            panel.plot(1, ceiling, "_", color=INK, ms=11, mew=1.8, label="Ceiling of R@1, twins")
        panel.set_xscale("log")
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        panel.grid(visible=False, which="minor")
        panel.tick_params(which="minor", length=0)
        panel.set_ylim(-1.5, 101.5)
        grid(panel, "both")
    figure.supxlabel(f"first k of N = {size} candidates (logarithmic)", fontsize=8.5)
    figure.supylabel("recall at k, percent", fontsize=8.5)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=5, handlelength=1.6)


def robustness_height_in(n_conditions: int) -> float:
    """Return the height of the robustness figure in inches."""
    return 1.3 + 0.26 * max(n_conditions, 3)


def draw_robustness(figure: Figure, results: SystemResults) -> None:
    """Draw R@1 of every system under every condition, a line a condition.

    Args:
        figure: an empty figure.
        results: metrics of the run.
    """
    colours = system_colours(results.systems)
    panels = figure.subplots(1, 2, sharey=True)
    conditions = results.conditions
    for panel, direction in zip(panels, DIRECTIONS, strict=True):
        panel.set_title(direction_label(direction))
        for place, condition in enumerate(conditions):
            cells = {
                system: results.under(system, condition, direction, "R@1")
                for system in results.systems
            }
            values = {system: cell.value for system, cell in cells.items() if cell is not None}
            if values:
                ends = [min(values.values()), max(values.values())]
                panel.plot(ends, [place, place], color=FAINT, lw=3, zorder=1)
            for system, value in values.items():
                panel.plot(
                    value, place, "o", ms=5, color=colours[system], label=system_label(system)
                )
        panel.set_yticks(range(len(conditions)), conditions)
        panel.set_ylim(len(conditions) - 0.4, -0.6)
        panel.set_xlim(left=-1)
        panel.set_xlabel(f"R@1, percent, N = {results.shared_size()}")
        grid(panel, "x")
        panel.axhline(0.5, color=MUTED, lw=0.7)
    handles, labels = panels[0].get_legend_handles_labels()
    named = dict(zip(labels, handles, strict=True))
    figure.legend(named.values(), named.keys(), loc="outside upper center", ncols=7)
