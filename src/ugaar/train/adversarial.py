"""Adversarial training of generator and discriminator (UGAAR, eqs 3-9).

A round is some epochs of D and some of G. G draws answers to each query that look true; D keeps
the true answer nearer than the drawn ones; its relevance score of the drawn ones is G's reward.
Both draw from the candidates of the mini-batch (paper: from the whole database).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ugaar.models.generator import draw_pairs, policy_gradient_loss, reward_of
from ugaar.models.losses import relevance, transfer_divergence
from ugaar.models.projection import Projection
from ugaar.train.discriminative import CPU, copied, descend, hinges_of_batch
from ugaar.train.games import Game, games_of
from ugaar.train.loop import batches_of, epoch_generator
from ugaar.train.model_settings import ModelSettings
from ugaar.train.training_set import TrainingSet, ValidationSet


class AdversarialTraining:
    """The minimax game of one seed.

    Args:
        discriminator: D, already trained as the Baseline; trained on in place.
        generator: G, trained in place.
        train: training items.
        valid: validation items.
        neighbours: (n, k) rows whose pairs count as true for the lyrics of each training row;
            column 0 is the row itself. k = 1 keeps the original pairs (Baseline-GAN).
        kl_weight: weight of the transfer of the lyrics to G's audio and sheet (eqs 1-2); 0 is
            without (Baseline-GAN).
        settings: the model section.
        seed: training seed.
        phase: name that the chance of this training is derived from.
    """

    def __init__(
        self,
        discriminator: Projection,
        generator: Projection,
        train: TrainingSet,
        valid: ValidationSet,
        neighbours: Tensor,
        kl_weight: float,
        settings: ModelSettings,
        seed: int,
        phase: str,
    ) -> None:
        self.discriminator, self.generator = discriminator, generator
        self._train, self._valid = train, valid
        self._games = games_of(settings, train, neighbours.to(train.device))
        self._kl_weight, self._settings = kl_weight, settings
        self._seed, self._phase = seed, phase
        self._optimisers = {
            name: torch.optim.Adam(
                network.parameters(), lr=learning_rate, weight_decay=settings.weight_decay
            )
            for name, network, learning_rate in (
                ("discriminator", discriminator, settings.discriminator_learning_rate),
                ("generator", generator, settings.generator_learning_rate),
            )
        }

    def train_epoch(self, epoch: int) -> dict[str, Tensor]:
        """Play one round; return the values of each step of D and of G."""
        order = epoch_generator(self._seed, f"{self._phase}/order", epoch, CPU)
        chance = epoch_generator(self._seed, self._phase, epoch, self._train.device)
        logged: dict[str, list[Tensor]] = {}
        for rows in self._batches(self._settings.discriminator_epochs, order):
            _append(logged, self._discriminator_step(rows, chance))
        for rows in self._batches(self._settings.generator_epochs, order):
            _append(logged, self._generator_step(rows, chance))
        return {metric: torch.stack(values) for metric, values in logged.items()}

    def _batches(self, passes: int, order: torch.Generator) -> Iterator[Tensor]:
        for _ in range(passes):
            for batch in batches_of(len(self._train), self._settings.batch_size, order):
                yield batch.to(self._train.device)

    def _discriminator_step(self, rows: Tensor, chance: torch.Generator) -> dict[str, Tensor]:
        settings = self._settings
        features = self._train.rows(rows)
        with torch.no_grad():
            drawn = self.generator(features)
        points = self.discriminator(features)
        hinges = hinges_of_batch(self.discriminator, self._train, rows, settings, chance, points)
        loss, relevances = hinges, []
        for game in self._games:
            columns = draw_pairs(
                _without_true(game.log_probabilities(drawn), game.true_candidates(rows)),
                settings.draws,
                chance,
            )
            phi = self._relevance(game, points, columns, rows, chance)
            adversarial = phi if settings.discriminator_loss == "phi" else functional.softplus(phi)
            loss = loss + settings.game_weight * adversarial.mean()
            relevances.append(phi.detach().mean())
        descend(loss, self.discriminator, self._optimisers["discriminator"], settings.gradient_clip)
        return {
            "discriminator loss": loss.detach(),
            "hinges": hinges.detach(),
            "phi": torch.stack(relevances).mean(),
        }

    def _generator_step(self, rows: Tensor, chance: torch.Generator) -> dict[str, Tensor]:
        settings = self._settings
        features = self._train.rows(rows)
        points = self.generator(features)
        with torch.no_grad():
            judged = self.discriminator(features)
        losses, rewards = [], []
        for game in self._games:
            log_probabilities = game.log_probabilities(points)
            columns = draw_pairs(log_probabilities.detach(), settings.draws, chance)
            with torch.no_grad():
                phi = self._relevance(game, judged, columns, rows, chance)
                reward = reward_of(phi, settings.reward)
            losses.append(
                policy_gradient_loss(log_probabilities, columns, reward, settings.reward_baseline)
            )
            rewards.append(reward.mean())
        loss = torch.stack(losses).sum()
        logged = {"generator loss": loss.detach(), "reward": torch.stack(rewards).mean()}
        if self._kl_weight:
            audio, sheet = (
                transfer_divergence(points["lyrics"], points[student], settings.kl_teacher_gradient)
                for student in ("audio", "sheet")
            )
            transfer = audio + sheet
            loss = loss + self._kl_weight * transfer
            logged["transfer loss"] = transfer.detach()
        descend(loss, self.generator, self._optimisers["generator"], settings.gradient_clip)
        return logged

    def _relevance(
        self,
        game: Game,
        points: dict[str, Tensor],
        columns: Tensor,
        rows: Tensor,
        chance: torch.Generator,
    ) -> Tensor:
        """Return phi (b, draws) of drawn candidates, all points being the discriminator's."""
        return relevance(
            points[game.query][:, None],
            game.true_points(self.discriminator, rows, chance)[:, None],
            game.drawn_points(points, columns),
            self._settings.margin,
            self._settings.distance_unit,
        )

    @property
    def _tested(self) -> Projection:
        wants_generator = self._settings.test_network == "generator"
        return self.generator if wants_generator else self.discriminator

    def validate(self) -> dict[str, float]:
        """Return direction -> MRR of the tested network on the validation fold."""
        return self._valid.score(self._tested)

    def best_weights(self) -> dict[str, Tensor]:
        """Return a copy of the tested network's weights."""
        return copied(self._tested)

    def state(self) -> dict[str, Any]:
        """Return the weights and optimiser states of both players."""
        return {
            "discriminator": self.discriminator.state_dict(),
            "generator": self.generator.state_dict(),
            "optimisers": {
                name: optimiser.state_dict() for name, optimiser in self._optimisers.items()
            },
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
        self.discriminator.load_state_dict(state["discriminator"])
        self.generator.load_state_dict(state["generator"])
        for name, optimiser in self._optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])


def _without_true(log_probabilities: Tensor, true: Tensor) -> Tensor:
    """Mark true candidates (b, c) as not to be drawn: D must not push them away.

    UGACH redraws until a pair is outside the positive set. An item all of whose candidates are
    true keeps them.
    """
    return log_probabilities.masked_fill(true & ~true.all(dim=1, keepdim=True), -torch.inf)


def _append(logged: dict[str, list[Tensor]], values: dict[str, Tensor]) -> None:
    for metric, value in values.items():
        logged.setdefault(metric, []).append(value)
