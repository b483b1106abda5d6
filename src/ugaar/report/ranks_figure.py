"""How fast the right answers come: recall within the first k of N, by method and direction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ugaar.evaluate.paper_tables import direction_label, method_label, method_order
from ugaar.report.style import METHOD_COLOURS, MUTED, grid
from ugaar.tables import DIRECTIONS


def recall_curve(n_better: np.ndarray, n_tied: np.ndarray, gallery_size: int) -> np.ndarray:
    """Return the expected recall at every cut-off.

    Args:
        n_better: (Q,) items strictly better than the right answer.
        n_tied: (Q,) items tied with it, itself included.
        gallery_size: N.

    Returns:
        (N,) recall in percent at k = 1 ... N.
    """
    # Each query puts 1 / n_tied on the ranks n_better + 1 ... n_better + n_tied.
    steps = np.zeros(gallery_size + 1)
    np.add.at(steps, n_better, 1.0 / n_tied)
    np.add.at(steps, n_better + n_tied, -1.0 / n_tied)
    return 100 * np.cumsum(np.cumsum(steps))[:gallery_size] / len(n_better)


def curves(ranks: pa.Table) -> dict[tuple[str, str], np.ndarray]:
    """Return the recall curves of every seed: (direction, method) -> (seeds, N)."""
    columns = {
        name: ranks[name].to_numpy() for name in ("seed", "n_better", "n_tied", "gallery_size")
    }
    rows: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    for row, key in enumerate(
        zip(
            ranks["direction"].to_pylist(),
            ranks["method"].to_pylist(),
            ranks["seed"].to_pylist(),
            strict=True,
        )
    ):
        rows[key].append(row)
    found: dict[tuple[str, str], list[np.ndarray]] = defaultdict(list)
    for direction, method, seed in sorted(rows):
        chosen = rows[direction, method, seed]
        found[direction, method].append(
            recall_curve(
                columns["n_better"][chosen],
                columns["n_tied"][chosen],
                int(columns["gallery_size"][chosen[0]]),
            )
        )
    return {key: np.stack(values) for key, values in found.items()}


def _cut_offs(gallery_size: int) -> np.ndarray:
    """Return the ranks that are drawn: all the first ones, then evenly on the logarithmic axis."""
    return np.unique(np.geomspace(1, gallery_size, 160).round().astype(int))


def draw(figure: Figure, ranks: pa.Table, metrics: Sequence[Mapping]) -> None:
    """Draw one panel a direction: a line a method, the range over seeds, and R@1 with interval.

    Args:
        figure: an empty figure.
        ranks: the ranks table.
        metrics: rows of the metrics table, for the intervals of R@1.
    """
    found = curves(ranks)
    methods = method_order({method for _, method in found})
    intervals = {
        (row["direction"], row["method"]): row
        for row in metrics
        if row["metric"] == "R@1" and row["seed"] is None and row["ci_low"] is not None
    }
    panels = figure.subplots(2, 3, sharex=True, sharey=True)
    size = max(values.shape[1] for values in found.values())
    share = 100 * _cut_offs(size) / size
    for panel, direction in zip(panels.flat, DIRECTIONS, strict=True):
        panel.set_title(direction_label(direction))
        panel.plot(share, share, color=METHOD_COLOURS["chance"], ls=(0, (4, 3)), lw=1.2)
        for number, method in enumerate(methods):
            if (direction, method) not in found:
                continue
            values = found[direction, method]
            at_k = _cut_offs(values.shape[1])
            x = 100 * at_k / values.shape[1]
            values = values[:, at_k - 1]
            colour = METHOD_COLOURS.get(method, MUTED)
            panel.fill_between(x, values.min(0), values.max(0), color=colour, alpha=0.18, lw=0)
            panel.plot(x, values.mean(0), color=colour, lw=1.6)
            row = intervals.get((direction, method))
            if row is not None:
                at = x[0] * 0.9 ** (len(methods) - number)
                panel.plot([at, at], [row["ci_low"], row["ci_high"]], color=colour, lw=1.2)
                panel.plot(at, row["value"], "o", ms=2.6, color=colour)
        panel.set_xscale("log")
        panel.set_xlim(right=115)
        panel.set_ylim(-1.5, 101.5)
        grid(panel, "both")
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        panel.grid(visible=False, which="minor")
        panel.tick_params(which="minor", length=0)
    figure.supxlabel("first k items of the gallery, percent of N (logarithmic)", fontsize=8.5)
    figure.supylabel("queries whose right answer is among them, percent", fontsize=8.5)
    lines = [
        Line2D([], [], color=METHOD_COLOURS.get(method, MUTED), lw=2.2, label=method_label(method))
        for method in methods
    ]
    lines.append(
        Line2D(
            [],
            [],
            color=METHOD_COLOURS["chance"],
            lw=1.4,
            ls=(0, (4, 3)),
            label=f"Chance, N = {size}",
        )
    )
    figure.legend(handles=lines, loc="outside upper center", ncols=4, handlelength=1.6)
