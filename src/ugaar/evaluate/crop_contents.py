"""What a network sees of the sheet, the crop around each notehead, and hashes of it.

Two crops of equal pixels get equal codes from any network, whatever it has learnt: a bound that
depends on no idea of which notes belong to a snippet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np

PAPER = 255
CROP_COLUMNS = 100
"""Width of the crops of every audio-sheet system, half-resolution pixels."""


def crop_at(
    strips: np.ndarray, rows: tuple[int, int], x_px: float, columns: int = CROP_COLUMNS
) -> np.ndarray:
    """Return the crop around a notehead, shape (columns, 80), uint8; paper outside the strip.

    Args:
        strips: (all columns, 80) uint8, strips at half resolution one after another.
        rows: first row and number of rows of the piece.
        x_px: centre of the notehead in full-resolution pixels.
        columns: width of the crop.
    """
    first, count = rows
    left = int(np.floor(x_px / 2 + 0.5 - columns / 2))
    wanted = np.arange(left, left + columns)
    crop = np.array(strips[first + np.clip(wanted, 0, count - 1)])
    crop[(wanted < 0) | (wanted >= count)] = PAPER
    return crop


def crop_contents(
    strips: np.ndarray,
    rows_of: Mapping[str, tuple[int, int]],
    places: Iterable[tuple[str, int, float]],
) -> dict[tuple[str, int], str]:
    """Return a hash of the crop around each snippet.

    Args:
        strips: (columns, 80) uint8, strips at half resolution one after another.
        rows_of: piece -> its first row and its number of rows.
        places: (piece, note, x of the notehead in full-resolution pixels).

    Returns:
        (piece, note) -> hash; pieces without a strip are left out.
    """
    return {
        (piece, note): hashlib.sha256(crop_at(strips, rows_of[piece], x_px).tobytes()).hexdigest()
        for piece, note, x_px in places
        if piece in rows_of
    }
