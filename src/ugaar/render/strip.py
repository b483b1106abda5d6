"""From drawn pages to strips: PNG bytes and notehead positions in pixels."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ugaar.render.batch import Failure
from ugaar.render.layout import Layout

PNG_COMPRESSION = 6
INK = 128
"""Darker pixels are ink."""


def beyond_strip(staff_positions: Sequence[int], layout: Layout) -> Failure | None:
    """Return a failure where a notehead would lie outside the strip, unseen.

    Args:
        staff_positions: position of each head in half staff spaces above the middle line.
        layout: size of the strip, or of a staff's share of it.
    """
    farthest = max(map(abs, staff_positions))
    if farthest <= layout.reach:
        return None
    reach_px = (farthest + 1) / 2 * layout.pixels_per_space
    return Failure(
        "beyond-strip",
        f"a note lies {reach_px:.0f} px from the middle of a strip {layout.height_px:g} px high",
    )


def png(image: NDArray[np.uint8]) -> bytes:
    """Return an image as PNG; equal images give equal bytes."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=PNG_COMPRESSION)
    return buffer.getvalue()


def sheet_row(
    sheet_key: str,
    image: NDArray[np.uint8],
    note_index: Sequence[int],
    head_x_px: Sequence[float],
    layout: Layout,
) -> dict | Failure:
    """Return a row of the sheet table, or why there is none.

    Args:
        sheet_key: content key.
        image: the drawn strip (height, width).
        note_index: number of the note that each head stands for, in order of time,
            staff and height.
        head_x_px: centre of each head in pixels from the left end of the strip.
        layout: size of the strip.
    """
    height, width = image.shape
    if height != layout.height_px:
        return Failure("wrong-size", f"drawn {height} px high, expected {layout.height_px}")
    if not (image < INK).any() or not all(0 <= x < width for x in head_x_px):
        return Failure("blank-strip", f"no ink, or noteheads outside of {width} px")
    return {
        "sheet_key": sheet_key,
        "png": png(image),
        "width_px": width,
        "height_px": height,
        "staff_y_px": height / 2,
        "note_index": list(note_index),
        "notehead_x_px": list(head_x_px),
    }
