"""Checkpoints of a training that a killed job resumes from, and model files.

A checkpoint lies outside the job's outputs, since Snakemake removes these from a failed job.
"""

from __future__ import annotations

import io
import logging
import pickle
import time
import zipfile
from pathlib import Path
from typing import Any

import torch

from ugaar.atomic import atomic_path
from ugaar.errors import DataError


def save_file(path: Path | str, content: dict[str, Any]) -> None:
    """Write tensors and plain values atomically; equal content gives equal bytes."""
    buffer = io.BytesIO()
    torch.save(content, buffer)  # to a file, torch.save would store the file's name in it
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def load_file(path: Path | str) -> dict[str, Any]:
    """Read tensors and plain values, nothing else: no code in the file is run.

    Raises:
        DataError: the file is missing, broken, or holds other objects.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise DataError(f"{path}: missing; run the stage that makes it") from error
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path}: not a readable model file ({reason}); delete it") from error


class Checkpoint:
    """A file that holds the last state of one training.

    Args:
        path: the file; None switches checkpoints off.
        identity: text that names data, settings, method and seed; a file with another is ignored.
        interval_s: least time between two writes, seconds. It does not change results.
    """

    def __init__(self, path: Path | str | None, identity: str, interval_s: float = 5.0) -> None:
        self.path = None if path is None else Path(path)
        self._identity = identity
        self._interval = interval_s
        self._last = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """Return the stored state, or None where there is none that fits."""
        if self.path is None or not self.path.exists():
            return None
        try:
            found = load_file(self.path)
        except DataError as error:
            logging.warning("starting from the beginning: %s", error)
            return None
        if found.get("identity") != self._identity:
            logging.info("%s belongs to other data or settings: starting anew", self.path)
            return None
        return found["state"]

    def save(self, state: dict[str, Any]) -> None:
        """Write the state, unless the last write is too recent."""
        if self.path is None or time.monotonic() - self._last < self._interval:
            return
        save_file(self.path, {"identity": self._identity, "state": state})
        self._last = time.monotonic()
