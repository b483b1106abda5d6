"""TiMidity++ clips: true times and pitches, checks, bad items, the same bytes every time."""

import argparse
import io
import stat

import numpy as np
import pretty_midi
import pytest
import soundfile
from windows_for_rendering import window, write_windows

from ugaar.errors import ConfigError, DiskFullError, ToolError
from ugaar.parquet_files import metadata_of, read_table
from ugaar.render import clip
from ugaar.render.midi import write_midi
from ugaar.stages import render_audio
from ugaar.tables import AUDIO, REJECTS

RATE = 22050
SETTINGS = {
    "audio": {
        "soundfont": None,
        "sample_rate_hz": RATE,
        "program": 0,
        "velocity": 90,
        "tail_s": 0.5,
        "timeout_s_per_clip": 30.0,
    },
    "shards": 1,
}
NO_PIECES = {"pieces": None, "rendition": None, "split": None, "folds": None}
SCALE = [60, 62, 64, 65, 67, 69, 71, 72]


def run(folder, rows, shard=0, **settings):
    out, rejects = folder / f"audio-{shard}.parquet", folder / f"rejects-{shard}.parquet"
    arguments = argparse.Namespace(
        windows=write_windows(folder / "windows.parquet", rows),
        **NO_PIECES,
        shard=shard,
        out=out,
        rejects_out=rejects,
    )
    render_audio.run(arguments, {**SETTINGS, **settings})
    return read_table(out, AUDIO).to_pylist(), read_table(rejects, REJECTS).to_pylist(), out


def samples_of(row):
    samples, rate = soundfile.read(io.BytesIO(row["flac"]))
    assert rate == RATE
    assert samples.ndim == 1
    return samples


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audio")
    detached = window(SCALE, [1] * 8, "detached", duration_s=[0.25] * 8)
    legato = window([48, 55, 76, 60], [1.5, 0.5, 3, 1], "legato")
    leaps = window([60, 83, 66, 90, 56], [1, 0.5, 1, 0.25, 2], "leaps")
    late = window([60, 67], [1, 1], "late", onset_s=[0.3, 2.0], duration_s=[0.5, 0.5])
    twin = {**detached, "window_id": "twin-000"}
    extremes = window([21, 108, 0, 127], [1] * 4, "extremes")
    long = window([60, 62], [100, 1], "long")
    rows = [detached, legato, late, twin, extremes, long, leaps]
    table, rejects, out = run(folder, rows)
    return {row["audio_key"]: row for row in table}, rejects, out, rows


def test_equal_windows_are_rendered_once(rendered):
    table, rejects, _, rows = rendered
    assert len(table) == len({row["audio_key"] for row in rows}) == 6
    assert rejects == []


def test_length_is_that_of_the_notes_and_the_tail(rendered):
    table, _, _, rows = rendered
    for row in rows:
        end_s = max(o + d for o, d in zip(row["onset_s"], row["duration_s"], strict=True))
        found = table[row["audio_key"]]
        assert found["n_samples"] == len(samples_of(found))
        assert found["duration_s"] == pytest.approx(end_s + 0.5, abs=1e-3)
        assert found["onset_s"] == row["onset_s"]


