"""Weights files of the audio-sheet encoder: plain tensors and values, read without pickle code."""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ugaar.atomic import atomic_path
from ugaar.errors import DataError
from ugaar.models.systems.cca_layer import AudioSheetEncoder, Design

FORMAT = "ugaar-audio-sheet-encoder-1"


@dataclass(frozen=True)
class StoredEncoder:
    """An encoder and where its weights come from: trained, untrained, lasagne or ucasr."""

    encoder: AudioSheetEncoder
    kind: str


def save_encoder(path: Path | str, encoder: AudioSheetEncoder, kind: str) -> None:
    """Write an encoder; equal weights give equal bytes.

    Args:
        path: the file.
        encoder: the encoder, on any device.
        kind: where its weights come from: trained, untrained, lasagne or ucasr.
    """
    content = {
        "format": FORMAT,
        "kind": kind,
        "design": encoder.design.as_dict(),
        "state": {name: value.cpu() for name, value in encoder.state_dict().items()},
    }
    # Given a path, torch.save writes the file's name into the archive: bytes would depend on it.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def read_tensors(path: Path | str) -> Any:  # noqa: ANN401
    """Read a PyTorch file of plain tensors and values; nothing in it is run.

    Raises:
        FileNotFoundError: there is no such file.
        DataError: the file is cut short, no PyTorch file, or names other types.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    # The restricted unpickler meets arbitrary bytes: a wrong opcode ends in any of these.
    except (
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
        LookupError,
        AttributeError,
        TypeError,
    ) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path}: not a readable PyTorch file ({reason}); delete it") from error


def load_encoder(path: Path | str) -> StoredEncoder:
    """Read an encoder written by `save_encoder`, in evaluation mode and on the CPU.

    Raises:
        DataError: the file is missing or no encoder file.
    """
    try:
        content = read_tensors(path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: missing; run train-encoder") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise DataError(f"{path}: not an encoder file of this package; run train-encoder")
    encoder = AudioSheetEncoder(Design.from_dict(content["design"]))
    encoder.load_state_dict(content["state"])
    return StoredEncoder(encoder.eval(), content["kind"])
