"""How the audio-sheet systems were trained: learning curves and canonical correlations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ugaar.evaluate.system_results import system_label
from ugaar.report.style import CYCLE, MUTED, grid

Curves = dict[str, dict[int, dict[int, float]]]
"""System -> seed -> step (or number of the component) -> value."""

_LOSS_COLUMNS = 4
_CORRELATION = "canonical correlation "


def system_colours(systems: Sequence[str]) -> dict[str, str]:
    """Return a colour for each system, by its place in the configuration."""
    return {system: CYCLE[number % len(CYCLE)] for number, system in enumerate(systems)}


def learning_curves(rows: Iterable[Mapping]) -> tuple[Curves, Curves]:
    """Return the training loss and the validation MRR, mean of both directions, by step.

    Args:
        rows: rows of history tables; `method` is the system.
    """
    losses: Curves = defaultdict(lambda: defaultdict(dict))
    ranks: dict[tuple[str, int, int], list[float]] = defaultdict(list)
    for row in rows:
        if row["phase"] == "train" and row["metric"] == "loss":
            losses[row["method"]][row["seed"]][row["epoch"]] = row["value"]
        elif row["phase"] == "valid" and row["metric"].startswith("MRR"):
            ranks[row["method"], row["seed"], row["epoch"]].append(row["value"])
    found: Curves = defaultdict(lambda: defaultdict(dict))
    for (system, seed, step), values in ranks.items():
        found[system][seed][step] = float(np.mean(values))
    return losses, found


def correlation_curves(rows: Iterable[Mapping]) -> Curves:
    """Return the canonical correlations after the last refit, by number of the component."""
    found: Curves = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        if row["metric"].startswith(_CORRELATION):
            number = int(row["metric"].removeprefix(_CORRELATION))
            found[row["method"]][row["seed"]][number] = row["value"]
    return found


def _line(axes: Axes, seeds: Mapping[int, Mapping[int, float]], colour: str, label: str) -> None:
    """Draw a thin line a seed, and their mean where all seeds have a value."""
    for values in seeds.values():
        at = sorted(values)
        axes.plot(at, [values[step] for step in at], color=colour, lw=0.6, alpha=0.45)
    shared = sorted(set.intersection(*(set(values) for values in seeds.values())))
    means = [float(np.mean([values[step] for values in seeds.values()])) for step in shared]
    axes.plot(shared, means, color=colour, lw=1.8, label=label)


def learning_height_in(n_systems: int) -> float:
    """Return the height of the learning figure in inches."""
    return 3.1 + 1.5 * -(-n_systems // _LOSS_COLUMNS)


def draw_learning(figure: Figure, losses: Curves, ranks: Curves, systems: Sequence[str]) -> None:
    """Draw the validation MRR of all systems, and below it the loss of each.

    Losses have a panel each: their scales differ between systems.

    Args:
        figure: an empty figure.
        losses: training loss; see `learning_curves`.
        ranks: validation MRR.
        systems: systems in the order of the configuration.
    """
    drawn = [system for system in systems if system in losses or system in ranks]
    colours = system_colours(systems)
    rows = -(-len(drawn) // _LOSS_COLUMNS)
    places = figure.add_gridspec(1 + rows, _LOSS_COLUMNS, height_ratios=[2.1, *[1.0] * rows])
    top = figure.add_subplot(places[0, :])
    for system in drawn:
        if system in ranks:
            _line(top, ranks[system], colours[system], system_label(system))
    top.set_title("validation: mean reciprocal rank, mean of both directions")
    top.set_ylim(bottom=0)
    top.set_xlabel("training step")
    grid(top)
    top.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.4)
    for number, system in enumerate(drawn):
        axes = figure.add_subplot(places[1 + number // _LOSS_COLUMNS, number % _LOSS_COLUMNS])
        axes.set_title(f"loss, {system_label(system)}")
        if system in losses:
            _line(axes, losses[system], colours[system], "")
        grid(axes)
        axes.locator_params(axis="x", nbins=4)
        axes.locator_params(axis="y", nbins=4)
        axes.tick_params(labelsize=7)


def draw_correlations(figure: Figure, curves: Curves, systems: Sequence[str]) -> None:
    """Draw the canonical correlations of every system in falling order.

    Args:
        figure: an empty figure.
        curves: see `correlation_curves`; not empty.
        systems: systems in the order of the configuration.
    """
    axes = figure.subplots()
    colours = system_colours(systems)
    for system in systems:
        if system in curves:
            _line(axes, curves[system], colours[system], system_label(system))
    axes.set_ylim(0, 1.04)
    axes.set_xlabel("canonical component")
    axes.set_ylabel("correlation of audio and sheet, training pairs")
    axes.axhline(0.5, color=MUTED, lw=0.8, ls=(0, (4, 3)))
    grid(axes)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.4)