@pytest.mark.parametrize("name", ["leaps", "late"])
def test_notes_sound_from_their_onsets_on(rendered, name):
    """The level at a note's own frequency passes half of its peak within 15 ms of its onset."""
    table, _, _, rows = rendered
    row = next(row for row in rows if row["song_id"] == name)
    samples = np.pad(samples_of(table[row["audio_key"]]), (RATE, 0))
    length = round(0.02 * RATE)

    def level(pitch, centre_s):
        part = samples[round((1 + centre_s) * RATE) - length // 2 :][:length]
        turns = np.arange(length) / RATE * 440 * 2 ** ((pitch - 69) / 12)
        return abs(np.sum(part * np.hanning(length) * np.exp(-2j * np.pi * turns)))

    shifts = np.arange(-0.1, 0.1, 0.002)
    for pitch, onset in zip(row["pitch"], row["onset_s"], strict=True):
        levels = np.array([level(pitch, onset + shift) for shift in shifts])
        first = shifts[np.argmax(levels > levels.max() / 2)]
        assert abs(first) < 0.015


def test_pitches_are_those_of_the_notes(rendered):
    table, _, _, rows = rendered
    samples = samples_of(table[rows[0]["audio_key"]])
    for pitch, onset in zip(SCALE, rows[0]["onset_s"], strict=True):
        part = samples[round((onset + 0.03) * RATE) : round((onset + 0.23) * RATE)]
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 8 * RATE))
        hertz = np.fft.rfftfreq(8 * RATE, 1 / RATE)
        fundamental = 440 * 2 ** ((pitch - 69) / 12)
        near = np.abs(hertz - fundamental) < fundamental * 0.1
        found = hertz[near][spectrum[near].argmax()]
        assert abs(12 * np.log2(found / fundamental)) < 0.3
        assert spectrum[near].max() > 0.3 * spectrum.max()


def test_clips_are_music_and_not_noise(rendered):
    for row in rendered[0].values():
        assert row["flatness"] < 0.01
        assert 0.001 < row["rms"] < row["peak"] < 1


def test_header_names_synthesiser_and_soundfont(rendered):
    metadata = metadata_of(rendered[2])
    assert "TiMidity++" in metadata["synthesiser"]
    assert len(metadata["soundfont_sha256"]) == 64


def test_same_bytes_again_and_in_other_shards(rendered, tmp_path):
    table, _, _, rows = rendered
    split = []
    for shard in range(2):
        split += run(tmp_path, rows[:4], shard=shard, shards=2)[0]
    assert len(split) == 3
    assert {row["audio_key"]: row["flac"] for row in split} == {
        row["audio_key"]: table[row["audio_key"]]["flac"] for row in rows[:4]
    }


def test_configuration_of_the_system_has_no_say(rendered, tmp_path, monkeypatch):
    table, _, _, rows = rendered
    (tmp_path / ".timidity.cfg").write_text("bank 0\n0 /nowhere/piano.pat\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TIMIDITY_CFG", str(tmp_path / ".timidity.cfg"))
    (found,), _, _ = run(tmp_path, rows[1:2])
    assert found["flac"] == table[found["audio_key"]]["flac"]


def fake_timidity(folder, monkeypatch, on_bad):
    """Put before TiMidity++ a script that renders what comes before a bad file, then fails."""
    import os
    import shutil

    real = shutil.which("timidity")
    path = folder / "bin" / "timidity"
    path.parent.mkdir()
    path.write_text(
        f"""#!/bin/bash
[ "$1" = --version ] && exec {real} --version
good=()
for part in "$@"; do
  case "$part" in bad*) bad=1; break;; esac
  good+=("$part")
done
case "${{good[-1]}}" in *.mid) {real} "${{good[@]}}" ;; esac
[ -z "$bad" ] && exit 0
{on_bad}
"""
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("on_bad", "said"),
    [
        ("echo cannot play this >&2; exit 3", "exit code 3: cannot play this"),
        ("kill -SEGV $$", "killed by signal 11"),
        ("sleep 60", "finished nothing for 3 s"),
    ],
)
def test_bad_item_is_rejected_and_the_rest_kept(tmp_path, monkeypatch, on_bad, said):
    fake_timidity(tmp_path, monkeypatch, on_bad)
    rows = [window([60, 62], [0.5, 0.5], name) for name in ("a", "b", "c")]
    for row, key in zip(rows, ("aa000000", "bad00000", "cc000000"), strict=True):
        row["audio_key"] = key
    audio = {**SETTINGS["audio"], "timeout_s_per_clip": 3.0}
    table, rejects, _ = run(tmp_path, rows, audio=audio)
    assert [row["audio_key"] for row in table] == ["aa000000", "cc000000"]
    (reject,) = rejects
    assert (reject["item"], reject["reason"]) == ("b-000", "timidity-failed")
    assert said in reject["detail"]


