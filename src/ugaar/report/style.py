"""One look for all figures, and files that are the same byte for byte on every run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ugaar.atomic import atomic_path

WIDTH_IN = 8.0
DPI = 150
"""8 in x 150 dpi: PNG files are 1200 px wide."""

INK, MUTED, FAINT = "#1b2330", "#6c7686", "#dfe4ec"
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"

# The palette of Okabe and Ito, which keeps its contrasts for colour-blind readers.
METHOD_COLOURS = {
    "chance": "#8a94a6",
    "random": "#b3b9c4",
    "untrained": "#CC79A7",
    "cca": "#0072B2",
    "cca-asmcmr": "#56B4E9",
    "baseline": "#E69F00",
    "baseline-longer": "#a97400",
    "baseline-gan": "#D55E00",
    "ugaar": "#009E73",
}
CYCLE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6c7686")

_SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "lines.solid_capstyle": "round",
    "svg.hashsalt": "ugaar",
}


@contextmanager
def new_figure(height_in: float) -> Iterator[Figure]:
    """Yield an empty figure of the common width and look; no window system is needed.

    Args:
        height_in: height in inches.
    """
    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(WIDTH_IN, height_in), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write a figure as PNG and SVG, without dates or program versions.

    Args:
        figure: the figure, still inside `new_figure`.
        folder: where the files go.
        name: stem of the file names.
    """
    metadata: dict[str, dict[str, Any]] = {
        "png": {"Software": None},
        "svg": {"Date": None, "Creator": None},
    }
    _settle_layout(figure)
    for suffix, fields in metadata.items():
        with atomic_path(folder / f"{name}.{suffix}") as path:
            figure.savefig(path, format=suffix, metadata=fields)


def _settle_layout(figure: Figure) -> None:
    """Round the places of all axes: the solver of the layout varies in the last digits."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        left, bottom, width, height = axes.get_position(original=True).bounds
        axes.set_position((round(left, 6), round(bottom, 6), round(width, 6), round(height, 6)))


def grid(axes: Axes, axis: Literal["both", "x", "y"] = "y") -> None:
    """Draw faint grid lines across an axis (x, y or both) and drop its tick marks."""
    axes.grid(visible=True, axis=axis)
    axes.tick_params(length=0)
