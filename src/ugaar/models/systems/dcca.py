"""Deep CCA of score snippets and spectrogram excerpts (Dorfer, Arzt and Widmer, 2016).

Two VGG-style towers with 32 outputs each are trained to maximise the sum of the canonical
correlations of a batch; CCA is then refitted on many training codes, and cosine similarity ranks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from ugaar.models.system import AudioSheetSystem
from ugaar.models.towers import CODE_SIZE, Tower, initialise
from ugaar.models.trace_norm import trace_norm
from ugaar.train.pair_pool import Shape

# Feature maps of the four blocks, frames of an excerpt (at 31.25 a second) and the value added to
# the diagonals of the covariances; and the training, where the paper's differs from other systems'.
OPTIONS = {
    "maps": [16, 32, 64, 64],
    "frames": 100,
    "ridge": 0.001,
    "optimiser": "sgd",
    "learning_rate": 0.1,
    "schedule": "halving",
}

FRONT_END = "31fps"

CROP_HEIGHT, CROP_WIDTH = 40, 100
"""Sheet crop: the middle 40 rows of the strip at half resolution."""

SPECTROGRAM_BINS = 136


class DeepCCA(AudioSheetSystem):
    """Two towers with global average pooling and the trace-norm objective.

    Args:
        maps: feature maps of the four blocks.
        frames: spectrogram frames of an excerpt.
        ridge: added to the diagonal of both covariances.
    """

    def __init__(self, maps: Sequence[int], frames: int, ridge: float) -> None:
        super().__init__(Shape(CROP_HEIGHT, CROP_WIDTH, frames), FRONT_END, CODE_SIZE, ridge)
        self.sheet = Tower(maps, CROP_HEIGHT, CROP_WIDTH, "gap", code_norm=True)
        self.audio = Tower(maps, SPECTROGRAM_BINS, frames, "gap", code_norm=True)

    def loss(self, sheet: Tensor, audio: Tensor) -> Tensor:
        """Return minus the mean canonical correlation of a batch's codes (n, 32).

        Paper: the sum; here: the mean, as the authors' released code has it, which divides the
        effective learning rate by 32.
        """
        return -trace_norm(sheet, audio, self.cca.ridge) / sheet.shape[1]


def build(options: Mapping[str, Any], seed: int) -> DeepCCA:
    """Return the system with random weights.

    Args:
        options: a value for each key of OPTIONS.
        seed: seed of the weights.
    """
    system = DeepCCA(options["maps"], options["frames"], options["ridge"])
    initialise(system, seed)
    return system