def test_full_disk_stops_the_shard_and_leaves_no_table(tmp_path, monkeypatch):
    fake_timidity(tmp_path, monkeypatch, "echo 'No space left on device' >&2; exit 1")
    row = {**window([60], [1], "a"), "audio_key": "bad00000"}
    with pytest.raises(DiskFullError, match=r"TiMidity\+\+: the disk is full"):
        run(tmp_path, [row])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "windows.parquet"]


def test_missing_timidity(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="apt-get install timidity"):
        run(tmp_path, [window([60], [1], "a")])


def test_unknown_shard(tmp_path):
    with pytest.raises(ConfigError, match="numbered 0 to 0"):
        run(tmp_path, [window([60], [1], "a")], shard=1)


def test_midi_keeps_times_to_a_tenth_of_a_millisecond(tmp_path):
    onsets, lengths = [0.0, 0.12345, 61.2], [0.1, 60.0, 0.5]
    end_s = write_midi(tmp_path / "a.mid", [60, 61, 127], onsets, lengths, 3, 77)
    assert end_s == pytest.approx(61.7)
    (instrument,) = pretty_midi.PrettyMIDI(str(tmp_path / "a.mid")).instruments
    assert instrument.program == 3
    assert {note.velocity for note in instrument.notes} == {77}
    assert [note.start for note in instrument.notes] == pytest.approx(onsets, abs=1e-4)
    assert [note.duration for note in instrument.notes] == pytest.approx(lengths, abs=2e-4)


def test_overlapping_notes_of_one_pitch_end_where_the_next_starts(tmp_path):
    write_midi(tmp_path / "a.mid", [60, 60, 62], [0.0, 1.0, 0.5], [5.0, 1.0, 0.0], 0, 90)
    (instrument,) = pretty_midi.PrettyMIDI(str(tmp_path / "a.mid")).instruments
    found = sorted((note.pitch, note.start, note.end) for note in instrument.notes)
    expected = [(60, 0.0, 1.0), (60, 1.0, 2.0), (62, 0.5, 0.51)]
    assert np.allclose(found, expected, atol=1e-3)


def tone(level):
    return np.round(level * 32767 * np.sin(np.arange(RATE) * 0.1)).astype(np.int16)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (tone(0.5), None),
        (tone(0.0005), "audio-silent"),
        (np.zeros(RATE, np.int16), "audio-silent"),
        (np.clip(tone(1).astype(int) * 2, -32768, 32767).astype(np.int16), "audio-clipped"),
        (np.random.default_rng(0).integers(-9000, 9000, RATE).astype(np.int16), "audio-noise"),
    ],
)
def test_checks(samples, reason):
    found = clip.fault(clip.measure(samples), rendered_s=1.0, last_onset_s=0.5)
    assert (found.reason if found else None) == reason


def test_clip_that_ends_before_its_last_note():
    found = clip.fault(clip.measure(tone(0.5)), rendered_s=1.0, last_onset_s=1.5)
    assert found is not None
    assert found.reason == "audio-too-short"


def test_flatness_of_noise_and_tone():
    noise = np.random.default_rng(0).normal(size=200 * clip.FRAME).astype(np.float32)
    assert clip.spectral_flatness(noise) == pytest.approx(1, abs=0.02)
    assert clip.spectral_flatness(np.sin(np.arange(50_000) * 0.3).astype(np.float32)) < 1e-3


def test_fit_cuts_and_pads():
    samples = np.array([1, 2, 3], np.int16)
    assert clip.fit(samples, 0, 2).tolist() == [1, 2]
    assert clip.fit(samples, 0, 5).tolist() == [1, 2, 3, 0, 0]
    assert clip.fit(samples, 2, 4).tolist() == [0, 0, 1, 2]
    assert clip.fit(samples, 2, 6).tolist() == [0, 0, 1, 2, 3, 0]
