"""How much audio and sheet share: the canonical correlations behind the ground truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ugaar.report.style import BLUE, MUTED, grid


def draw(figure: Figure, correlations: Sequence[float]) -> None:
    """Draw the correlations of the training fold in falling order.

    Args:
        figure: an empty figure.
        correlations: canonical correlations, 0 to 1.
    """
    values = np.asarray(correlations)
    number = np.arange(1, len(values) + 1)
    panel = figure.subplots()
    panel.vlines(number, 0, values, color=BLUE, lw=2.2, alpha=0.35)
    panel.plot(number, values, "o", color=BLUE, ms=4.5)
    panel.set_ylim(0, 1.04)
    panel.set_xlim(0.2, len(values) + 0.8)
    panel.set_xlabel("canonical component")
    panel.set_ylabel("correlation of audio and sheet")
    grid(panel)
    panel.annotate(
        f"{values[0]:.2f}", (1, values[0]), xytext=(6, 3), textcoords="offset points", color=BLUE
    )
    half = int((values >= 0.5).sum())
    panel.axhline(0.5, color=MUTED, lw=0.9, ls=(0, (4, 3)))
    panel.annotate(
        f"{half} of {len(values)} components at 0.5 or more",
        (len(values) + 0.7, 0.5),
        xytext=(0, 4),
        textcoords="offset points",
        ha="right",
        color=MUTED,
    )
