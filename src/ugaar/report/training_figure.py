"""How training went: losses and validation metrics over time, all seeds of each method."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ugaar.evaluate.paper_tables import direction_label, method_label, method_order
from ugaar.report.style import CYCLE, INK, MUTED, grid
from ugaar.tables import MODALITIES

Curves = dict[str, dict[int, dict[int, float]]]
"""Label of a curve -> seed -> epoch -> value."""


def is_validation(phase: str, metric: str) -> bool:
    """Return whether a logged value is a retrieval metric on the validation fold."""
    return metric.startswith("valid") or (phase.startswith("valid") and "loss" not in metric)


def curves_of(rows: Iterable[Mapping]) -> dict[str, tuple[Curves, Curves]]:
    """Sort history rows into curves.

    Left out: what was logged once only, the ridges that CCA tried (not epochs), and validation
    metrics other than MRR where MRR is there.

    Args:
        rows: rows of history tables.

    Returns:
        Method -> (what training optimises, validation metrics); a metric that several phases log
        is labelled with its phase.
    """
    rows = list(rows)
    searched = {(row["method"], row["phase"]) for row in rows if row["metric"] == "ridge"}
    rows = [row for row in rows if (row["method"], row["phase"]) not in searched]
    epochs: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for row in rows:
        epochs[row["method"], row["metric"], row["phase"]].add(row["epoch"])
    drawn = Counter((method, metric) for (method, metric, _), at in epochs.items() if len(at) > 1)
    found: dict[str, tuple[Curves, Curves]] = {}
    for row in rows:
        method, metric, phase = row["method"], row["metric"], row["phase"]
        if len(epochs[method, metric, phase]) < 2:
            continue
        label = (f"{metric}, {phase}" if drawn[method, metric] > 1 else metric).replace("_", " ")
        part = found.setdefault(method, ({}, {}))[is_validation(phase, metric)]
        part.setdefault(label, {}).setdefault(row["seed"], {})[row["epoch"]] = row["value"]
    return {
        method: (training, _reciprocal_ranks(validation))
        for method, (training, validation) in found.items()
    }


def _reciprocal_ranks(curves: Curves) -> Curves:
    found = {label: seeds for label, seeds in curves.items() if "MRR" in label}
    return {label.removeprefix("valid "): seeds for label, seeds in (found or curves).items()}


def _panel(axes: Axes, curves: Curves) -> None:
    """Draw a mean line and a thin line a seed for each curve, each labelled at its end."""
    ends = []
    for number, (label, seeds) in enumerate(sorted(curves.items())):
        colour = _colour(label, number)
        by_epoch: dict[int, list[float]] = defaultdict(list)
        for epochs in seeds.values():
            at = sorted(epochs)
            axes.plot(at, [epochs[epoch] for epoch in at], color=colour, lw=0.6, alpha=0.4)
            for epoch, value in epochs.items():
                by_epoch[epoch].append(value)
        # Seeds that stopped early would bend the mean: it covers epochs that all seeds reached.
        at = sorted(epoch for epoch, values in by_epoch.items() if len(values) == len(seeds))
        means = [float(np.mean(by_epoch[epoch])) for epoch in at]
        axes.plot(at, means, color=colour, lw=1.8)
        last = max(by_epoch)
        ends.append((float(np.mean(by_epoch[last])), last, label, colour))
    grid(axes)
    axes.margins(x=0.02)
    _label_ends(axes, ends)


def _colour(label: str, number: int) -> str:
    """Return a curve's colour: that of its pair of modalities, dark for a mean over directions."""
    if label.endswith("mean"):
        return INK
    for colour, (one, other) in zip(CYCLE, combinations(MODALITIES, 2), strict=False):
        if f"{one}-to-{other}" in label or f"{other}-to-{one}" in label:
            return colour
    return CYCLE[number % len(CYCLE)]


def _label_ends(axes: Axes, ends: list[tuple[float, int, str, str]]) -> None:
    """Write the names of the curves at their ends, moved apart where they would overlap."""
    low, high = axes.get_ylim()
    gap = 0.085 * (high - low)
    placed = -np.inf
    right = axes.get_xlim()[1]
    for value, _, label, colour in sorted(ends):
        placed = max(value, placed + gap)
        axes.annotate(
            direction_label(label),
            (right, placed),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            fontsize=7,
            annotation_clip=False,
        )


def height_in(n_methods: int) -> float:
    """Return the height of the figure in inches."""
    return max(2.2, 0.4 + 1.75 * n_methods)


def draw(figure: Figure, curves: Mapping[str, tuple[Curves, Curves]]) -> None:
    """Draw a row a method: losses on the left, validation on the right.

    Args:
        figure: an empty figure.
        curves: output of `curves_of`, not empty.
    """
    encoders = [method for method in sorted(curves) if method.startswith("encoder")]
    methods = encoders + method_order(set(curves) - set(encoders))
    panels = figure.subplots(len(methods), 2, squeeze=False)
    for row, method in zip(panels, methods, strict=True):
        for axes, part in zip(row, curves[method], strict=True):
            if part:
                _panel(axes, part)
            else:
                axes.axis("off")
                axes.text(0.5, 0.5, "not logged", color=MUTED, ha="center", va="center")
            axes.set_xlabel("training step" if method in encoders else "epoch or round")
        name = method.replace("encoder-", "Encoder, ") if method in encoders else None
        row[0].set_title(f"{name or method_label(method)}: training")
        row[1].set_title("validation")
