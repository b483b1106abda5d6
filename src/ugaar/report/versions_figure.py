"""What a shorter code of a shingle costs: precision at 1 and MAP against its length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from ugaar.evaluate.version_metrics import CHANCE, METRICS, WORKS
from ugaar.evaluate.version_printing import LABELS
from ugaar.report.style import BLUE, INK, METHOD_COLOURS, MUTED, VERMILION, grid
from ugaar.versions.scoring import ALL_WORKS, PASSAGES, SHINGLES

_COLOURS = {"raw": INK, "pca": BLUE, "network": VERMILION}
_TITLES = {
    SHINGLES: "any passage",
    PASSAGES: "the same passage",
}


def draw(figure: Figure, metrics: Sequence[Mapping]) -> None:
    """Draw a panel for each metric and each kind of right answer.

    Args:
        figure: an empty figure.
        metrics: rows of the metrics table; those of the gallery of all works are drawn.
    """
    shown = [
        row
        for row in metrics
        if row["gallery"] == ALL_WORKS and row["mean_over"] == WORKS and row["seed"] is None
    ]
    panels = figure.subplots(1, 4, sharex=True)
    places = [(answers, metric) for answers in _TITLES for metric in METRICS]
    for panel, (answers, metric) in zip(panels, places, strict=True):
        rows = [row for row in shown if row["answers"] == answers and row["metric"] == metric]
        panel.set_title(f"{metric}\n{_TITLES[answers]}", fontsize=7.5)
        for system, colour in _COLOURS.items():
            line = sorted(
                (row for row in rows if row["system"] == system), key=lambda row: row["dimensions"]
            )
            lengths = [row["dimensions"] for row in line]
            values = [row["value"] for row in line]
            # Side by side rather than on top of each other.
            shifted = [length * (1.05 if system == "network" else 1.0) for length in lengths]
            panel.plot(shifted, values, "o-", color=colour, lw=1.6, ms=3.5, label=LABELS[system])
            for at, row in zip(shifted, line, strict=True):
                panel.plot([at, at], [row["ci_low"], row["ci_high"]], color=colour, lw=0.9)
        for row in rows:
            if row["system"] == CHANCE:
                panel.axhline(
                    row["value"], color=METHOD_COLOURS["chance"], lw=1.2, ls=(0, (4, 3)),
                    label=LABELS[CHANCE],
                )  # fmt: skip
        panel.set_xscale("log")
        ticks = sorted({row["dimensions"] for row in rows if row["dimensions"]})
        panel.set_xticks(ticks, [str(tick) for tick in ticks], minor=False)
        panel.set_xticks([], minor=True)
        panel.set_ylim(0, 102)
        panel.tick_params(axis="x", labelcolor=MUTED)
        grid(panel)
    figure.supxlabel("numbers in the code of a shingle (logarithmic)", fontsize=8.5)
    figure.supylabel("percent, mean over works", fontsize=8.5)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, handlelength=1.6)
