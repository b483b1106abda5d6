"""CNN with a CCA layer and soft attention over the audio frames (ISMIR 2019; CNN-2s/4s/8s-AT).

A third network sees the same spectrogram and weighs its frames, so that a long excerpt can be
narrowed to as much sound as the sheet crop shows, at any tempo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ugaar.models.ranking_losses import PairLoss
from ugaar.models.systems.cca_layer import AudioSheetEncoder, Design, design_of
from ugaar.models.towers import Blocks, Tower, initialise

# As of the module cca_layer.
OPTIONS = {
    "maps": [24, 48, 96, 96],
    "frames": 84,
    "head": "dense",
    "loss": "ranking",
    "margin": 0.7,
    "temperature": 0.1,
}

FRONT_END = "20fps"

CHOICES = {"head": ["dense", "gap"], "loss": ["ranking", "contrastive"]}


class FrameAttention(nn.Module):
    """Weights the frames of an excerpt by how much they matter.

    Args:
        maps: feature maps of the four blocks.
        frames: frames T of an excerpt.
    """

    def __init__(self, maps: Sequence[int], frames: int) -> None:
        super().__init__()
        self.blocks = Blocks(maps)
        self.frame_conv = nn.Conv2d(maps[-1], frames, 1)

    def weights(self, excerpts: Tensor) -> Tensor:
        """Return the attention (n, T), each row of sum 1, of excerpts (n, 1, bins, T)."""
        scores = self.frame_conv(self.blocks(excerpts)).mean(dim=(2, 3))
        return scores.float().softmax(dim=1)

    def forward(self, excerpts: Tensor) -> Tensor:
        """Multiply each frame by T times its attention: equal weights change nothing."""
        weights = self.weights(excerpts) * excerpts.shape[3]
        return excerpts * weights[:, None, None, :].to(excerpts.dtype)


class AttentiveTower(nn.Module):
    """An audio tower that sees its excerpt through an attention.

    Args:
        attention: weights the frames.
        tower: encodes the weighted excerpt.
    """

    def __init__(self, attention: FrameAttention, tower: Tower) -> None:
        super().__init__()
        self.attention = attention
        self.tower = tower

    def forward(self, excerpts: Tensor) -> Tensor:
        """Map excerpts (n, 1, bins, T) to codes (n, 32)."""
        return self.tower(self.attention(excerpts))


class AttentiveEncoder(AudioSheetEncoder):
    """The CCA-layer system with an attention before its audio tower."""

    def __init__(self, design: Design, pair_loss: PairLoss) -> None:
        super().__init__(design, pair_loss)
        assert isinstance(self.audio, Tower)
        self.audio = AttentiveTower(FrameAttention(design.maps, design.frames), self.audio)

    @torch.inference_mode()
    def attention(self, excerpts: Tensor) -> Tensor:
        """Return the attention (n, T) of excerpts (n, 1, bins, T), each row of sum 1."""
        assert isinstance(self.audio, AttentiveTower)
        return self.audio.attention.weights(excerpts)


def build(options: Mapping[str, Any], seed: int) -> AttentiveEncoder:
    """Return the system with random weights.

    Args:
        options: a value for each key of OPTIONS.
        seed: seed of the weights.
    """
    system = AttentiveEncoder(design_of(options), PairLoss.from_options(options))
    initialise(system, seed)
    return system
