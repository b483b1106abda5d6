"""Guards the front ends against librosa, and the resampler against aliasing."""

import io

import librosa
import numpy as np
import pytest
import soundfile
import torch

from ugaar.errors import DataError
from ugaar.features.audio_clips import decode, resample
from ugaar.features.mel import htk_filters, magnitudes, slaney_filters


def test_slaney_filters_are_librosas():
    expected = librosa.filters.mel(sr=16000, n_fft=512, n_mels=96).T
    np.testing.assert_allclose(slaney_filters(16000, 512, 96, 0, 8000), expected, atol=1e-8)


def test_htk_filters_peak_where_librosas_do_and_drop_dc():
    # librosa's triangles are linear in hertz, VGGish's in mels: close, not equal.
    ours = htk_filters(16000, 512, 64, 125, 7500)
    theirs = librosa.filters.mel(
        sr=16000, n_fft=512, n_mels=64, fmin=125, fmax=7500, htk=True, norm=None
    ).T
    assert ours.shape == (257, 64)
    assert not ours[0].any()
    assert np.abs(ours - theirs).max() < 0.06
    assert (ours.argmax(axis=0) == theirs.argmax(axis=0)).all()


def test_htk_filter_value_by_hand():
    # Bin 32 is 1000 Hz = 1127 ln(1 + 1000/700) = 999.99 mel.
    low, high = 1127 * np.log1p(125 / 700), 1127 * np.log1p(7500 / 700)
    step = (high - low) / 65
    mel = 1127 * np.log1p(1000 / 700)
    lower = int((mel - low) // step)
    rest = (mel - low) / step - lower
    row = htk_filters(16000, 512, 64, 125, 7500)[32]
    assert row[lower] == pytest.approx(rest, abs=1e-6)
    assert row[lower - 1] == pytest.approx(1 - rest, abs=1e-6)
    assert np.count_nonzero(row) == 2


def test_centred_magnitudes_are_librosas():
    samples = np.random.default_rng(0).standard_normal(5000).astype(np.float32)
    expected = np.abs(librosa.stft(samples, n_fft=512, hop_length=256)).T
    found = magnitudes(torch.from_numpy(samples), 512, 512, 256, centred=True)
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_uncentred_frames_start_at_multiples_of_the_hop_and_incomplete_ones_are_dropped():
    samples = np.random.default_rng(0).standard_normal(1200).astype(np.float32)
    found = magnitudes(torch.from_numpy(samples), 512, 400, 160, centred=False)
    assert found.shape == (6, 257)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)  # periodic Hann
    expected = np.abs(np.fft.rfft(samples[320:720] * window, 512))
    np.testing.assert_allclose(found[2], expected, atol=1e-4)


@pytest.mark.parametrize("rate", [22050, 44100, 8000])
def test_resampled_sine_is_the_sine_at_the_new_rate(rate):
    time = np.arange(rate) / rate
    changed = resample(np.sin(2 * np.pi * 440 * time).astype(np.float32), rate, 16000)
    assert changed.dtype == np.float32
    assert len(changed) == 16000
    expected = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    np.testing.assert_allclose(changed[500:-500], expected[500:-500], atol=2e-4)


def test_resampling_removes_what_the_new_rate_cannot_hold():
    time = np.arange(44100) / 44100
    changed = resample(np.sin(2 * np.pi * 12000 * time).astype(np.float32), 44100, 16000)
    assert np.abs(changed[500:-500]).max() < 1e-4


def test_equal_rates_leave_the_samples_alone():
    samples = np.float32([1, 2, 3])
    assert resample(samples, 16000, 16000) is samples


def test_decode_reads_flac_and_averages_channels():
    buffer = io.BytesIO()
    soundfile.write(buffer, np.array([[0.5, 0.0], [-0.5, 0.25]]), 22050, format="FLAC")
    samples, rate = decode(buffer.getvalue(), "key")
    assert rate == 22050
    np.testing.assert_allclose(samples, [0.25, -0.125], atol=1e-4)


def test_undecodable_clip_is_named():
    with pytest.raises(DataError, match="audio clip 0badc0de: not decodable"):
        decode(b"no audio", "0badc0de")
