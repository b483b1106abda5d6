"""Engraved strips as arrays: decoding, halving and the places of crops."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, UnidentifiedImageError

from ugaar.errors import DataError

CROP_HEIGHT_PX, CROP_WIDTH_PX = 160, 200
"""Sheet crop of the ASMCMR model at full resolution."""


def decode_strip(png: bytes, name: str) -> np.ndarray:
    """Return a strip's grey values.

    Args:
        png: an 8-bit greyscale PNG.
        name: its key, for the error.

    Returns:
        uint8, shape (height, width), paper = 255.

    Raises:
        DataError: the bytes are no image, or the strip is smaller than a crop.
    """
    try:
        with Image.open(io.BytesIO(png)) as image:
            strip = np.asarray(image.convert("L"))
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise DataError(f"strip {name}: not a readable PNG ({error}); render it again") from error
    if strip.shape[0] != CROP_HEIGHT_PX or strip.shape[1] < CROP_WIDTH_PX:
        raise DataError(
            f"strip {name}: {strip.shape[1]} x {strip.shape[0]} px, but crops of the encoder are "
            f"{CROP_WIDTH_PX} x {CROP_HEIGHT_PX}; set sheet.height_px to {CROP_HEIGHT_PX}"
        )
    return strip


def halve(strip: np.ndarray) -> np.ndarray:
    """Return an image at half resolution: means of 2 x 2 pixels, rounded half up.

    Args:
        strip: uint8, shape (height, width); an odd last row or column is dropped.

    Returns:
        uint8, shape (height // 2, width // 2).
    """
    height, width = (side // 2 * 2 for side in strip.shape)
    even = strip[:height, :width].astype(np.uint16)
    sums = even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
    return ((sums + 2) // 4).astype(np.uint8)


def crop_starts(width: int, crops: int) -> np.ndarray:
    """Return the left columns of equally spaced crops, from the first to the last possible one.

    Args:
        width: width of the strip at half resolution.
        crops: number of crops.

    Returns:
        int64, shape (crops,), from 0 to width - CROP_WIDTH_PX // 2.
    """
    return np.linspace(0, width - CROP_WIDTH_PX // 2, crops).astype(np.int64)
