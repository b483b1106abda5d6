"""CNN with a CCA layer on top (Dorfer et al., ISMIR 2017, TISMIR 2018, IJMIR 2018).

Two towers to 32-d codes, which the CCA layer projects into the common space; gradients of a
pairwise ranking loss flow through the projections. It is also the audio-sheet encoder (ASMCMR)
whose codes the three-modalities task takes as features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor
from torch.nn import functional

from ugaar.models.cca_layer import RIDGE
from ugaar.models.ranking_losses import PairLoss
from ugaar.models.system import AudioSheetSystem
from ugaar.models.towers import CODE_SIZE, Tower, initialise
from ugaar.train.pair_pool import Shape

# Feature maps of the four blocks; frames of an excerpt: 42, 84, 168 for CNN-2s, 4s, 8s; head: dense
# (ISMIR 2019) or gap (TISMIR 2018); loss: ranking with a margin, contrastive with a temperature.
OPTIONS = {
    "maps": [24, 48, 96, 96],
    "frames": 42,
    "head": "dense",
    "loss": "ranking",
    "margin": 0.7,
    "temperature": 0.1,
}

FRONT_END = "20fps"

CHOICES = {"head": ["dense", "gap"], "loss": ["ranking", "contrastive"]}

CROP_HEIGHT, CROP_WIDTH = 80, 100
"""Sheet crop that the network sees: 160 x 200 px at half resolution."""

SPECTROGRAM_BINS = 92


@dataclass(frozen=True)
class Design:
    """What has to be known to build a network.

    Attributes:
        maps: feature maps of the four blocks.
        frames: spectrogram frames of an excerpt, at 20 frames a second.
        head: dense (a linear layer over all positions, ISMIR 2019) or gap (global average pooling,
            TISMIR 2018).
        sheet_code_norm: batch normalisation after the sheet tower's 1 x 1 convolution (the audio
            tower always has one); without it that convolution has a bias.
    """

    maps: tuple[int, int, int, int]
    frames: int
    head: str = "dense"
    sheet_code_norm: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the design as plain values, for a weights file."""
        return {**asdict(self), "maps": list(self.maps)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Design:
        """Return the design written by `as_dict`."""
        return cls(**{**values, "maps": tuple(values["maps"])})


class AudioSheetEncoder(AudioSheetSystem):
    """Both towers and the CCA layer between them; the sheet is the CCA layer's first view.

    Args:
        design: the network's design.
        pair_loss: loss over unit-length codes.
    """

    def __init__(self, design: Design, pair_loss: PairLoss | None = None) -> None:
        shape = Shape(CROP_HEIGHT, CROP_WIDTH, design.frames)
        super().__init__(shape, FRONT_END, CODE_SIZE, RIDGE)
        self.design = design
        self.sheet = Tower(
            design.maps, CROP_HEIGHT, CROP_WIDTH, design.head, design.sheet_code_norm
        )
        self.audio = Tower(
            design.maps, SPECTROGRAM_BINS, design.frames, design.head, code_norm=True
        )
        self._pair_loss = pair_loss or PairLoss()

    def forward(self, crops: Tensor, excerpts: Tensor) -> tuple[Tensor, Tensor]:
        """Encode a batch of pairs.

        Args:
            crops: sheet crops, paper = 1 and ink = 0, shape (n, 1, 80, 100).
            excerpts: spectrogram excerpts, low bins first, shape (n, 1, 92, frames).

        Returns:
            Unit-length codes of both, shape (n, 32) each.
        """
        return self._projected(self.sheet(crops).float(), self.audio(excerpts).float())

    def loss(self, sheet: Tensor, audio: Tensor) -> Tensor:
        """Return the loss of the codes (n, 32) of a batch after the CCA layer."""
        return self._pair_loss(*self._projected(sheet, audio))

    def _projected(self, sheet: Tensor, audio: Tensor) -> tuple[Tensor, Tensor]:
        sheet, audio = self.cca(sheet, audio)
        return functional.normalize(sheet), functional.normalize(audio)


def design_of(options: Mapping[str, Any]) -> Design:
    """Return the design that options ask for (see OPTIONS)."""
    return Design(tuple(options["maps"]), options["frames"], options["head"])


def new_encoder(design: Design, seed: int, pair_loss: PairLoss | None = None) -> AudioSheetEncoder:
    """Return an encoder with random weights: He-uniform with gain 1, as in the released code.

    Args:
        design: the network's design.
        seed: seed of the draw.
        pair_loss: loss over unit-length codes.

    Returns:
        The encoder; its CCA layer is the identity.
    """
    encoder = AudioSheetEncoder(design, pair_loss)
    initialise(encoder, seed)
    return encoder


def build(options: Mapping[str, Any], seed: int) -> AudioSheetEncoder:
    """Return the system with random weights.

    Args:
        options: a value for each key of OPTIONS.
        seed: seed of the weights.
    """
    return new_encoder(design_of(options), seed, PairLoss.from_options(options))
