"""Training of the Baseline: the discriminative model alone, on triplets."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ugaar.models.losses import ranking_hinges
from ugaar.models.projection import Projection
from ugaar.train.dataset import MODALITY_PAIRS
from ugaar.train.loop import batches_of, epoch_generator
from ugaar.train.model_settings import ModelSettings
from ugaar.train.training_set import TrainingSet, ValidationSet

CPU = torch.device("cpu")


class DiscriminativeTraining:
    """D on triplet losses; see `ugaar.models.losses.ranking_hinges`.

    Args:
        network: the discriminative model, trained in place.
        train: training items.
        valid: validation items.
        settings: the model section.
        seed: training seed.
        phase: name that the chance of this training is derived from.
        learning_rate: of Adam.
        passes: passes over the training items in one epoch of `run_training`.
    """

    def __init__(
        self,
        network: Projection,
        train: TrainingSet,
        valid: ValidationSet,
        settings: ModelSettings,
        seed: int,
        phase: str,
        learning_rate: float,
        passes: int = 1,
    ) -> None:
        self.network, self._train, self._valid = network, train, valid
        self._settings, self._seed, self._phase, self._passes = settings, seed, phase, passes
        self._optimiser = torch.optim.Adam(
            network.parameters(), lr=learning_rate, weight_decay=settings.weight_decay
        )

    def train_epoch(self, epoch: int) -> dict[str, Tensor]:
        """Train one epoch; return the loss of each step."""
        order = epoch_generator(self._seed, f"{self._phase}/order", epoch, CPU)
        chance = epoch_generator(self._seed, self._phase, epoch, self._train.device)
        losses = []
        for _ in range(self._passes):
            for batch in batches_of(len(self._train), self._settings.batch_size, order):
                rows = batch.to(self._train.device)
                loss = hinges_of_batch(self.network, self._train, rows, self._settings, chance)
                descend(loss, self.network, self._optimiser, self._settings.gradient_clip)
                losses.append(loss.detach())
        return {"loss": torch.stack(losses)}

    def validate(self) -> dict[str, float]:
        """Return direction -> MRR on the validation fold."""
        return self._valid.score(self.network)

    def best_weights(self) -> dict[str, Tensor]:
        """Return a copy of D's weights."""
        return copied(self.network)

    def state(self) -> dict[str, Any]:
        """Return weights and optimiser state."""
        return {"network": self.network.state_dict(), "optimiser": self._optimiser.state_dict()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])


def hinges_of_batch(
    network: Projection,
    train: TrainingSet,
    batch: Tensor,
    settings: ModelSettings,
    chance: torch.Generator,
    points: dict[str, Tensor] | None = None,
) -> Tensor:
    """Return the triplet loss of one batch of rows (b,); `points` where already computed."""
    return ranking_hinges(
        network(train.rows(batch)) if points is None else points,
        MODALITY_PAIRS if settings.use_lyrics_pairs else (("audio", "sheet"),),
        train.wrong_answers(batch),
        settings.margin,
        settings.distance_unit,
        settings.negatives,
        chance,
    )


def descend(
    loss: Tensor, network: Projection, optimiser: torch.optim.Optimizer, gradient_clip: float
) -> None:
    """Take one optimiser step down the gradient, its norm clipped."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), gradient_clip)
    optimiser.step()


def copied(network: Projection) -> dict[str, Tensor]:
    """Return a copy of a network's weights on the CPU, which later steps leave alone."""
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
