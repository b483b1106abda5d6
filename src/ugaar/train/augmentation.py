"""Random changes of training pairs, a batch at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ugaar.features.spectrogram import FrontEnd


@dataclass(frozen=True)
class Augmentation:
    """Largest random changes of a pair (methods of TISMIR 2018).

    Attributes:
        tempo: relative change of tempo. Paper: performances rendered at 0.9 to 1.1 of the tempo;
            here: frames of one rendering are picked at stretched times, because it costs nothing.
        onset_frames: shift of the excerpt in frames at 20 a second, rounded to whole frames of
            the pool's own front end.
        shift_px: vertical shift of the crop, pixels at full resolution.
        scaling: relative change of the engraving's size.
    """

    tempo: float = 0.1
    onset_frames: float = 1
    shift_px: float = 5
    scaling: float = 0.05


@dataclass(frozen=True)
class Draws:
    """Random changes of n pairs, an array of n each.

    Attributes:
        rendition: number of the rendition.
        rows: shift of the crop downwards, half-resolution pixels.
        scale: half-resolution pixels of the strip for one of the crop.
        frames: shift of the excerpt.
        tempo: factor by which the excerpt plays faster.
    """

    rendition: NDArray[np.int64]
    rows: NDArray[np.float64]
    scale: NDArray[np.float64]
    frames: NDArray[np.int64]
    tempo: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        count: int,
        generator: np.random.Generator,
        augment: Augmentation,
        front_end: FrontEnd,
        renditions: int,
    ) -> Draws:
        """Draw the changes of `count` pairs that have so many renditions."""
        most = round(augment.onset_frames * front_end.frames_per_second / 20)
        return cls(
            rendition=generator.integers(renditions, size=count),
            rows=generator.uniform(-1.0, 1.0, count) * augment.shift_px / 2.0,
            scale=1.0 + generator.uniform(-1.0, 1.0, count) * augment.scaling,
            frames=generator.integers(-most, most, count, endpoint=True),
            tempo=1.0 + generator.uniform(-1.0, 1.0, count) * augment.tempo,
        )
