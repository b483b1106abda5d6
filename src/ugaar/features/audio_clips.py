"""Audio clips as arrays: decoding FLAC bytes and changing the sampling rate."""

from __future__ import annotations

import io
from functools import lru_cache
from math import gcd

import numpy as np
import scipy.signal
import soundfile

from ugaar.errors import DataError

_ZERO_CROSSINGS = 32
_KAISER_BETA = 12.0  # stop band below -115 dB
_ROLL_OFF = 0.95


def decode(flac: bytes, key: str) -> tuple[np.ndarray, int]:
    """Return the samples of a clip.

    Args:
        flac: a FLAC (or WAV) file; several channels are averaged.
        key: the clip's audio_key, for errors.

    Returns:
        Samples (n,), float32, full scale = 1; and the sampling rate in Hz.

    Raises:
        DataError: the bytes are no audio file.
    """
    try:
        samples, rate = soundfile.read(io.BytesIO(flac), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise DataError(
            f"audio clip {key}: not decodable ({error}); delete the shard that holds it and run "
            "render-audio again"
        ) from error
    return samples.mean(axis=1) if samples.shape[1] > 1 else samples[:, 0], rate


@lru_cache(maxsize=8)
def _low_pass(up: int, down: int) -> np.ndarray:
    """Return the windowed-sinc filter for a rate change by up/down, float32, unit gain."""
    widest = max(up, down)
    taps = 2 * _ZERO_CROSSINGS * widest + 1
    window = scipy.signal.firwin(taps, _ROLL_OFF / widest, window=("kaiser", _KAISER_BETA))
    return window.astype(np.float32)


def resample(samples: np.ndarray, rate_hz: int, wanted_hz: int) -> np.ndarray:
    """Change the sampling rate with a polyphase windowed-sinc filter.

    Args:
        samples: (n,), float32.
        rate_hz: their sampling rate.
        wanted_hz: the sampling rate wanted.

    Returns:
        (ceil(n * wanted_hz / rate_hz),), float32; the input itself where the rates are equal.
    """
    if rate_hz == wanted_hz:
        return samples
    common = gcd(rate_hz, wanted_hz)
    up, down = wanted_hz // common, rate_hz // common
    changed = scipy.signal.resample_poly(samples, up, down, window=_low_pass(up, down))
    return changed.astype(np.float32, copy=False)
