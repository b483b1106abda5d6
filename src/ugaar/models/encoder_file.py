"""Weights files of the audio-sheet encoder: plain tensors and values, read without pickle code."""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from pathlib import Path

import torch

from ugaar.errors import DataError
from ugaar.models.asmcmr import AudioSheetEncoder, Design
from ugaar.tables import atomic_path

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


def load_encoder(path: Path | str) -> StoredEncoder:
    """Read an encoder written by `save_encoder`, in evaluation mode and on the CPU.

    Raises:
        DataError: the file is missing or no encoder file.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise DataError(f"{path}: missing; run train-encoder") from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise DataError(
            f"{path}: not a readable encoder file ({str(error).splitlines()[0]}); "
            "delete it and run train-encoder"
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise DataError(f"{path}: not an encoder file of this package; run train-encoder")
    encoder = AudioSheetEncoder(Design.from_dict(content["design"]))
    encoder.load_state_dict(content["state"])
    return StoredEncoder(encoder.eval(), content["kind"])
