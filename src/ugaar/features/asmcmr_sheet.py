"""Sheet codes: equally spaced crops of a strip through the sheet tower.

`SheetEncoder.exact` gives the codes that the crops would have one by one. Crops overlap, by 90 % on
a typical strip, so the first two blocks run once over the whole strip (see
`ugaar.features.overlapping`); blocks 3 and 4 run crop by crop.

`SheetEncoder.shared` also runs those over the whole strip and interpolates between codes 16 columns
apart. Padding and pooling phases then differ from the crops', so the codes do too.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ugaar.features.fast_convolution import FastTower
from ugaar.features.overlapping import outputs_of_crops, widened
from ugaar.features.strips import crop_starts, halve
from ugaar.models.systems.cca_layer import CROP_WIDTH, AudioSheetEncoder
from ugaar.models.towers import CODE_SIZE

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
        return outputs_of_crops(
            self._tower, self._tower.prepare(widened(image, 0, 1.0)), starts, CROP_WIDTH
        )

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
        maps = self._tower.prepare(widened(image, 2 * _GRID_STEP, 1.0))
        for block in self._tower.blocks:
            maps = block(maps)
        grid = self._tower.head(maps)[0, :, 0].T
        places = torch.from_numpy(starts) / _GRID_STEP
        before = places.floor().long().clamp_max(len(grid) - 2)
        share = (places - before)[:, None].float()
        codes = grid[before] * (1.0 - share) + grid[before + 1] * share
        return self._encoder.sheet_codes(codes - self._bias).numpy()


def _drawn_strip() -> np.ndarray:
    """Return a staff with 30 noteheads and stems in a zigzag, uint8, shape (160, 860)."""
    strip = np.full((160, 860), 255, dtype=np.uint8)
    strip[66:95:7, 90:-90] = 0
    for note in range(30):
        x, y = 108 + 22 * note, 52 + 4 * (7 * note % 15)
        strip[y - 3 : y + 4, x - 5 : x + 5] = 0
        strip[y - 25 : y, x + 4] = 0
    return strip


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
