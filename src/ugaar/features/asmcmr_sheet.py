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

from ugaar.features.fast_convolution import FastTower
from ugaar.features.strips import crop_starts, halve
from ugaar.models.asmcmr import CROP_WIDTH, AudioSheetEncoder

_CHUNK = 25
_GRID_STEP = 16


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
        maps = self._maps_after_block_2(self._tower.prepare(image), starts)
        codes = []
        for start in range(0, len(starts), _CHUNK):
            chunk = maps[start : start + _CHUNK]
            for block in self._tower.blocks[2:]:
                chunk = block(chunk)
            codes.append(self._tower.head(chunk)[:, :, 0, 0])
        return self._encoder.sheet_codes(torch.cat(codes)).numpy()

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
        # Paper to the right, so that the last crop's codes have a neighbour to interpolate with.
        maps = self._tower.prepare(functional.pad(image, (0, 2 * _GRID_STEP), value=1.0))
        for block in self._tower.blocks:
            maps = block(maps)
        grid = self._tower.head(maps)[0, :, 0].T
        places = torch.from_numpy(starts) / _GRID_STEP
        before = places.floor().long().clamp_max(len(grid) - 2)
        share = (places - before)[:, None].float()
        codes = grid[before] * (1.0 - share) + grid[before + 1] * share
        return self._encoder.sheet_codes(codes).numpy()

    def _maps_after_block_2(self, image: Tensor, starts: np.ndarray) -> Tensor:
        first, second = self._tower.blocks[:2]
        whole = first.convolve(image)
        phases = [first.pool(whole[..., phase:]) for phase in (0, 1)]
        # Four columns in, two pooled out; of these, the outer one is as in the crop.
        ends = [image[..., a : a + 4] for a in starts]
        ends += [image[..., a + CROP_WIDTH - 4 : a + CROP_WIDTH] for a in starts]
        own = first(_stack(ends))
        left, right = own[: len(starts), ..., :1], own[len(starts) :, ..., 1:]

        whole_phases = [second.convolve(maps) for maps in phases]
        phases_2 = [[second.pool(maps[..., phase:]) for phase in (0, 1)] for maps in whole_phases]
        # Six columns in, three pooled out; of these, the outer two are as in the crop.
        left_ends = [
            torch.cat((left[i : i + 1], phases[a % 2][..., a // 2 + 1 : a // 2 + 6]), dim=3)
            for i, a in enumerate(starts)
        ]
        right_ends = [
            torch.cat((phases[a % 2][..., a // 2 + 44 : a // 2 + 49], right[i : i + 1]), dim=3)
            for i, a in enumerate(starts)
        ]
        own = second(_stack(left_ends + right_ends))
        _, channels, rows, _ = own.shape
        maps = torch.empty(
            (len(starts), channels, rows, CROP_WIDTH // 4),
            dtype=own.dtype,
            memory_format=torch.channels_last,
        )
        maps[..., :2] = own[: len(starts), ..., :2]
        maps[..., 23:] = own[len(starts) :, ..., 1:]
        for i, a in enumerate(starts):
            inner = phases_2[a % 2][a // 2 % 2]
            maps[i, ..., 2:23] = inner[0, ..., a // 4 + 2 : a // 4 + 23]
        return maps


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


def _stack(images: list[Tensor]) -> Tensor:
    return torch.cat(images).contiguous(memory_format=torch.channels_last)
