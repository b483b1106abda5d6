"""Losses over a batch of matching pairs of unit-length codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def pairwise_ranking(sheet: Tensor, audio: Tensor, margin: float) -> Tensor:
    """Return the ranking loss of the audio-sheet encoder (TISMIR 2018).

    With s the cosine similarity: the mean over i and j != i of max(0, margin - s_ii + s_ij), sheet
    items i as anchors, audio items j as contrast.

    Args:
        sheet: unit-length codes, shape (n, d).
        audio: unit-length codes of the matching excerpts, shape (n, d).
        margin: least gap between matching and other pairs.

    Returns:
        The loss, a scalar.
    """
    similarity = sheet @ audio.T
    violations = (margin - similarity.diagonal()[:, None] + similarity).clamp_min(0.0)
    count = len(sheet) * (len(sheet) - 1)
    return (violations.sum() - violations.diagonal().sum()) / count


def contrastive(sheet: Tensor, audio: Tensor, temperature: float) -> Tensor:
    """Return the symmetric InfoNCE loss: cross-entropy of each item against the batch, both ways.

    Args:
        sheet: unit-length codes, shape (n, d).
        audio: unit-length codes of the matching excerpts, shape (n, d).
        temperature: divisor of the cosine similarities.

    Returns:
        The loss, a scalar.
    """
    logits = sheet @ audio.T / temperature
    target = torch.arange(len(sheet), device=sheet.device)
    return (
        functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)
    ) / 2.0


@dataclass(frozen=True)
class PairLoss:
    """One of the losses with its settings.

    Attributes:
        loss: ranking or contrastive.
        margin: of the ranking loss.
        temperature: of the contrastive loss.
    """

    loss: str = "ranking"
    margin: float = 0.7
    temperature: float = 0.1

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> PairLoss:
        """Return the loss that the options loss, margin and temperature ask for."""
        return cls(options["loss"], options["margin"], options["temperature"])

    def __call__(self, sheet: Tensor, audio: Tensor) -> Tensor:
        """Return the loss of unit-length codes (n, d) of matching pairs, a scalar."""
        if self.loss == "ranking":
            return pairwise_ranking(sheet, audio, self.margin)
        return contrastive(sheet, audio, self.temperature)
