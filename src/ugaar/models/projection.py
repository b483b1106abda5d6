"""The one network of UGAAR: a tanh layer from each modality into the common space."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ugaar.tables import MODALITIES


class Projection(nn.Module):
    """Theta(v) = tanh(W v + b), one layer for each modality (UGAAR, eq. 6).

    The generator (F, G, H) and the discriminator (Theta_a, Theta_s, Theta_l) are two of these,
    "of the same structure with separate weights".

    Args:
        sizes: modality -> length of its feature vector.
        dimensions: of the common space (paper: 128).
        generator: source of the initial weights, uniform in +-1/sqrt(length); biases are 0.
    """

    def __init__(
        self, sizes: Mapping[str, int], dimensions: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleDict()
        for modality in MODALITIES:
            layer = nn.Linear(sizes[modality], dimensions)
            bound = sizes[modality] ** -0.5
            with torch.no_grad():
                layer.weight.uniform_(-bound, bound, generator=generator)
                layer.bias.zero_()
            self.layers[modality] = layer

    def forward(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Map modality -> (n, d) features to modality -> (n, dimensions) points in (-1, 1)."""
        return {
            modality: torch.tanh(self.layers[modality](rows)) for modality, rows in features.items()
        }

    def embed(self, modality: str, rows: Tensor) -> Tensor:
        """Map (n, d) features of one modality to (n, dimensions) points in (-1, 1)."""
        return torch.tanh(self.layers[modality](rows))
