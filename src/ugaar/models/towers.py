"""The convolutional tower that the audio-sheet systems of Dorfer et al. share.

Four blocks of two 3 x 3 convolutions and a pooling each, a 1 x 1 convolution and a head.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

CODE_SIZE = 32
"""Length of a code (all papers: 32)."""

SHRINKAGE = 16
"""Four poolings by 2."""


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
        maps = functional.elu(self.norm1(self.conv1(maps)), inplace=True)
        # ELU rises strictly, so it commutes with the maximum: a quarter of the exponentials.
        return functional.elu(functional.max_pool2d(self.norm2(self.conv2(maps)), 2), inplace=True)


class Blocks(nn.ModuleList):
    """The four blocks, of images with one map."""

    def __init__(self, maps: Sequence[int]) -> None:
        super().__init__(Block(inputs, outputs) for inputs, outputs in pairwise((1, *maps)))

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, 1, h, w) to (n, maps[3], h // 16, w // 16)."""
        for block in self:
            images = block(images)
        return images


class Tower(nn.Module):
    """One modality's convolutions and head.

    Args:
        maps: feature maps of the four blocks.
        height: rows of the input.
        width: columns of the input.
        head: dense (a linear layer over all positions) or gap (global average pooling).
        code_norm: batch normalisation after the 1 x 1 convolution, which else has a bias.
    """

    def __init__(
        self, maps: Sequence[int], height: int, width: int, head: str, code_norm: bool
    ) -> None:
        super().__init__()
        self.blocks = Blocks(maps)
        self.code_conv = nn.Conv2d(maps[-1], CODE_SIZE, 1, bias=not code_norm)
        self.code_norm = nn.BatchNorm2d(CODE_SIZE) if code_norm else None
        self.grid = (height // SHRINKAGE, width // SHRINKAGE)
        self.dense = (
            nn.Linear(CODE_SIZE * self.grid[0] * self.grid[1], CODE_SIZE)
            if head == "dense"
            else None
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map images (n, 1, height, width) to codes (n, CODE_SIZE), not yet projected."""
        maps = self.code_conv(self.blocks(images))
        if self.code_norm is not None:
            maps = self.code_norm(maps)
        if self.dense is None:
            return maps.mean(dim=(2, 3))
        return self.dense(maps.flatten(1))


def initialise(network: nn.Module, seed: int) -> None:
    """Draw all weights He-uniformly with gain 1, as in the released code; biases become 0."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            limit = (3.0 / module.weight[0].numel()) ** 0.5
            nn.init.uniform_(module.weight, -limit, limit, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
