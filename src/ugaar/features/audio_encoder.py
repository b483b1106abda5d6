"""What an audio encoder is, and where each one lives."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ugaar.errors import ConfigError


class AudioEncoder(Protocol):
    """A network that turns clips into sequences of vectors."""

    dimensions: int

    def encode(
        self,
        clips: Sequence[np.ndarray],
        sample_rate_hz: int,
        onsets_s: Sequence[Sequence[float]],
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Encode clips one by one: the result of a clip does not depend on its neighbours.

        Args:
            clips: each (samples,), float32, mono, full scale = 1.
            sample_rate_hz: sampling rate of all clips.
            onsets_s: onset of each note of each clip, seconds; for encoders that align excerpts
                with notes.

        Returns:
            Per clip the centres of its frames in seconds (n,), float32, and their vectors
            (n, dimensions), float32; n >= 1.
        """
        ...


@dataclass(frozen=True)
class EncoderEntry:
    """Where an encoder is implemented and which configuration keys it reads."""

    module: str
    settings: tuple[str, ...]


# Imported by name, so that a stage's code digest covers the chosen encoder alone.
ENCODERS: Mapping[str, EncoderEntry] = {
    "musicnn": EncoderEntry("ugaar.features.musicnn", ("features.audio.musicnn",)),
    "vggish": EncoderEntry("ugaar.features.vggish", ("features.audio.vggish",)),
    "asmcmr": EncoderEntry("ugaar.features.asmcmr_audio", ("features.audio.asmcmr",)),
    "untrained": EncoderEntry("ugaar.features.asmcmr_audio", ("features.audio.asmcmr",)),
}


def load_encoder(
    name: str, weights: Path | None, settings: Mapping[str, Any], device: str
) -> AudioEncoder:
    """Build an encoder from its weights.

    Args:
        name: a key of `ENCODERS`.
        weights: its weights file.
        settings: nested settings that hold at least the encoder's keys.
        device: cpu or cuda.

    Raises:
        ConfigError: no such encoder, or its weights are missing.
    """
    if name not in ENCODERS:
        raise ConfigError(f"--encoder {name}: unknown; known encoders are {', '.join(ENCODERS)}")
    return importlib.import_module(ENCODERS[name].module).load(weights, settings, device)
