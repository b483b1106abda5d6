"""Training and validation items as tensors on the device of the training."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from ugaar.models.projection import Projection
from ugaar.train.dataset import MODALITY_PAIRS, Features
from ugaar.train.normalise import Normaliser
from ugaar.train.validation import mean_reciprocal_ranks


class TrainingSet:
    """Normalised training features and what counts as equal among them.

    Args:
        features: the training fold.
        normaliser: statistics of its features.
        device: where the tensors lie.
        exclude_identical: items of equal content are no wrong answers to each other's queries;
            otherwise every item equals only itself.
    """

    def __init__(
        self,
        features: Features,
        normaliser: Normaliser,
        device: torch.device,
        exclude_identical: bool,
    ) -> None:
        self.device = device
        self.vectors = {
            modality: torch.from_numpy(normaliser.apply(modality, rows)).to(device)
            for modality, rows in features.vectors.items()
        }
        own = np.arange(len(features))
        self.content = {
            modality: torch.from_numpy(numbers if exclude_identical else own).to(device)
            for modality, numbers in features.content.items()
        }

    def __len__(self) -> int:
        return len(next(iter(self.vectors.values())))

    def rows(self, batch: Tensor) -> dict[str, Tensor]:
        """Return modality -> (b, d) features of a batch of rows (b,)."""
        return {modality: vectors[batch] for modality, vectors in self.vectors.items()}

    def wrong_answers(self, batch: Tensor) -> dict[tuple[str, str], Tensor]:
        """Return, for each pair of modalities, which items (b, b) may serve as wrong answers.

        Item j is wrong for item i where both contents differ: equal galleries are the right
        answer itself, and equal queries share their right answers.
        """
        equal = {}
        for modality, numbers in self.content.items():
            chosen = numbers[batch]
            equal[modality] = chosen[:, None] == chosen[None, :]
        return {pair: ~(equal[pair[0]] | equal[pair[1]]) for pair in MODALITY_PAIRS}


class ValidationSet:
    """Normalised validation features, scored by mean reciprocal rank in all six directions."""

    def __init__(self, features: Features, normaliser: Normaliser, device: torch.device) -> None:
        self._vectors = {
            modality: torch.from_numpy(normaliser.apply(modality, rows)).to(device)
            for modality, rows in features.vectors.items()
        }
        self._content = features.content

    def score(self, network: Projection) -> dict[str, float]:
        """Return direction -> MRR of a network's embeddings, by Euclidean distance."""
        with torch.no_grad():
            points: Mapping[str, Tensor] = network(self._vectors)
        space = {modality: rows.cpu().numpy() for modality, rows in points.items()}
        return mean_reciprocal_ranks([space], self._content, "euclidean")
