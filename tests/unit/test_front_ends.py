"""Both spectrogram front ends: bins, tones, frames, and clips of many blocks."""

import numpy as np
import pytest

from ugaar.features import spectrogram
from ugaar.features.spectrogram import (
    BLOCK_FRAMES,
    FRONT_ENDS,
    band_edges,
    filterbank,
    frame_count,
    log_spectrogram,
    onset_frame,
)

RATE = spectrogram.SAMPLE_RATE_HZ
BOTH = pytest.mark.parametrize("front_end", FRONT_ENDS.values(), ids=FRONT_ENDS)


@pytest.mark.parametrize(("name", "bins", "hop"), [("20fps", 92, 1102.5), ("31fps", 136, 705.6)])
def test_bins_and_hops_are_the_papers(name, bins, hop):
    front_end = FRONT_ENDS[name]
    assert front_end.hop == hop
    assert front_end.n_bins == bins
    filters = filterbank(front_end)
    assert filters.shape == (1025, bins)
    np.testing.assert_allclose(filters.sum(axis=0), 1.0, rtol=1e-5)
    assert log_spectrogram(np.zeros(RATE, "f4"), RATE, front_end).shape[1] == bins


@BOTH
@pytest.mark.parametrize("hertz", [110.0, 440.0, 1046.5, 5000.0])
def test_a_tone_peaks_in_the_band_whose_triangle_holds_it(front_end, hertz):
    tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)
    found = log_spectrogram(tone, RATE, front_end)[3:-3].mean(axis=0).argmax()
    edges = band_edges(front_end) * RATE / spectrogram.FRAME_SIZE
    assert edges[found] < hertz < edges[found + 2]


def test_an_octave_of_high_notes_spans_as_many_bands_as_the_name_says():
    for front_end in FRONT_ENDS.values():
        peaks = []
        for hertz in (1500.0, 3000.0):
            tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)
            peaks.append(log_spectrogram(tone, RATE, front_end)[5].argmax())
        assert abs(peaks[1] - peaks[0] - front_end.bands_per_octave) <= 1


def test_frames_of_a_fractional_hop_do_not_drift():
    # Frame 1000 starts at sample 705,600 exactly; a hop of 705 or 706 would be 400 samples off.
    front_end = FRONT_ENDS["31fps"]
    click = np.zeros(33 * RATE, dtype=np.float32)
    click[705_600 + 3] = 1.0
    heard = np.flatnonzero(log_spectrogram(click, RATE, front_end).max(axis=1) > 0)
    assert heard.tolist() == [998, 999, 1000]


@BOTH
def test_a_long_clip_in_blocks_equals_its_parts(front_end, monkeypatch):
    samples = round((2 * BLOCK_FRAMES + 100) * front_end.hop)
    clip = np.random.default_rng(0).standard_normal(samples).astype(np.float32) * 0.1
    blocks = log_spectrogram(clip, RATE, front_end)
    monkeypatch.setattr(spectrogram, "BLOCK_FRAMES", 10**9)
    # Equal to the bit on one thread, as every stage runs; two threads cut the products elsewhere.
    np.testing.assert_allclose(blocks, log_spectrogram(clip, RATE, front_end), atol=1e-6)


@BOTH
@pytest.mark.parametrize("rate", [RATE, 44100, 16000])
def test_the_number_of_frames_is_known_before_decoding(front_end, rate):
    for samples in (1, 705, 706, 1103, 30000, 99999):
        found = log_spectrogram(np.zeros(samples, "f4"), rate, front_end)
        assert len(found) == frame_count(samples, rate, front_end)


def test_onsets_fall_into_the_frame_that_starts_at_or_after_them():
    onsets = np.array([0.0, 0.05, 0.15, 0.032, 0.033, 32.0])
    assert onset_frame(onsets).tolist() == [0, 1, 3, 1, 1, 640]
    assert onset_frame(onsets, FRONT_ENDS["31fps"]).tolist() == [0, 2, 5, 1, 2, 1000]


@BOTH
def test_silence_is_zero(front_end):
    assert (log_spectrogram(np.zeros(5000, "f4"), RATE, front_end) == 0).all()
