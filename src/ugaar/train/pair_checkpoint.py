"""Checkpoints of a system's training; one of another training is refused, not overwritten."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ugaar.errors import DataError
from ugaar.models.encoder_file import read_tensors
from ugaar.train.checkpoint import save_file


@dataclass
class TrainingState:
    """What a training has reached beside its weights.

    Attributes:
        step: steps done.
        best_score: mean MRR of the best validation.
        best: weights of that validation.
        history: rows (phase, step, metric, value).
    """

    step: int = 0
    best_score: float = -1.0
    best: dict[str, Tensor] = field(default_factory=dict)
    history: list[tuple[str, int, str, float]] = field(default_factory=list)


class PairCheckpoint:
    """The file that a training resumes from. It lies outside the outputs of a job.

    Args:
        path: the file.
        identity: nested plain values that name settings and data.

    Attributes:
        saved_step: step of the state in the file, None where there is none.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self.path = path
        self.saved_step: int | None = None
        self._identity = dict(_flat(identity))

    def resume(
        self, system: nn.Module, optimiser: torch.optim.Optimizer, state: TrainingState
    ) -> None:
        """Take back what the file holds; without a file nothing happens.

        Raises:
            DataError: the file is unreadable, no checkpoint, or of other settings or data.
        """
        if not self.path.exists():
            return
        content = read_tensors(self.path)
        if not isinstance(content, dict) or not isinstance(content.get("identity"), dict):
            raise DataError(f"{self.path}: not a checkpoint of a training of pairs; delete it")
        differences = list(_differences(content["identity"], self._identity))
        if differences:
            raise DataError(
                f"{self.path}: this checkpoint belongs to another training; in it and here: "
                f"{'; '.join(differences)}. Delete the file to start afresh, or change the "
                "settings back to go on with it"
            )
        system.load_state_dict(content["weights"])
        optimiser.load_state_dict(content["optimiser"])
        for name, value in content["state"].items():
            setattr(state, name, value)
        self.saved_step = state.step
        logging.info("resumed at step %d", state.step)

    def save(
        self, system: nn.Module, optimiser: torch.optim.Optimizer, state: TrainingState
    ) -> None:
        """Replace the file by the present state; a kill in between leaves the file before."""
        save_file(
            self.path,
            {
                "identity": self._identity,
                "weights": system.state_dict(),
                "optimiser": optimiser.state_dict(),
                "state": vars(state),
            },
        )
        self.saved_step = state.step


def _flat(values: Mapping[str, Any], parent: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{parent}{key}.")
        else:
            yield f"{parent}{key}", list(value) if isinstance(value, tuple) else value


def _differences(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(stored.keys() | wanted.keys()):
        there, here = (values.get(key, "(absent)") for values in (stored, wanted))
        if there != here:
            yield f"{key} {there} and {here}"
