"""A tower over crops of one wide image that overlap: what they have in common is computed once.

The first two blocks run over the whole image; only the columns at a crop's two ends, where its zero
padding differs from the image, are computed for each crop of width w:

    crop at column a = 2 b + q, b = 2 c + r
    block 1: pooled columns 0 and w/2 - 1 are the crop's own, the others are b + 1 ... of phase q
    block 2: pooled columns 0, 1, w/4 - 2 and w/4 - 1 are its own, the others are c + 2 ... of
        phase (q, r)

(pooling by 2 makes two phases of each map). Blocks 3 and 4 run crop by crop.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ugaar.features.fast_convolution import FastBlock, FastTower

WIDTH_UNIT = 4
"""Widths of crops that can be shared are multiples of this."""

LEAST_WIDTH = 24
"""Narrower crops are all ends."""

_CHUNK = 25
_WIDTH_STEP = 64


def outputs_of_crops(tower: FastTower, image: Tensor, starts: np.ndarray, width: int) -> Tensor:
    """Return the tower's output for crops of an image, as if they came one by one.

    Args:
        tower: the tower.
        image: (1, 1, h, w), prepared by the tower.
        starts: (n,) first columns of the crops, at most w - `width`.
        width: columns of a crop: a multiple of `WIDTH_UNIT`, at least `LEAST_WIDTH`.

    Returns:
        float32, shape (n, CODE_SIZE).
    """
    maps = _maps_after_block_2(tower, image, starts, width)
    codes = []
    for start in range(0, len(starts), _CHUNK):
        chunk = maps[start : start + _CHUNK]
        for block in tower.blocks[2:]:
            chunk = block(chunk)
        codes.append(tower.head(chunk)[:, :, 0, 0])
    return torch.cat(codes)


def widened(image: Tensor, least: int, value: float) -> Tensor:
    """Add `least` or more columns of a value, up to a multiple of 64.

    The library compiles a kernel for each new shape (about 10 ms): few shapes are better.
    """
    width = -(-(image.shape[3] + least) // _WIDTH_STEP) * _WIDTH_STEP
    return functional.pad(image, (0, width - image.shape[3]), value=value)


def _maps_after_block_2(tower: FastTower, image: Tensor, starts: np.ndarray, width: int) -> Tensor:
    first, second = tower.blocks[:2]
    crops, half, quarter = len(starts), width // 2, width // 4
    whole = first.convolve(image)
    phases = [first.pool(whole[..., phase:]) for phase in (0, 1)]
    # Four columns in, two pooled out; of these, the outer one is as in the crop.
    own = _side_by_side(
        first,
        [image[..., a : a + 4] for a in starts]
        + [image[..., a + width - 4 : a + width] for a in starts],
    )
    left, right = own[:crops, ..., :1], own[crops:, ..., 1:]

    whole_phases = [second.convolve(maps) for maps in phases]
    phases_2 = [[second.pool(maps[..., phase:]) for phase in (0, 1)] for maps in whole_phases]
    # Six columns in, three pooled out; of these, the outer two are as in the crop.
    pieces = []
    for i, a in enumerate(starts):
        pieces += [left[i : i + 1], phases[a % 2][..., a // 2 + 1 : a // 2 + 6]]
    for i, a in enumerate(starts):
        pieces += [phases[a % 2][..., a // 2 + half - 6 : a // 2 + half - 1], right[i : i + 1]]
    own = _side_by_side(second, pieces, 2)
    maps = torch.empty(
        (crops, own.shape[1], own.shape[2], quarter),
        dtype=own.dtype,
        memory_format=torch.channels_last,
    )
    maps[..., :2] = own[:crops, ..., :2]
    maps[..., quarter - 2 :] = own[crops:, ..., 1:]
    for i, a in enumerate(starts):
        inner = phases_2[a % 2][a // 2 % 2]
        maps[i, ..., 2 : quarter - 2] = inner[0, ..., a // 4 + 2 : a // 4 + quarter - 2]
    return maps


def _side_by_side(block: FastBlock, pieces: list[Tensor], pieces_each: int = 1) -> Tensor:
    """Pass narrow images through a block as one wide image with two zero columns after each.

    Convolutions of few columns cost several times more per column than those of many.

    Args:
        block: the block.
        pieces: images (1, c, h, w) of an even width, each in `pieces_each` parts.
        pieces_each: number of parts that make one image.

    Returns:
        The block's output for each image, shape (n, outputs, h // 2, w // 2).
    """
    width = sum(piece.shape[3] for piece in pieces[:pieces_each])
    images = torch.cat(pieces, dim=3).unflatten(3, (-1, width))
    wide = functional.pad(images, (0, 2)).flatten(3).contiguous(memory_format=torch.channels_last)
    maps = block.pool(block.convolve_zeroed(wide, slice(width, width + 2)))
    return maps.unflatten(3, (-1, width // 2 + 1))[0, ..., :-1].permute(2, 0, 1, 3)
