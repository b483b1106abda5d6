"""Figures small enough to be kept beside the results page."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from ugaar.errors import DataError

LARGEST_BYTES = 150_000

_COLOURS = (256, 64)
_LEAST_WIDTH_PX = 400


def small_png(path: Path, largest: int = LARGEST_BYTES) -> bytes:
    """Return a PNG of at most so many bytes: as it is, with fewer colours, or smaller.

    Args:
        path: a PNG file.
        largest: size limit, bytes.

    Returns:
        The bytes of the file to write; the same for the same file.

    Raises:
        DataError: the file is no image, or does not get small enough.
    """
    return shrunk(path.read_bytes(), str(path), largest)


def shrunk(found: bytes, name: str, largest: int = LARGEST_BYTES) -> bytes:
    """Return an image as `small_png` does.

    Args:
        found: the content of a PNG file.
        name: what it is called in errors.
        largest: size limit, bytes.

    Raises:
        DataError: it is no image, or does not get small enough.
    """
    if len(found) <= largest:
        return found
    try:
        image = Image.open(io.BytesIO(found)).convert("RGB")
    except OSError as error:
        raise DataError(f"{name}: not a readable image ({error}); draw it again") from error
    while image.width >= _LEAST_WIDTH_PX:
        for colours in _COLOURS:
            buffer = io.BytesIO()
            image.quantize(colours, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
            if buffer.tell() <= largest:
                return buffer.getvalue()
        smaller = (image.width * 3 // 4, image.height * 3 // 4)
        image = image.resize(smaller, Image.Resampling.LANCZOS)
    raise DataError(f"{name}: larger than {largest} bytes even when made small; draw less in it")
