"""What a synthesised clip must be: long enough, audible, not clipped, not noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ugaar.render.batch import Failure

SILENCE_RMS = 1e-3
"""-60 dB of full scale; a piano note at velocity 90 lies around -25 dB."""

CLIPPED_SAMPLES = 3
"""So many neighbouring samples at full scale count as clipping."""

NOISE_FLATNESS = 0.1
"""Piano windows lie below 0.01; a wrong soundfont, rendered as white noise, at about 0.5."""

FULL_SCALE = 32768
FRAME = 2048
FRAMES_AT_ONCE = 32


@dataclass(frozen=True)
class Measures:
    """Level and noisiness of a clip.

    Attributes:
        rms: root mean square, full scale = 1.
        peak: largest absolute sample, full scale = 1.
        flatness: spectral flatness of the mean power spectrum, 0 (tone) to 1 (white noise).
        clipped_run: longest run of samples at full scale.
    """

    rms: float
    peak: float
    flatness: float
    clipped_run: int


def fit(samples: NDArray[np.int16], n_before: int, n_samples: int) -> NDArray[np.int16]:
    """Bring a rendered clip to its exact length.

    TiMidity++ leaves out the silence before the first note and lets the last one ring as long as
    it likes; the silence is put back, and the end cut or padded.

    Args:
        samples: what TiMidity++ rendered.
        n_before: samples before the first note.
        n_samples: length of the result.
    """
    whole = np.pad(samples, (n_before, max(0, n_samples - n_before - len(samples))))
    return whole[:n_samples]


def spectral_flatness(samples: NDArray[np.float32]) -> float:
    """Return the geometric over the arithmetic mean of the clip's mean power spectrum.

    Args:
        samples: clip (n), full scale = 1; zero-padded to a whole number of frames.
    """
    n_frames = max(1, -(-len(samples) // FRAME))
    frames = np.pad(samples, (0, n_frames * FRAME - len(samples))).reshape(n_frames, FRAME)
    window = np.hanning(FRAME).astype(np.float32)
    power = np.zeros(FRAME // 2 + 1)
    for first in range(0, n_frames, FRAMES_AT_ONCE):
        spectrum = np.fft.rfft(frames[first : first + FRAMES_AT_ONCE] * window, axis=1)
        power += (spectrum.real**2 + spectrum.imag**2).sum(axis=0)
    # The constant term is left out; the floor (-160 dB) keeps digital silence out of the log.
    power = power[1:] / n_frames + 1e-16
    return float(np.exp(np.log(power).mean()) / power.mean())


def measure(samples: NDArray[np.int16]) -> Measures:
    """Measure a clip of 16-bit samples (n)."""
    scaled = samples.astype(np.float32) / np.float32(FULL_SCALE)
    peak = max(int(samples.max(initial=0)), -int(samples.min(initial=0)))
    return Measures(
        rms=float(np.sqrt(np.mean(np.square(scaled), dtype=np.float64))) if len(scaled) else 0.0,
        peak=peak / FULL_SCALE,
        flatness=spectral_flatness(scaled),
        clipped_run=_clipped_run(samples) if peak >= FULL_SCALE - 1 else 0,
    )


def _clipped_run(samples: NDArray[np.int16]) -> int:
    """Return the longest run of samples at full scale."""
    full = np.concatenate(([False], np.abs(samples.astype(np.int32)) >= FULL_SCALE - 1, [False]))
    edges = np.flatnonzero(full[1:] != full[:-1])
    return int((edges[1::2] - edges[::2]).max(initial=0))


def fault(measures: Measures, rendered_s: float, last_onset_s: float) -> Failure | None:
    """Return why a clip is unusable, or None.

    Args:
        measures: its measures.
        rendered_s: where what TiMidity++ rendered ends in the clip, seconds.
        last_onset_s: onset of the last note, seconds.
    """
    if rendered_s <= last_onset_s:
        return Failure(
            "audio-too-short",
            f"{rendered_s:.2f} s rendered, the last note starts at {last_onset_s:.2f} s",
        )
    if measures.rms < SILENCE_RMS:
        return Failure("audio-silent", f"rms {measures.rms:.2g} below {SILENCE_RMS:g}")
    if measures.clipped_run >= CLIPPED_SAMPLES:
        return Failure("audio-clipped", f"{measures.clipped_run} samples in a row at full scale")
    if measures.flatness > NOISE_FLATNESS:
        return Failure(
            "audio-noise", f"spectral flatness {measures.flatness:.2g} above {NOISE_FLATNESS:g}"
        )
    return None
