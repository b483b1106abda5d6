"""The log-frequency spectrograms of the audio-sheet systems.

Magnitudes of 2048-sample frames through a filterbank of triangles spaced evenly in pitch,
log-compressed: 92 bands at 20 frames a second (Dorfer et al., TISMIR 2018) or 136 bands at 31.25
(Dorfer et al., ISMIR 2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from ugaar.features.audio_clips import resample

SAMPLE_RATE_HZ = 22050
FRAME_SIZE = 2048
REFERENCE_HZ = 440.0

BLOCK_FRAMES = 1536
"""Frames that are transformed together: they take about 70 MB at most, however long the clip. A
multiple of the 12 rows that a matrix product handles at once, so that blocks change no bit."""


@dataclass(frozen=True)
class FrontEnd:
    """A spectrogram by its name.

    Attributes:
        name: how the config and the file names call it.
        frames_per_second: frame rate; a frame's start is rounded down to a sample.
        bands_per_octave: centre frequencies of the filters, before those that share an FFT bin are
            joined.
        lowest_hz: lower end of the lowest filter.
        highest_hz: upper end of the highest filter.
        n_bins: number of filters that remain.
    """

    name: str
    frames_per_second: float
    bands_per_octave: int
    lowest_hz: float
    highest_hz: float
    n_bins: int

    @property
    def hop(self) -> float:
        """Samples between the starts of neighbouring frames."""
        return SAMPLE_RATE_HZ / self.frames_per_second


# The ISMIR 2017 paper gives bins and frame rate alone; 24 bands an octave from 30 Hz to 8 kHz is
# the layout that comes to exactly 136.
FRONT_ENDS = {
    front_end.name: front_end
    for front_end in (
        FrontEnd("20fps", 20, 16, 30.0, 6000.0, 92),
        FrontEnd("31fps", 31.25, 24, 30.0, 8000.0, 136),
    )
}

DEFAULT = FRONT_ENDS["20fps"]
FRAMES_PER_SECOND = 20
N_BINS = DEFAULT.n_bins


@cache
def band_edges(front_end: FrontEnd = DEFAULT) -> np.ndarray:
    """Return the FFT bins at which the triangles start, peak and stop.

    Frequencies lie `bands_per_octave` to the octave around `REFERENCE_HZ`; each goes to its
    nearest FFT bin and bins met twice (low notes lie closer than FFT bins) count once. Triangle k
    rises from edge k to edge k + 1 and falls to edge k + 2.

    Args:
        front_end: the spectrogram.

    Returns:
        Bin numbers, int64, shape (n_bins + 2,).
    """
    density = front_end.bands_per_octave
    lowest = np.floor(np.log2(front_end.lowest_hz / REFERENCE_HZ) * density)
    highest = np.ceil(np.log2(front_end.highest_hz / REFERENCE_HZ) * density)
    frequencies = REFERENCE_HZ * 2.0 ** (np.arange(lowest, highest) / density)
    inside = (frequencies >= front_end.lowest_hz) & (frequencies <= front_end.highest_hz)
    return np.unique(np.rint(frequencies[inside] * FRAME_SIZE / SAMPLE_RATE_HZ).astype(np.int64))


@cache
def filterbank(front_end: FrontEnd = DEFAULT) -> np.ndarray:
    """Return the triangular filters, each of unit sum.

    Args:
        front_end: the spectrogram.

    Returns:
        float32, shape (FRAME_SIZE // 2 + 1, n_bins).
    """
    edges = band_edges(front_end)
    filters = np.zeros((FRAME_SIZE // 2 + 1, len(edges) - 2), dtype=np.float64)
    for band, (start, peak, stop) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        filters[start:peak, band] = np.arange(peak - start) / (peak - start)
        filters[peak:stop, band] = np.arange(stop - peak, 0, -1) / (stop - peak)
    return (filters / filters.sum(axis=0)).astype(np.float32)


def frame_count(n_samples: int, sample_rate_hz: int, front_end: FrontEnd = DEFAULT) -> int:
    """Return the number of frames of a clip: ceil(duration x frames_per_second)."""
    resampled = -(-n_samples * SAMPLE_RATE_HZ // sample_rate_hz)
    return int(np.ceil(resampled / front_end.hop))


def log_spectrogram(
    clip: np.ndarray, sample_rate_hz: int = SAMPLE_RATE_HZ, front_end: FrontEnd = DEFAULT
) -> np.ndarray:
    """Return the log-compressed filterbank magnitudes of a clip: log10(1 + x).

    Frame k starts at k / frames_per_second (it is not centred there), so the frame of an onset
    holds its attack.

    Args:
        clip: mono samples, full scale = 1, shape (n_samples,).
        sample_rate_hz: its sampling rate.
        front_end: the spectrogram.

    Returns:
        float32, shape (n_frames, n_bins), with n_frames of `frame_count`. Silence is 0.

    Raises:
        ValueError: the clip is empty or not one-dimensional.
    """
    if clip.ndim != 1 or not len(clip):
        raise ValueError(f"expected mono samples, found an array of shape {clip.shape}")
    n_frames = frame_count(len(clip), sample_rate_hz, front_end)
    clip = resample(np.asarray(clip, dtype=np.float32), sample_rate_hz, SAMPLE_RATE_HZ)
    starts = (np.arange(n_frames) * front_end.hop).astype(np.int64)
    padded = np.zeros(starts[-1] + FRAME_SIZE, dtype=np.float32)
    padded[: min(len(clip), len(padded))] = clip[: len(padded)]
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME_SIZE)
    window = np.hanning(FRAME_SIZE).astype(np.float32)
    found = np.empty((n_frames, front_end.n_bins), dtype=np.float32)
    # The last block takes the remainder: a product of a few rows is summed in another order.
    firsts = [*range(0, max(n_frames - BLOCK_FRAMES, 0) + 1, BLOCK_FRAMES), n_frames]
    for first, stop in pairwise(firsts):
        spectra = np.fft.rfft(frames[starts[first:stop]] * window, axis=1)
        magnitudes = np.abs(spectra).astype(np.float32)
        found[first:stop] = np.log10(1.0 + magnitudes @ filterbank(front_end))
    return found


def onset_frame(onset_s: np.ndarray | float, front_end: FrontEnd = DEFAULT) -> np.ndarray:
    """Return the first frame that starts at or after an onset: ceil(t x rate), as in MSMD."""
    # 0.15 s x 20 is 3.0000000000000004 in binary floating point: without rounding, frame 4.
    frames = np.round(np.asarray(onset_s) * front_end.frames_per_second, 6)
    return np.ceil(frames).astype(np.int64)
