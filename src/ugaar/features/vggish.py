"""VGGish as an audio encoder: the paper's audio features.

Source: Hershey et al. 2017; front end of Google's AudioSet release. A mean over the examples of a
clip gives the paper's 128-d audio feature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ugaar.errors import ConfigError
from ugaar.features.audio_clips import resample
from ugaar.features.mel import htk_filters, magnitudes
from ugaar.features.vggish_network import (
    DIMENSIONS,
    N_FRAMES,
    N_MELS,
    VggishNetwork,
    load_network,
    load_pca,
    postprocess,
)

RATE_HZ = 16000
WINDOW = 400  # 25 ms
HOP = 160  # 10 ms
N_FFT = 512
LOW_HZ, HIGH_HZ = 125.0, 7500.0
LOG_OFFSET = 0.01
MIN_SAMPLES = WINDOW + (N_FRAMES - 1) * HOP
BATCH_SIZE = 8


def examples(samples: np.ndarray, filters: torch.Tensor) -> torch.Tensor:
    """Cut one clip into log-mel examples.

    Args:
        samples: (n,), float32, at 16 kHz; fewer than 15,600 are followed by silence.
        filters: HTK filters (257, 64).

    Returns:
        (examples, 96, 64): 0.96 s each, one after the other; what remains is dropped.
    """
    if len(samples) < MIN_SAMPLES:
        samples = np.pad(samples, (0, MIN_SAMPLES - len(samples)))
    waveform = torch.from_numpy(samples).to(filters.device)
    spectrum = magnitudes(waveform, N_FFT, WINDOW, HOP, centred=False)
    log_mel = torch.log(spectrum @ filters + LOG_OFFSET)
    count = len(log_mel) // N_FRAMES
    return log_mel[: count * N_FRAMES].reshape(count, N_FRAMES, N_MELS)


class Vggish:
    """Encodes clips by VGGish, a vector for every 0.96 s."""

    dimensions = DIMENSIONS

    def __init__(
        self,
        network: VggishNetwork,
        pca: tuple[np.ndarray, np.ndarray] | None = None,
        device: str = "cpu",
    ) -> None:
        """Wrap a network.

        Args:
            network: with its weights.
            pca: eigenvectors (128, 128) and means (128,) of the post-process, or None without.
            device: cpu or cuda.
        """
        self._device = torch.device(device)
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._network = network.to(self._device).eval()
        self._pca = pca
        filters = htk_filters(RATE_HZ, N_FFT, N_MELS, LOW_HZ, HIGH_HZ)
        self._filters = torch.from_numpy(filters).to(self._device)

    @torch.inference_mode()
    def encode(
        self,
        clips: Sequence[np.ndarray],
        sample_rate_hz: int,
        onsets_s: Sequence[Sequence[float]],
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Encode clips; see `ugaar.features.audio_encoder.AudioEncoder`."""
        encoded = []
        for clip in clips:
            inputs = examples(resample(clip, sample_rate_hz, RATE_HZ), self._filters)
            vectors = self._embed(inputs)
            if self._pca is not None:
                vectors = postprocess(vectors, *self._pca)
            starts = np.arange(len(vectors)) * N_FRAMES * HOP
            centres = ((starts + MIN_SAMPLES / 2) / RATE_HZ).astype(np.float32)
            encoded.append((centres, vectors))
        return encoded

    def _embed(self, inputs: torch.Tensor) -> np.ndarray:
        """Run batches of one size, the last padded: the same bytes whatever the clip's length."""
        parts = []
        for batch in inputs.split(BATCH_SIZE):
            missing = BATCH_SIZE - len(batch)
            padded = torch.nn.functional.pad(batch, (0, 0, 0, 0, 0, missing))
            parts.append(self._network(padded)[: len(batch)])
        return torch.cat(parts).cpu().numpy()


def load(weights: Path | None, settings: Mapping[str, Any], device: str) -> Vggish:
    """Build the encoder from a weights file.

    Args:
        weights: the PyTorch file; None takes features.audio.vggish.weights.
        settings: with features.audio.vggish.{weights, activation, pca}.
        device: cpu or cuda.

    Raises:
        ConfigError: no weights are named, or the file is missing.
        DataError: the file holds no VGGish weights.
    """
    chosen = settings["features"]["audio"]["vggish"]
    path = weights or chosen["weights"]
    if path is None:
        raise ConfigError(
            "features.audio.vggish.weights: needed for the vggish encoder; get the file with: "
            "ugaar fetch --name vggish --sources config/sources.tsv --out vggish.pth, and name it"
        )
    pca = load_pca(Path(chosen["pca"])) if chosen["pca"] not in (None, "none") else None
    return Vggish(load_network(Path(path), chosen["activation"]), pca, device)
