"""Outlines and lines as pixels, by the Agg library inside matplotlib."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.transforms import IdentityTransform
from numpy.typing import NDArray

from ugaar.render.layout import Layout
from ugaar.render.verovio_drawing import Drawing


def draw(drawing: Drawing, layout: Layout) -> NDArray[np.uint8]:
    """Return a drawing as a strip (height, width), 255 = white.

    Agg inks each pixel by the share of it that a shape covers. One call draws all shapes, which is
    several times as fast as an SVG library: that encodes colours as PNG, to be decoded again.

    Args:
        drawing: what to draw.
        layout: size of the strip.
    """
    scale = layout.pixels_per_space / drawing.staff_space
    width = math.ceil(2 * layout.margin_px + (drawing.right - drawing.left) * scale)
    # Agg counts y upwards.
    base = np.array(
        [
            [scale, 0, layout.margin_px - drawing.left * scale],
            [0, -scale, layout.height_px / 2 + drawing.middle_y * scale],
            [0, 0, 1],
        ]
    )
    shapes = drawing.shapes
    own = np.zeros((len(shapes), 3, 3))
    own[:, [0, 1], [0, 1]] = [shape.scale for shape in shapes]
    own[:, :2, 2] = [shape.place for shape in shapes]
    own[:, 2, 2] = 1
    ink = np.array([0.0, 0.0, 0.0, 1.0])
    canvas: Any = RendererAgg(width, layout.height_px, 72.0)
    context = canvas.new_gc()
    # Never moved to whole pixels: notes keep the places that are stored with the strip.
    context.set_snap(False)
    canvas.draw_path_collection(
        context,
        IdentityTransform(),
        [shape.outline for shape in shapes],
        base @ own,
        np.zeros((1, 2)),
        IdentityTransform(),
        np.outer([shape.filled for shape in shapes], ink),
        np.outer([shape.stroke > 0 for shape in shapes], ink),
        [shape.stroke * scale for shape in shapes],
        [(0.0, None)],
        [True],
        [None],
        "screen",
        hatchcolors=np.zeros((0, 4)),
    )
    return np.ascontiguousarray(255 - np.asarray(canvas.buffer_rgba())[:, :, 3])
