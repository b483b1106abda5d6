"""Sheet codes: equally spaced crops of a strip through the sheet tower.

`SheetEncoder.exact` gives the codes that the crops would have one by one. Crops overlap, by 90 % on
a typical strip, so the first two blocks run once over the whole strip; only the columns at a crop's
two ends, where its zero padding differs from the strip's ink, are computed for each crop:

    crop at half-resolution column a = 2 b + q, b = 2 c + r
    block 1: pooled column 0 and 49 are the crop's own, 1-48 are columns b + 1 ... of phase q
    block 2: pooled columns 0, 1, 23 and 24 are its own, 2-22 are columns c + 2 ... of phase (q, r)

(pooling by 2 makes two phases of each map). Blocks 3 and 4 run crop by crop.

`SheetEncoder.shared` also runs those over the whole strip and interpolates between codes 16 columns
apart. Padding and pooling phases then differ from the crops', so the codes do too.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ugaar.features.fast_convolution import FastBlock, FastTower
from ugaar.features.strips import crop_starts, halve
from ugaar.models.asmcmr import CODE_SIZE, CROP_WIDTH, AudioSheetEncoder

_CHUNK = 25
_GRID_STEP = 16
_WIDTH_STEP = 64


class SheetEncoder:
    """Turns strips into unit-length codes of the common space.

    Args:
        encoder: the audio-sheet encoder, in evaluation mode on the CPU.
        crops: number of crops along a strip.
        precision: torch.float32 or torch.bfloat16.
    """

    def __init__(self, encoder: AudioSheetEncoder, crops: int, precision: torch.dtype) -> None:
        self._encoder = encoder
        self._crops = crops
        self._tower = FastTower(encoder.sheet, precision)
        self._bias = torch.zeros(CODE_SIZE)
        if precision != torch.float32:
            self._bias = self._rounding_bias()

    def _rounding_bias(self) -> Tensor:
        """Return the mean error of the tower's output on a drawn strip.

        Paper is one constant, so rounding errs on most pixels alike, and errors that agree add up:
        they move all codes by nearly the same vector, which a drawn strip shows as well as any.
        """
        image, rough = as_image(_drawn_strip()), self._tower
        starts = crop_starts(image.shape[3], self._crops)
        self._tower = FastTower(self._encoder.sheet, torch.float32)
        fine = self._crop_outputs(image, starts)
        self._tower = rough
        return (self._crop_outputs(image, starts) - fine).mean(dim=0)

    @torch.inference_mode()
    def exact(self, strip: np.ndarray) -> np.ndarray:
        """Return the codes of a strip's crops, sharing what overlapping crops have in common.

        Args:
            strip: grey values, uint8, shape (160, width), paper = 255.

        Returns:
            float32, shape (crops, 32).
        """
        image = as_image(strip)
        starts = crop_starts(image.shape[3], self._crops)
        codes = self._crop_outputs(image, starts) - self._bias
        return self._encoder.sheet_codes(codes).numpy()

    @torch.inference_mode()
    def _crop_outputs(self, image: Tensor, starts: np.ndarray) -> Tensor:
        """Return the tower's output (n, 32) for the crops of an image (1, 1, 80, width)."""
        maps = self._maps_after_block_2(self._tower.prepare(_widened(image, 0)), starts)
        codes = []
        for start in range(0, len(starts), _CHUNK):
            chunk = maps[start : start + _CHUNK]
            for block in self._tower.blocks[2:]:
                chunk = block(chunk)
            codes.append(self._tower.head(chunk)[:, :, 0, 0])
        return torch.cat(codes)

    @torch.inference_mode()
    def shared(self, strip: np.ndarray) -> np.ndarray:
        """Return codes from one pass over the whole strip; see the module's text.

        Args:
            strip: grey values, uint8, shape (160, width), paper = 255.

        Returns:
            float32, shape (crops, 32).
        """
        image = as_image(strip)
        starts = crop_starts(image.shape[3], self._crops)
        # The last crop's code needs a right neighbour to interpolate with.
        maps = self._tower.prepare(_widened(image, 2 * _GRID_STEP))
        for block in self._tower.blocks:
            maps = block(maps)
        grid = self._tower.head(maps)[0, :, 0].T
        places = torch.from_numpy(starts) / _GRID_STEP
        before = places.floor().long().clamp_max(len(grid) - 2)
        share = (places - before)[:, None].float()
        codes = grid[before] * (1.0 - share) + grid[before + 1] * share
        return self._encoder.sheet_codes(codes - self._bias).numpy()

    def _maps_after_block_2(self, image: Tensor, starts: np.ndarray) -> Tensor:
        first, second = self._tower.blocks[:2]
        crops = len(starts)
        whole = first.convolve(image)
        phases = [first.pool(whole[..., phase:]) for phase in (0, 1)]
        # Four columns in, two pooled out; of these, the outer one is as in the crop.
        own = _side_by_side(
            first,
            [image[..., a : a + 4] for a in starts]
            + [image[..., a + CROP_WIDTH - 4 : a + CROP_WIDTH] for a in starts],
        )
        left, right = own[:crops, ..., :1], own[crops:, ..., 1:]

        whole_phases = [second.convolve(maps) for maps in phases]
        phases_2 = [[second.pool(maps[..., phase:]) for phase in (0, 1)] for maps in whole_phases]
        # Six columns in, three pooled out; of these, the outer two are as in the crop.
        pieces = []
        for i, a in enumerate(starts):
            pieces += [left[i : i + 1], phases[a % 2][..., a // 2 + 1 : a // 2 + 6]]
        for i, a in enumerate(starts):
            pieces += [phases[a % 2][..., a // 2 + 44 : a // 2 + 49], right[i : i + 1]]
        own = _side_by_side(second, pieces, 2)
        maps = torch.empty(
            (crops, own.shape[1], own.shape[2], CROP_WIDTH // 4),
            dtype=own.dtype,
            memory_format=torch.channels_last,
        )
        maps[..., :2] = own[:crops, ..., :2]
        maps[..., 23:] = own[crops:, ..., 1:]
        for i, a in enumerate(starts):
            inner = phases_2[a % 2][a // 2 % 2]
            maps[i, ..., 2:23] = inner[0, ..., a // 4 + 2 : a // 4 + 23]
        return maps


def _drawn_strip() -> np.ndarray:
    """Return a staff with 30 noteheads and stems in a zigzag, uint8, shape (160, 860)."""
    strip = np.full((160, 860), 255, dtype=np.uint8)
    strip[66:95:7, 90:-90] = 0
    for note in range(30):
        x, y = 108 + 22 * note, 52 + 4 * (7 * note % 15)
        strip[y - 3 : y + 4, x - 5 : x + 5] = 0
        strip[y - 25 : y, x + 4] = 0
    return strip


def _widened(image: Tensor, least: int) -> Tensor:
    """Add `least` or more columns of paper, up to a multiple of 64.

    The library compiles a kernel for each new shape (about 10 ms): few shapes are better.
    """
    width = -(-(image.shape[3] + least) // _WIDTH_STEP) * _WIDTH_STEP
    return functional.pad(image, (0, width - image.shape[3]), value=1.0)


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


def as_image(strip: np.ndarray) -> Tensor:
    """Return a strip at half resolution, paper = 1, as float32 of shape (1, 1, 80, width // 2).

    Paper: a crop is cut, then halved; here: the strip is halved, then crops are cut, because all
    crops then share one pixel grid. Their places differ by one pixel at most.
    """
    return torch.from_numpy(halve(strip))[None, None].float() / 255.0


@torch.inference_mode()
def codes_one_by_one(encoder: AudioSheetEncoder, strip: np.ndarray, crops: int) -> np.ndarray:
    """Return the codes of a strip by the plain network, a crop at a time: the slow reference.

    Args:
        encoder: the audio-sheet encoder, in evaluation mode on the CPU.
        strip: grey values, uint8, shape (160, width), paper = 255.
        crops: number of crops.

    Returns:
        float32, shape (crops, 32).
    """
    image = as_image(strip)
    codes = [
        encoder.sheet(image[..., start : start + CROP_WIDTH])
        for start in crop_starts(image.shape[3], crops)
    ]
    return encoder.sheet_codes(torch.cat(codes)).numpy()
