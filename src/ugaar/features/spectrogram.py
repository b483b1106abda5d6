"""The log-frequency spectrogram of the audio-sheet encoder.

The front end of Dorfer et al. (TISMIR 2018): magnitudes at 20 frames a second through a
filterbank of 16 bands an octave, log-compressed.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ugaar.features.audio_clips import resample

SAMPLE_RATE_HZ = 22050
FRAMES_PER_SECOND = 20
FRAME_SIZE = 2048
BANDS_PER_OCTAVE = 16
LOWEST_HZ = 30.0
HIGHEST_HZ = 6000.0
REFERENCE_HZ = 440.0
N_BINS = 92
_HOP = SAMPLE_RATE_HZ / FRAMES_PER_SECOND


@cache
def band_edges() -> np.ndarray:
    """Return the FFT bins at which the triangles start, peak and stop.

    Frequencies lie `BANDS_PER_OCTAVE` to the octave around `REFERENCE_HZ`; each goes to its
    nearest FFT bin and bins met twice (low notes lie closer than FFT bins) count once. Triangle k
    rises from edge k to edge k + 1 and falls to edge k + 2.

    Returns:
        Bin numbers, int64, shape (N_BINS + 2,).
    """
    lowest = np.floor(np.log2(LOWEST_HZ / REFERENCE_HZ) * BANDS_PER_OCTAVE)
    highest = np.ceil(np.log2(HIGHEST_HZ / REFERENCE_HZ) * BANDS_PER_OCTAVE)
    frequencies = REFERENCE_HZ * 2.0 ** (np.arange(lowest, highest) / BANDS_PER_OCTAVE)
    frequencies = frequencies[(frequencies >= LOWEST_HZ) & (frequencies <= HIGHEST_HZ)]
    return np.unique(np.rint(frequencies * FRAME_SIZE / SAMPLE_RATE_HZ).astype(np.int64))


@cache
def filterbank() -> np.ndarray:
    """Return the triangular filters, each of unit sum.

    Returns:
        float32, shape (FRAME_SIZE // 2 + 1, N_BINS).
    """
    edges = band_edges()
    filters = np.zeros((FRAME_SIZE // 2 + 1, len(edges) - 2), dtype=np.float64)
    for band, (start, peak, stop) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        filters[start:peak, band] = np.arange(peak - start) / (peak - start)
        filters[peak:stop, band] = np.arange(stop - peak, 0, -1) / (stop - peak)
    return (filters / filters.sum(axis=0)).astype(np.float32)


def log_spectrogram(clip: np.ndarray, sample_rate_hz: int = SAMPLE_RATE_HZ) -> np.ndarray:
    """Return the log-compressed filterbank magnitudes of a clip: log10(1 + x).

    Frame k starts at k / 20 s (it is not centred there), so the frame of an onset holds its attack.

    Args:
        clip: mono samples, full scale = 1, shape (n_samples,).
        sample_rate_hz: its sampling rate.

    Returns:
        float32, shape (n_frames, N_BINS), with n_frames = ceil(duration x 20). Silence is 0.

    Raises:
        ValueError: the clip is empty or not one-dimensional.
    """
    if clip.ndim != 1 or not len(clip):
        raise ValueError(f"expected mono samples, found an array of shape {clip.shape}")
    clip = resample(np.asarray(clip, dtype=np.float32), sample_rate_hz, SAMPLE_RATE_HZ)
    n_frames = int(np.ceil(len(clip) / _HOP))
    starts = (np.arange(n_frames) * _HOP).astype(np.int64)
    padded = np.zeros(starts[-1] + FRAME_SIZE, dtype=np.float32)
    padded[: min(len(clip), len(padded))] = clip[: len(padded)]
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME_SIZE)[starts]
    window = np.hanning(FRAME_SIZE).astype(np.float32)
    magnitudes = np.abs(np.fft.rfft(frames * window, axis=1)).astype(np.float32)
    return np.log10(1.0 + magnitudes @ filterbank())


def onset_frame(onset_s: np.ndarray | float) -> np.ndarray:
    """Return the first frame that starts at or after an onset: ceil(20 t), as in MSMD."""
    # 0.15 s x 20 is 3.0000000000000004 in binary floating point: without rounding, frame 4.
    return np.ceil(np.round(np.asarray(onset_s) * FRAMES_PER_SECOND, 6)).astype(np.int64)
