"""Audio codes: spectrogram excerpts along a clip through the audio tower of the encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ugaar.features.fast_convolution import FastTower
from ugaar.features.overlapping import (
    LEAST_WIDTH,
    WIDTH_UNIT,
    outputs_of_crops,
    widened,
)
from ugaar.features.spectrogram import FRAMES_PER_SECOND, log_spectrogram
from ugaar.models.encoder_file import load_encoder
from ugaar.models.systems.cca_layer import SPECTROGRAM_BINS, AudioSheetEncoder
from ugaar.models.towers import CODE_SIZE
from ugaar.train.device import bfloat16_is_native, choose_device

_CHUNK = 25
"""Excerpts in a batch; the last one is padded, so that a code never depends on its company."""


class AudioEncoder:
    """Turns clips into unit-length codes of the common space.

    Args:
        encoder: the audio-sheet encoder, in evaluation mode on the CPU.
        hop_s: step between the centres of excerpts, seconds.
        precision: torch.float32 or torch.bfloat16.
    """

    dimensions = CODE_SIZE

    def __init__(self, encoder: AudioSheetEncoder, hop_s: float, precision: torch.dtype) -> None:
        self._encoder = encoder
        self._hop_s = hop_s
        self._tower = FastTower(encoder.audio, precision)

    def encode(
        self,
        clips: Sequence[np.ndarray],
        sample_rate_hz: int,
        onsets_s: Sequence[Sequence[float]],
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Encode clips.

        Args:
            clips: mono samples, full scale = 1, shape (n_samples,) each.
            sample_rate_hz: their sampling rate.
            onsets_s: onsets of each clip's notes in seconds; excerpts are centred on points every
                `hop_s` from the first to the last onset (0 to the end of a clip without onsets).

        Returns:
            For each clip the centres of its excerpts in seconds, float32, shape (n,), and their
            codes, float32, shape (n, 32).
        """
        return [
            self._encode(clip, sample_rate_hz, onsets)
            for clip, onsets in zip(clips, onsets_s, strict=True)
        ]

    def _encode(
        self, clip: np.ndarray, sample_rate_hz: int, onsets: Sequence[float]
    ) -> tuple[np.ndarray, np.ndarray]:
        first, last = (
            (min(onsets), max(onsets)) if len(onsets) else (0.0, len(clip) / sample_rate_hz)
        )
        times = np.arange(first, last + 1e-9, self._hop_s)
        return times.astype(np.float32), self.codes_at(log_spectrogram(clip, sample_rate_hz), times)

    @torch.inference_mode()
    def codes_at(self, spectrogram: np.ndarray, times_s: np.ndarray) -> np.ndarray:
        """Encode the excerpts of a spectrogram that are centred on given times.

        As in training, the centre is frame T // 2 of an excerpt and silence lies outside the clip.

        Args:
            spectrogram: shape (n_frames, 92).
            times_s: centres in seconds, shape (n,).

        Returns:
            Unit-length codes, float32, shape (n, 32).
        """
        frames = self._encoder.design.frames
        padded = np.zeros((len(spectrogram) + 2 * frames, SPECTROGRAM_BINS), dtype=np.float32)
        padded[frames : frames + len(spectrogram)] = spectrogram
        starts = np.rint(times_s * FRAMES_PER_SECOND).astype(np.int64) - frames // 2 + frames
        starts = np.clip(starts, 0, len(padded) - frames)
        raw = self._shared(padded, starts) if self._sharing else self._apart(padded, starts)
        return self._encoder.audio_codes(raw).numpy()

    @property
    def _sharing(self) -> bool:
        frames = self._encoder.design.frames
        return frames % WIDTH_UNIT == 0 and frames >= LEAST_WIDTH

    def _shared(self, padded: np.ndarray, starts: np.ndarray) -> torch.Tensor:
        """Return the tower's output (n, 32) for excerpts that overlap, as they do 0.5 s apart."""
        image = torch.from_numpy(padded.T[None, None])
        prepared = self._tower.prepare(widened(image, 0, 0.0))
        return outputs_of_crops(self._tower, prepared, starts, self._encoder.design.frames)

    def _apart(self, padded: np.ndarray, starts: np.ndarray) -> torch.Tensor:
        """Return the same in batches of excerpts."""
        frames = self._encoder.design.frames
        views = np.lib.stride_tricks.sliding_window_view(padded, frames, axis=0)[starts]
        outputs = []
        for start in range(0, len(starts), _CHUNK):
            count = min(_CHUNK, len(starts) - start)
            batch = np.zeros((_CHUNK, 1, SPECTROGRAM_BINS, frames), dtype=np.float32)
            batch[:count, 0] = views[start : start + count]
            outputs.append(self._tower(torch.from_numpy(batch))[:count])
        return torch.cat(outputs)


def load(weights: Path, settings: dict[str, Any], device: str) -> AudioEncoder:
    """Return the audio encoder of an encoder file (trained, untrained or published).

    Args:
        weights: file written by train-encoder.
        settings: with `features.audio.asmcmr.hop_s`.
        device: accepted for the encoders' common protocol; the tower is small and always runs on
            the CPU, so that features do not depend on the machine's GPU.

    Returns:
        The encoder.
    """
    choose_device("cpu")
    native = bfloat16_is_native(torch.device("cpu"))
    return AudioEncoder(
        load_encoder(weights).encoder,
        settings["features"]["audio"]["asmcmr"]["hop_s"],
        torch.bfloat16 if native else torch.float32,
    )
