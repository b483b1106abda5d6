"""Other looks of an engraved crop: another size, turned paper, a blurred scan."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

PAPER = 255
_BLUR_RADIUS = 4.0
"""The Gaussian is cut off at so many standard deviations."""


@dataclass(frozen=True)
class Look:
    """How the engraving around a notehead is changed.

    Attributes:
        scale: size, a factor (1.15: everything is 15 % larger).
        rotate: degrees counterclockwise about the notehead's place on the middle staff line.
        blur: standard deviation of a Gaussian, pixels at full resolution.
    """

    scale: float = 1.0
    rotate: float = 0.0
    blur: float = 0.0


PLAIN = Look()


def looked_at(
    pick: Callable[[NDArray[np.int64]], NDArray[np.uint8]],
    centre: NDArray[np.int64],
    size: tuple[int, int],
    look: Look,
) -> NDArray[np.float32]:
    """Return crops of strips that look otherwise, by bilinear interpolation.

    Args:
        pick: returns columns (n, width, strip height) of n strips for their numbers (n, width);
            paper outside the strips.
        centre: column that comes to lie right of the middle of each crop, shape (n,).
        size: height and width of the crops, pixels at half resolution.
        look: the look.

    Returns:
        float32, shape (n, 1, height, width), paper = 1. The plain look gives the plain crops.
    """
    sigma = look.blur / 2.0  # strips are at half resolution
    margin = math.ceil(_BLUR_RADIUS * sigma)
    height, width = (side + 2 * margin for side in size)
    # A pixel's centre is half a pixel from its corner; offsets are from the middle of the crop.
    down, right = np.meshgrid(
        np.arange(height) + 0.5 - height / 2, np.arange(width) + 0.5 - width / 2, indexing="ij"
    )
    turn = math.radians(look.rotate)
    source_right = (right * math.cos(turn) - down * math.sin(turn)) / look.scale
    source_down = (right * math.sin(turn) + down * math.cos(turn)) / look.scale
    reach = math.ceil(float(np.abs(source_right).max())) + 1
    neighbourhood = pick(centre[:, None] + np.arange(-reach, reach))
    strip_height = neighbourhood.shape[2]
    crops = _bilinear(
        np.ascontiguousarray(neighbourhood.transpose(0, 2, 1)),
        source_down + strip_height / 2 - 0.5,
        source_right + reach - 0.5,
    )
    if sigma > 0:
        crops = scipy.ndimage.gaussian_filter(
            crops, sigma, axes=(1, 2), truncate=_BLUR_RADIUS, mode="nearest"
        )
        crops = crops[:, margin : height - margin, margin : width - margin]
    return (crops / np.float32(PAPER))[:, None]


def _bilinear(
    images: NDArray[np.uint8], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Sample images (n, h, w) at rows and columns of one shape; paper above and below."""
    n, height, width = images.shape
    top, left = np.floor(rows).astype(np.int64), np.floor(columns).astype(np.int64)
    found = np.zeros((n, *rows.shape), dtype=np.float32)
    flat = images.reshape(n, -1)
    for row, row_weight in ((top, 1.0 - (rows - top)), (top + 1, rows - top)):
        for column, column_weight in ((left, 1.0 - (columns - left)), (left + 1, columns - left)):
            weight = (row_weight * column_weight).astype(np.float32)
            inside = (row >= 0) & (row < height)
            places = np.clip(row, 0, height - 1) * width + np.clip(column, 0, width - 1)
            found += np.where(inside, flat[:, places], np.uint8(PAPER)) * weight
    return found
