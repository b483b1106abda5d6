"""From drawn pages to strips: PNG bytes and notehead positions in pixels."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ugaar.render.batch import Failure
from ugaar.render.engrave import Engraving, Layout
from ugaar.render.lilypond import Engraved

PNG_COMPRESSION = 6
INK = 128
"""Darker pixels are ink."""


def beyond_strip(engraving: Engraving, layout: Layout) -> Failure | None:
    """Return a failure where a notehead would lie outside the strip, unseen."""
    reach_px = (max(map(abs, engraving.staff_positions)) + 1) / 2 * layout.pixels_per_space
    if reach_px <= layout.height_px / 2:
        return None
    return Failure(
        "beyond-strip",
        f"a note lies {reach_px:.0f} px from the middle of a strip {layout.height_px} px high",
    )


def png(image: NDArray[np.uint8]) -> bytes:
    """Return an image as PNG; equal images give equal bytes."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=PNG_COMPRESSION)
    return buffer.getvalue()


def sheet_row(
    sheet_key: str, image: NDArray[np.uint8], engraved: Engraved, layout: Layout
) -> dict | Failure:
    """Return a row of the sheet table, or why there is none.

    Args:
        sheet_key: content key.
        image: the drawn page (height, width).
        engraved: LilyPond's noteheads.
        layout: size of the strip.
    """
    height, width = image.shape
    if height != layout.height_px:
        return Failure("wrong-size", f"drawn {height} px high, expected {layout.height_px}")
    xs_px = [layout.margin_px + x * layout.pixels_per_space for x in engraved.head_x_spaces]
    if not (image < INK).any() or not all(0 <= x < width for x in xs_px):
        return Failure("blank-strip", f"no ink, or noteheads outside of {width} px")
    return {
        "sheet_key": sheet_key,
        "png": png(image),
        "width_px": width,
        "height_px": height,
        "staff_y_px": height / 2,
        "note_index": list(engraved.note_index),
        "notehead_x_px": xs_px,
    }
