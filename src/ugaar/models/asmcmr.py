"""The audio-sheet network of Dorfer et al. (ISMIR 2017, TISMIR 2018): two towers and a CCA layer.

Sheet crops and spectrogram excerpts pass through four blocks of two 3 x 3 convolutions and a
pooling each, a 1 x 1 convolution to 32 maps and a head to 32-d codes, which the CCA layer projects
into the common space.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ugaar.models.cca_layer import CCALayer

CODE_SIZE = 32
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


class Block(nn.Module):
    """Two convolutions with batch normalisation and ELU, then maximum pooling by 2."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, outputs, h // 2, w // 2)."""
        maps = functional.elu(self.norm1(self.conv1(maps)))
        # ELU rises strictly, so it commutes with the maximum: a quarter of the exponentials.
        return functional.elu(functional.max_pool2d(self.norm2(self.conv2(maps)), 2))


class Tower(nn.Module):
    """One modality's convolutions and head.

    Args:
        design: the network's design.
        height: rows of the input.
        width: columns of the input.
        code_norm: batch normalisation after the 1 x 1 convolution, which else has a bias.
    """

    def __init__(self, design: Design, height: int, width: int, code_norm: bool) -> None:
        super().__init__()
        sizes = (1, *design.maps)
        self.blocks = nn.ModuleList(Block(inputs, outputs) for inputs, outputs in pairwise(sizes))
        self.code_conv = nn.Conv2d(sizes[-1], CODE_SIZE, 1, bias=not code_norm)
        self.code_norm = nn.BatchNorm2d(CODE_SIZE) if code_norm else None
        self.grid = (height // 16, width // 16)
        self.dense = (
            nn.Linear(CODE_SIZE * self.grid[0] * self.grid[1], CODE_SIZE)
            if design.head == "dense"
            else None
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map images (n, 1, height, width) to codes (n, CODE_SIZE), not yet projected."""
        for block in self.blocks:
            images = block(images)
        maps = self.code_conv(images)
        if self.code_norm is not None:
            maps = self.code_norm(maps)
        if self.dense is None:
            return maps.mean(dim=(2, 3))
        return self.dense(maps.flatten(1))


class AudioSheetEncoder(nn.Module):
    """Both towers and the CCA layer between them; the sheet is the CCA layer's first view."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.design = design
        self.sheet = Tower(design, CROP_HEIGHT, CROP_WIDTH, design.sheet_code_norm)
        self.audio = Tower(design, SPECTROGRAM_BINS, design.frames, code_norm=True)
        self.cca = CCALayer(CODE_SIZE)

    def forward(self, crops: Tensor, excerpts: Tensor) -> tuple[Tensor, Tensor]:
        """Encode a batch of pairs.

        Args:
            crops: sheet crops, paper = 1 and ink = 0, shape (n, 1, 80, 100).
            excerpts: spectrogram excerpts, low bins first, shape (n, 1, 92, frames).

        Returns:
            Unit-length codes of both, shape (n, 32) each.
        """
        # The CCA layer inverts covariances: always float32, whatever the towers compute in.
        sheet, audio = self.cca(self.sheet(crops).float(), self.audio(excerpts).float())
        return functional.normalize(sheet), functional.normalize(audio)

    def sheet_codes(self, codes: Tensor) -> Tensor:
        """Turn the sheet tower's output (n, 32) into unit-length codes of the common space."""
        return functional.normalize(self.cca.project_first(codes.float()))

    def audio_codes(self, codes: Tensor) -> Tensor:
        """Turn the audio tower's output (n, 32) into unit-length codes of the common space."""
        return functional.normalize(self.cca.project_second(codes.float()))


def new_encoder(design: Design, seed: int) -> AudioSheetEncoder:
    """Return an encoder with random weights: He-uniform with gain 1, as in the released code.

    Args:
        design: the network's design.
        seed: seed of the draw.

    Returns:
        The encoder; its CCA layer is the identity.
    """
    encoder = AudioSheetEncoder(design)
    generator = torch.Generator().manual_seed(seed)
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            limit = (3.0 / module.weight[0].numel()) ** 0.5
            nn.init.uniform_(module.weight, -limit, limit, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return encoder
