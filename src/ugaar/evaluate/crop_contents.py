"""Hashes of what a network sees of the sheet: the crop around each notehead.

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
    found = {}
    for piece, note, x_px in places:
        if piece not in rows_of:
            continue
        first, count = rows_of[piece]
        left = int(np.floor(x_px / 2 + 0.5 - CROP_COLUMNS / 2))
        columns = np.arange(left, left + CROP_COLUMNS)
        crop = np.array(strips[first + np.clip(columns, 0, count - 1)])
        crop[(columns < 0) | (columns >= count)] = PAPER
        found[piece, note] = hashlib.sha256(crop.tobytes()).hexdigest()[:16]
    return found
