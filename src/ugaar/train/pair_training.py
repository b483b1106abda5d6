"""The training of every audio-sheet system: aligned pairs, validation, resumable checkpoints.

Every random choice of a step comes from (seed, step), so a run that was killed and resumed gives
the weights of an uninterrupted one.
"""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ugaar.errors import DataError
from ugaar.models.system import AudioSheetSystem
from ugaar.progress import Progress
from ugaar.train.learning_rate import cosine_rate
from ugaar.train.pair_checkpoint import PairCheckpoint, TrainingState
from ugaar.train.pair_codes import encode, encode_pool, retrieval_scores
from ugaar.train.pair_pool import Augmentation, PairPool
from ugaar.train.prefetch import prefetched

VALIDATION_REFIT_PAIRS = 1000
"""Training pairs that a system is refitted on before a validation."""

_LOOKED_AT = 100
"""Training pairs that are looked at before the training: silence and empty paper teach nothing."""

History = list[tuple[str, int, str, float]]
"""Rows (phase, step, metric, value)."""


@dataclass(frozen=True)
class TrainingPlan:
    """Settings of a training; see audio_sheet.training of the configuration.

    Attributes:
        steps: training steps.
        batch_size: pairs in a batch.
        validate_every: steps between validations.
        validation_pairs: pairs of the validation fold that are ranked against each other.
        refit_pairs: training pairs that the CCA is refitted on at the end.
        optimiser: adam, or sgd with momentum 0.9.
        learning_rate: of the optimiser, at the start.
        weight_decay: factor of the sum of squared parameters.
        schedule: constant, cosine (falls to zero over the steps) or halving.
        halve_every: steps between halvings.
        precision: float32, or bfloat16 for the towers.
        seed: of batches and augmentation.
        threads: that PyTorch was set to, since sums depend on it.
    """

    steps: int
    batch_size: int
    validate_every: int
    validation_pairs: int
    refit_pairs: int
    optimiser: str
    learning_rate: float
    weight_decay: float
    schedule: str
    precision: str
    seed: int
    halve_every: int = 1
    threads: int = 1

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, from 1."""
        if self.schedule == "cosine":
            return cosine_rate(self.learning_rate, step, self.steps)
        if self.schedule == "halving":
            return self.learning_rate * 0.5 ** ((step - 1) // self.halve_every)
        return self.learning_rate


class PairTraining:
    """One training of one system.

    Args:
        name: the system, for errors.
        system: with random weights, trained in place.
        train: pairs of the training fold.
        valid: pairs of the validation fold.
        plan: settings.
        augment: augmentation of the training pairs.
        device: where to compute.

    Raises:
        DataError: the training pool is smaller than a batch, or all its sheets or all its sounds
            are equal.
    """

    def __init__(
        self,
        name: str,
        system: AudioSheetSystem,
        train: PairPool,
        valid: PairPool,
        plan: TrainingPlan,
        augment: Augmentation,
        device: torch.device,
    ) -> None:
        if len(train) < plan.batch_size:
            raise DataError(
                f"{name}: {len(train)} training pairs are fewer than a batch of {plan.batch_size}; "
                "lower batch_size or add music"
            )
        _check_variety(name, train.spaced(_LOOKED_AT), system)
        self._name, self._plan, self._device = name, plan, device
        self._train, self._valid = train, valid.spaced(plan.validation_pairs)
        self._augment = augment
        # Channels last is twice as fast on CPUs.
        self._system = system.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._optimiser = _optimiser(plan, system)
        self._state = TrainingState()

    def identity(self) -> dict[str, Any]:
        """Return what a checkpoint must share with this training, as plain values."""
        return {
            "system": self._name,
            "plan": asdict(self._plan),
            "augment": asdict(self._augment),
            "pairs": {"train": self._train.digest(), "valid": self._valid.digest()},
        }

    def run(
        self,
        checkpoint: PairCheckpoint | None = None,
        after_checkpoint: Callable[[int], None] | None = None,
    ) -> History:
        """Train, take back the weights with the best validation, refit.

        Args:
            checkpoint: where the state is saved to at each validation and resumed from.
            after_checkpoint: called with the step after each save, for tests that stop there.

        Returns:
            The history.

        Raises:
            DataError: the checkpoint is of another training, or the training diverged.
        """
        if checkpoint is not None:
            checkpoint.resume(self._system, self._optimiser, self._state)
        try:
            for step in self._validated_steps():
                if checkpoint is not None:
                    checkpoint.save(self._system, self._optimiser, self._state)
                    if after_checkpoint is not None:
                        after_checkpoint(step)
            self._system.load_state_dict(self._state.best)
            self._refit(self._plan.refit_pairs)
            scores = self._scores()
        except (ArithmeticError, torch.linalg.LinAlgError) as error:
            raise DataError(self._diverged(error, checkpoint)) from error
        self._system.to("cpu", memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
        return self._state.history + self._at_end(scores)

    def _diverged(self, error: Exception, checkpoint: PairCheckpoint | None) -> str:
        kept = "there is no checkpoint"
        if checkpoint is not None and checkpoint.saved_step is not None:
            kept = f"the checkpoint of step {checkpoint.saved_step} is kept in {checkpoint.path}"
        return (
            f"{self._name}: training diverged at step {self._state.step} ({error}); {kept}; lower "
            "its learning_rate, or set precision: float32"
        )

    def steps(self) -> Iterator[float]:
        """Run the steps that are left, without validation; yield the loss of each."""
        for pair in prefetched(self._batches(self._state.step)):
            self._state.step += 1
            yield self._step(pair)

    def _validated_steps(self) -> Iterator[int]:
        """Run the steps that are left; yield the number of each one that ends in a validation."""
        plan, state = self._plan, self._state
        progress = Progress(plan.steps)
        progress.done = state.step
        losses: list[float] = []
        for loss in self.steps():
            losses.append(loss)
            progress.step()
            if state.step % plan.validate_every and state.step < plan.steps:
                continue
            self._validate(float(np.mean(losses)))
            losses.clear()
            yield state.step

    def _batches(self, done: int) -> Iterator[tuple[NDArray, NDArray]]:
        """Yield the crops and excerpts of each step after the first `done`."""
        plan = self._plan
        rows = batches(len(self._train), plan.batch_size, plan.seed, done)
        for step in range(done + 1, plan.steps + 1):
            yield self._train.cut(
                next(rows),
                self._system.shape,
                generator=np.random.default_rng([plan.seed, 1, step]),
                augment=self._augment,
            )

    def _step(self, pair: tuple[NDArray, NDArray]) -> float:
        for group in self._optimiser.param_groups:
            group["lr"] = self._plan.rate_at(self._state.step)
        self._system.train()
        loss = self._system.loss(*encode(self._system, pair, self._plan.precision, self._device))
        value = loss.item()
        if not math.isfinite(value):
            raise ArithmeticError(f"the loss is {value}")
        self._optimiser.zero_grad()
        loss.backward()
        gradients = [p.grad for p in self._system.parameters() if p.grad is not None]
        if not math.isfinite(torch.nn.utils.get_total_norm(gradients)):
            raise ArithmeticError("a gradient is not finite")
        self._optimiser.step()
        return value

    def _validate(self, loss: float) -> None:
        state = self._state
        self._refit(min(VALIDATION_REFIT_PAIRS, self._plan.refit_pairs))
        scores = self._scores()
        score = (scores["MRR audio-to-sheet"] + scores["MRR sheet-to-audio"]) / 2.0
        state.history.append(("train", state.step, "loss", loss))
        state.history += [("valid", state.step, name, value) for name, value in scores.items()]
        logging.info("step %d: loss %.4f, validation MRR %.4f", state.step, loss, score)
        if score > state.best_score:
            state.best_score = score
            state.best = copy.deepcopy(self._system.state_dict())

    def _refit(self, count: int) -> None:
        # Paper: 25,000 augmented training pairs; here: `refit_pairs` that are not augmented,
        # because the pairs of the test are not either.
        self._system.refit(*self._codes(self._train.spaced(count)))

    def _scores(self) -> dict[str, float]:
        sheet, audio = self._codes(self._valid)
        return retrieval_scores(self._system.sheet_codes(sheet), self._system.audio_codes(audio))

    def _codes(self, pool: PairPool) -> tuple[torch.Tensor, torch.Tensor]:
        return encode_pool(self._system, pool, self._plan.precision, self._device)

    def _at_end(self, scores: Mapping[str, float]) -> History:
        correlations = enumerate(self._system.cca.correlations.tolist(), start=1)
        found = {
            **scores,
            **{f"canonical correlation {number}": value for number, value in correlations},
        }
        return [("refitted", self._plan.steps, metric, value) for metric, value in found.items()]


def _check_variety(name: str, pairs: PairPool, system: AudioSheetSystem) -> None:
    crops, excerpts = pairs.cut(np.arange(len(pairs)), system.shape)
    for media, images in (("crops of the sheet", crops), ("excerpts of the sound", excerpts)):
        if (images == images[0]).all():
            raise DataError(
                f"{name}: {len(pairs)} {media} from all over the training fold are all equal (of "
                f"mean {images.mean():g}): there is nothing to learn; render the music again"
            )


def batches(n_pairs: int, batch_size: int, seed: int, done: int) -> Iterator[NDArray[np.int64]]:
    """Yield the pairs of each step after the first `done`: the pool is reshuffled when it ends.

    Args:
        n_pairs: pairs in the pool, at least a batch.
        batch_size: pairs in a batch; those left over at the end of a pass wait for the next one.
        seed: of the order.
        done: steps that were done before.
    """
    per_pass = n_pairs // batch_size
    passes, place = divmod(done, per_pass)
    while True:
        order = np.random.default_rng([seed, 0, passes]).permutation(n_pairs)
        for batch in range(place, per_pass):
            yield order[batch * batch_size : (batch + 1) * batch_size]
        passes, place = passes + 1, 0


def _optimiser(plan: TrainingPlan, system: AudioSheetSystem) -> torch.optim.Optimizer:
    # weight_decay adds its product with the parameter to the gradient; the derivative of
    # w x sum of squares is twice that.
    decay = 2.0 * plan.weight_decay
    if plan.optimiser == "sgd":
        return torch.optim.SGD(
            system.parameters(), lr=plan.learning_rate, momentum=0.9, weight_decay=decay
        )
    return torch.optim.Adam(system.parameters(), lr=plan.learning_rate, weight_decay=decay)


def train_system(
    name: str,
    system: AudioSheetSystem,
    train: PairPool,
    valid: PairPool,
    plan: TrainingPlan,
    augment: Augmentation,
    device: torch.device,
    options: Mapping[str, Any],
    checkpoint: Path | None = None,
) -> History:
    """Train a system in place, resuming from a checkpoint file where there is one.

    Args:
        name: the system, for errors.
        system: with random weights.
        train: pairs of the training fold.
        valid: pairs of the validation fold.
        plan: settings.
        augment: augmentation of the training pairs.
        device: where to compute.
        options: the system's options, which the checkpoint must share.
        checkpoint: the file; None switches checkpoints off.

    Returns:
        The history: rows (phase, step, metric, value).

    Raises:
        DataError: too few pairs, a checkpoint of another training, or divergence.
    """
    training = PairTraining(name, system, train, valid, plan, augment, device)
    if checkpoint is None:
        return training.run()
    identity = {**training.identity(), "options": dict(options)}
    return training.run(PairCheckpoint(checkpoint, identity))
