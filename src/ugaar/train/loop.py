"""The loop around every training: validate, keep the best, stop early, resume, fail clearly."""

from __future__ import annotations

import hashlib
import logging
import math
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from ugaar.errors import DataError
from ugaar.progress import Progress
from ugaar.train.checkpoint import Checkpoint
from ugaar.train.history import HistoryRow


class Trainee(Protocol):
    """Something that is trained epoch by epoch and scored on the validation fold."""

    def train_epoch(self, epoch: int) -> dict[str, Tensor]:
        """Train one epoch (from 1); return metric -> (steps,) values, one for each step."""

    def validate(self) -> dict[str, float]:
        """Return direction -> MRR on the validation fold."""

    def best_weights(self) -> dict[str, Tensor]:
        """Return a copy of the weights that are kept where this epoch is the best."""

    def state(self) -> dict[str, Any]:
        """Return all that changes in training: weights and optimiser states."""

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""


@dataclass
class Outcome:
    """The result of a training.

    Attributes:
        weights: weights of the best epoch by mean MRR on the validation fold.
        best_epoch: that epoch; 0 is the state before the first.
        best_score: its mean MRR.
        history: what was logged.
    """

    weights: dict[str, Tensor]
    best_epoch: int
    best_score: float
    history: list[HistoryRow] = field(default_factory=list)


def epoch_generator(seed: int, phase: str, epoch: int, device: torch.device) -> torch.Generator:
    """Return the source of chance of one epoch: a resumed run needs no stored generator state."""
    digest = hashlib.sha256(f"{seed}/{phase}/{epoch}".encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def batches_of(items: int, batch_size: int, generator: torch.Generator) -> Tensor:
    """Return (steps, batch) random rows, all batches of one size; the remainder is left out.

    Args:
        items: number of training items.
        batch_size: items in a batch; where there are fewer items, all of them are one batch.
        generator: a generator on the CPU, so that the order is the same on every device.
    """
    size = min(batch_size, items)
    order = torch.randperm(items, generator=generator)
    return order[: items // size * size].reshape(-1, size)


def run_training(
    trainee: Trainee,
    phase: str,
    epochs: int,
    patience: int | None,
    checkpoint: Checkpoint,
    include_start: bool = False,
) -> Outcome:
    """Train, and keep the weights with the best mean MRR on the validation fold.

    Args:
        trainee: what is trained.
        phase: its name in the history and in messages.
        epochs: most epochs (or rounds).
        patience: epochs without gain before an early stop; None trains all epochs.
        checkpoint: where the state is kept for a resume; it is left in place at the end.
        include_start: let the state before the first epoch compete as epoch 0.

    Returns:
        The best weights and the history.

    Raises:
        DataError: a loss or weight is not finite; the text names phase, epoch and step.
    """
    stored = checkpoint.load()
    if stored is None:
        outcome = Outcome(trainee.best_weights(), 0, -math.inf)
        if include_start:
            outcome.best_score = _log_validation(outcome.history, trainee, phase, 0)
        epoch = 0
    else:
        trainee.load_state(stored["trainee"])
        outcome = Outcome(
            stored["weights"],
            stored["best_epoch"],
            stored["best_score"],
            [(row[0], row[1], row[2], row[3]) for row in stored["history"]],
        )
        epoch = stored["epoch"]
        logging.info("resuming %s after epoch %d", phase, epoch)
    progress = Progress(epochs)
    progress.step(epoch)
    while epoch < epochs and (patience is None or epoch - outcome.best_epoch < patience):
        epoch += 1
        for metric, values in trainee.train_epoch(epoch).items():
            values = values.cpu()
            finite = torch.isfinite(values)
            if not bool(finite.all()):
                step = int((~finite).nonzero()[0])
                raise DataError(
                    f"{phase}, epoch {epoch}, step {step + 1}: {metric} is {values[step].item()}; "
                    "lower the learning rates in the model section, or check the features"
                )
            outcome.history.append((phase, epoch, metric, float(values.double().mean())))
        score = _log_validation(outcome.history, trainee, phase, epoch)
        if score > outcome.best_score:
            outcome.weights = trainee.best_weights()
            outcome.best_epoch, outcome.best_score = epoch, score
        checkpoint.save(
            {
                "trainee": trainee.state(),
                "weights": outcome.weights,
                "best_epoch": outcome.best_epoch,
                "best_score": outcome.best_score,
                "history": [list(row) for row in outcome.history],
                "epoch": epoch,
            }
        )
        progress.step()
    logging.info(
        "%s: best mean MRR %.4f on the validation fold, epoch %d of %d",
        phase,
        outcome.best_score,
        outcome.best_epoch,
        epoch,
    )
    return outcome


def _log_validation(history: list[HistoryRow], trainee: Trainee, phase: str, epoch: int) -> float:
    found = trainee.validate()
    history.extend((phase, epoch, f"valid MRR {name}", value) for name, value in found.items())
    mean = sum(found.values()) / len(found)
    if not math.isfinite(mean):
        raise DataError(f"{phase}, epoch {epoch}: validation gave {mean}; check the features")
    history.append((phase, epoch, "valid MRR mean", mean))
    return mean
