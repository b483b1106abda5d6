"""Model files of audio-sheet systems: plain tensors and values, read without pickle code."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ugaar.errors import DataError
from ugaar.models.encoder_file import read_tensors
from ugaar.models.system import AudioSheetSystem
from ugaar.systems import PACKAGE, SystemPlan, known_models
from ugaar.train.checkpoint import save_file

FORMAT = "ugaar-audio-sheet-system-1"


@dataclass(frozen=True)
class StoredSystem:
    """A trained system: its name in the configuration, its training seed and its network."""

    name: str
    seed: int
    system: AudioSheetSystem


def build_system(model: str, options: dict[str, Any], seed: int) -> AudioSheetSystem:
    """Return a system with random weights.

    Args:
        model: module below `ugaar.models.systems`.
        options: a value for each of its options.
        seed: seed of the weights.
    """
    return importlib.import_module(f"{PACKAGE}.{model}").build(options, seed)


def save_system(path: Path | str, plan: SystemPlan, seed: int, system: AudioSheetSystem) -> None:
    """Write a trained system; equal weights give equal bytes.

    Args:
        path: the file.
        plan: what it was built with.
        seed: its training seed.
        system: on the CPU.
    """
    save_file(
        path,
        {
            "format": FORMAT,
            "system": plan.name,
            "seed": seed,
            "model": plan.model,
            "options": plan.options,
            "state": system.state_dict(),
        },
    )


def load_system(path: Path | str) -> StoredSystem:
    """Read a system written by `save_system`, in evaluation mode and on the CPU.

    Raises:
        DataError: the file is missing, no such file, or of a module that has changed since.
    """
    try:
        content = read_tensors(path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: missing; run train-system") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise DataError(f"{path}: not a system of this package; run train-system")
    if content["model"] not in known_models():
        raise DataError(f"{path}: of model {content['model']!r}, which there is no more")
    try:
        system = build_system(content["model"], content["options"], content["seed"])
        system.load_state_dict(content["state"])
    except (KeyError, RuntimeError) as error:
        raise DataError(
            f"{path}: does not fit the present module {content['model']} ({error}); run "
            "train-system again"
        ) from error
    return StoredSystem(content["system"], content["seed"], system.eval())
