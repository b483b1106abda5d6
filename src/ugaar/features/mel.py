"""Mel spectrograms: the two filter banks in use (Slaney and HTK) and a framed Fourier transform."""

from __future__ import annotations

import numpy as np
import torch


def slaney_filters(
    rate_hz: int, n_fft: int, n_mels: int, low_hz: float, high_hz: float
) -> np.ndarray:
    """Return triangular filters on Slaney's mel scale, each of unit area (librosa's default).

    Args:
        rate_hz: sampling rate.
        n_fft: length of the Fourier transform in samples.
        n_mels: number of filters.
        low_hz: lower edge of the first filter.
        high_hz: upper edge of the last filter.

    Returns:
        Filters (n_fft // 2 + 1, n_mels), float32: linear below 1 kHz, 27 steps per factor of 6.4
        above.
    """
    linear_step, corner_hz, log_step = 200.0 / 3, 1000.0, np.log(6.4) / 27
    corner_mel = corner_hz / linear_step

    def to_mel(hertz: float) -> float:
        if hertz < corner_hz:
            return hertz / linear_step
        return float(corner_mel + np.log(hertz / corner_hz) / log_step)

    mels = np.linspace(to_mel(low_hz), to_mel(high_hz), n_mels + 2)
    edges = np.where(
        mels < corner_mel, mels * linear_step, corner_hz * np.exp(log_step * (mels - corner_mel))
    )
    bins = np.linspace(0, rate_hz / 2, n_fft // 2 + 1)[:, None]
    rising = (bins - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - bins) / np.diff(edges)[1:]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * 2 / (edges[2:] - edges[:-2])).astype(np.float32)


def htk_filters(rate_hz: int, n_fft: int, n_mels: int, low_hz: float, high_hz: float) -> np.ndarray:
    """Return filters that are triangles in HTK mels, of unit height, without the DC row (VGGish).

    Args:
        rate_hz: sampling rate.
        n_fft: length of the Fourier transform in samples.
        n_mels: number of filters.
        low_hz: lower edge of the first filter.
        high_hz: upper edge of the last filter.

    Returns:
        Filters (n_fft // 2 + 1, n_mels), float32, with mel = 1127 ln(1 + f / 700).
    """

    def to_mel(hertz: np.ndarray | float) -> np.ndarray:
        return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)

    edges = np.linspace(to_mel(low_hz), to_mel(high_hz), n_mels + 2)
    bins = to_mel(np.linspace(0, rate_hz / 2, n_fft // 2 + 1))[:, None]
    rising = (bins - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - bins) / np.diff(edges)[1:]
    triangles = np.maximum(0, np.minimum(rising, falling))
    triangles[0] = 0
    return triangles.astype(np.float32)


def magnitudes(
    samples: torch.Tensor, n_fft: int, window_length: int, hop: int, *, centred: bool
) -> torch.Tensor:
    """Return the magnitude spectrum of overlapping frames under a periodic Hann window.

    Args:
        samples: (n,), float32.
        n_fft: length of the Fourier transform; shorter windows are followed by zeros.
        window_length: window length in samples, at most n_fft.
        hop: step between frames in samples.
        centred: True pads n_fft // 2 zeros at both ends, so that frame i is centred on sample
            i * hop (librosa); False starts frame i at sample i * hop and drops incomplete frames.

    Returns:
        Magnitudes (frames, n_fft // 2 + 1).
    """
    if centred:
        samples = torch.nn.functional.pad(samples, (n_fft // 2, n_fft // 2))
    window = torch.hann_window(window_length, periodic=True, device=samples.device)
    frames = samples.unfold(0, window_length, hop) * window
    return torch.fft.rfft(frames, n=n_fft).abs()
