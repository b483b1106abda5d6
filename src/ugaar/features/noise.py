"""White noise added to clips at a given signal-to-noise ratio."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


def with_noise(clip: NDArray[np.float32], ratio_db: float, key: str) -> NDArray[np.float32]:
    """Add Gaussian white noise to a clip.

    Args:
        clip: samples, shape (n_samples,).
        ratio_db: mean power of the whole clip over that of the noise, decibels.
        key: identifier of the clip, which seeds the noise: the same whatever else is rendered.

    Returns:
        float32, shape (n_samples,); a silent clip stays silent.
    """
    power = float(np.mean(np.square(clip, dtype=np.float64))) if len(clip) else 0.0
    level = np.float32(np.sqrt(power) * 10.0 ** (-ratio_db / 20.0))
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    noise = np.random.default_rng(seed).standard_normal(len(clip), dtype=np.float32)
    return clip + level * noise
