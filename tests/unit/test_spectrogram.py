"""The spectrogram against known tones, clicks and levels."""

import numpy as np
import pytest

from ugaar.features import spectrogram

RATE = spectrogram.SAMPLE_RATE_HZ


def sine(hertz: float, seconds: float = 2.0, rate: int = RATE) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype("f4")


def test_there_are_exactly_92_unit_triangles():
    filters = spectrogram.filterbank()
    assert filters.shape == (1025, 92)
    np.testing.assert_allclose(filters.sum(axis=0), 1.0, rtol=1e-5)
    assert (filters >= 0).all()
    assert np.count_nonzero(filters[:, 0]) == 1
    assert np.count_nonzero(filters[:, -1]) > 10


def test_band_edges_rise_and_stay_between_30_and_6000_hz():
    edges = spectrogram.band_edges()
    assert len(edges) == spectrogram.N_BINS + 2
    assert (np.diff(edges) > 0).all()
    hertz = edges * RATE / spectrogram.FRAME_SIZE
    assert hertz[0] == pytest.approx(30.0, abs=6.0)
    assert hertz[-1] == pytest.approx(6000.0, rel=0.05)


@pytest.mark.parametrize("hertz", [110.0, 261.63, 440.0, 1046.5, 3520.0])
def test_a_sine_peaks_in_the_band_of_its_frequency(hertz):
    found = spectrogram.log_spectrogram(sine(hertz))[2:-2].mean(axis=0).argmax()
    edges = spectrogram.band_edges() * RATE / spectrogram.FRAME_SIZE
    assert edges[found] < hertz < edges[found + 2]


def test_an_octave_above_300_hz_spans_16_bands():
    peaks = [spectrogram.log_spectrogram(sine(h))[5].argmax() for h in (1000.0, 2000.0, 4000.0)]
    np.testing.assert_allclose(np.diff(peaks), 16, atol=1)


def test_the_level_is_log10_of_one_plus_the_magnitude():
    # A bin-centred sine of amplitude a has FFT magnitude a x sum(window) / 2 in its bin; a Hann
    # window halves it in both neighbours. Band 40 weights its bins by a known triangle.
    band = 40
    start, peak, stop = spectrogram.band_edges()[band : band + 3]
    clip = 0.5 * np.cos(2 * np.pi * peak / 2048 * np.arange(2 * RATE))
    centre = 0.5 * np.hanning(2048).sum() / 2
    weights = spectrogram.filterbank()[peak - 1 : peak + 2, band]
    expected = np.log10(1 + weights @ np.array([0.5, 1.0, 0.5]) * centre)
    assert start < peak < stop
    assert spectrogram.log_spectrogram(clip)[5, band] == pytest.approx(expected, abs=1e-3)


def test_frames_start_at_their_time_stamps():
    # A click just before frame 7's start (7 x 1102.5 = 7717.5) is not in frame 7, one inside is.
    for place, heard in ((7716, False), (7717 + 1024, True)):
        clip = np.zeros(RATE, dtype=np.float32)
        clip[place] = 1.0
        assert (spectrogram.log_spectrogram(clip)[7].max() > 0) == heard


def test_number_of_frames_is_20_a_second_rounded_up():
    assert spectrogram.log_spectrogram(np.zeros(RATE, "f4")).shape == (20, 92)
    assert spectrogram.log_spectrogram(np.zeros(RATE + 1, "f4")).shape == (21, 92)
    assert spectrogram.log_spectrogram(np.zeros(1, "f4")).shape == (1, 92)


def test_silence_is_zero():
    assert (spectrogram.log_spectrogram(np.zeros(5000, "f4")) == 0).all()


def test_other_sampling_rates_give_the_same_picture():
    a = spectrogram.log_spectrogram(sine(440.0))
    b = spectrogram.log_spectrogram(sine(440.0, rate=44100), 44100)
    assert a.shape == b.shape
    np.testing.assert_allclose(a[3:-3], b[3:-3], atol=0.02)


def test_onset_frames_are_rounded_up():
    onsets = [0.0, 0.05, 0.15, 0.151, 1.0]
    assert spectrogram.onset_frame(np.array(onsets)).tolist() == [0, 1, 3, 4, 20]


@pytest.mark.parametrize("clip", [np.zeros(0), np.zeros((2, 100))])
def test_misuse_is_named(clip):
    with pytest.raises(ValueError, match="expected mono samples"):
        spectrogram.log_spectrogram(clip)
