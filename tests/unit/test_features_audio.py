"""Guards the audio stages: nothing depends on shards, and windows get the frames of their clip."""

import io
import json

import numpy as np
import pytest
import soundfile

from ugaar import cli
from ugaar.errors import ConfigError, DataError
from ugaar.features import audio_encoder, pooling
from ugaar.features.audio_encoder import load_encoder
from ugaar.parquet_files import metadata_of, read_table, write_table
from ugaar.stages import features_audio
from ugaar.tables import AUDIO, AUDIO_PART, FEATURES_AUDIO, FEATURES_AUDIO_FRAMES, SPLIT, WINDOWS

SETTINGS = json.dumps(
    {"features": {"audio": {"musicnn": {"layer": "1", "bands": 1}}}, "device": "cpu"}
)


class Loudness:
    """An encoder with two frames a clip: its length in seconds, and its loudest sample."""

    dimensions = 2

    def encode(self, clips, sample_rate_hz, onsets_s):
        """Encode clips."""
        return [
            (
                np.float32([0.5, 1.5]),
                np.float32([[len(clip) / sample_rate_hz, np.abs(clip).max()], [0, len(onsets)]]),
            )
            for clip, onsets in zip(clips, onsets_s, strict=True)
        ]


@pytest.fixture
def loudness(monkeypatch):
    monkeypatch.setattr(features_audio, "load_encoder", lambda *_: Loudness())


def clip_row(number):
    samples = np.full(11025 * (number + 1), 0.1 * (number + 1))
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, 22050, format="FLAC")
    return {
        "audio_key": f"{number:016x}",
        "flac": buffer.getvalue(),
        "sample_rate_hz": 22050,
        "n_samples": len(samples),
        "duration_s": len(samples) / 22050,
        "onset_s": [0.0] * number,
        "rms": 0.1,
        "peak": 0.1,
        "flatness": 0.0,
    }


def encode(folder, name, numbers):
    write_table(folder / f"{name}.parquet", AUDIO, [clip_row(number) for number in numbers])
    part = folder / f"part-{name}.parquet"
    files = ["--audio", str(folder / f"{name}.parquet"), "--weights", "none", "--out", str(part)]
    code = cli.main(["features-audio", "--settings", SETTINGS, "--encoder", "musicnn", *files])
    assert code == 0
    return part


def write_windows(folder, keys, folds=None):
    windows, split = [], []
    neutral = {"string": "", "list": [], "int": 0, "double": 0.0}
    for number, key in reversed(list(enumerate(keys))):
        row = {
            column.name: neutral[
                next(kind for kind in neutral if str(column.type).startswith(kind))
            ]
            for column in WINDOWS.columns
        }
        row.update(window_id=f"w{number}", audio_key=key)
        windows.append(row)
        split.append(
            {
                "window_id": f"w{number}",
                "song_id": "",
                "collection": "",
                "group": "",
                "group_size": 1,
                "fold": "train",
                "protocol": "published",
            }
        )
    write_table(folder / "windows.parquet", WINDOWS, windows)
    write_table(folder / "split.parquet", SPLIT, split[: folds or len(split)])


def merge(folder, parts, frames=True):
    extra = ["--frames-out", str(folder / "frames.parquet")] if frames else []
    return cli.main(
        [
            "merge-audio",
            *("--settings", "{}"),
            *("--parts", *map(str, parts)),
            *("--windows", str(folder / "windows.parquet")),
            *("--split", str(folder / "split.parquet")),
            *("--out", str(folder / "audio.parquet")),
            *extra,
        ]
    )


@pytest.mark.usefixtures("loudness")
def test_part_holds_every_frame_of_every_clip_in_order(tmp_path):
    part = encode(tmp_path, "all", range(20))
    rows = read_table(part, AUDIO_PART).to_pylist()
    assert [(row["audio_key"], row["frame"]) for row in rows] == [
        (f"{number:016x}", frame) for number in range(20) for frame in (0, 1)
    ]
    assert rows[2]["embedding"] == pytest.approx([1.0, 0.2], abs=1e-4)
    assert rows[3]["embedding"] == [0, 1]
    assert rows[3]["time_s"] == 1.5
    assert metadata_of(part) == {"encoder": "musicnn", "settings": '{"bands":1,"layer":"1"}'}


@pytest.mark.usefixtures("loudness")
def test_windows_get_the_mean_of_their_clip_whatever_the_shards(tmp_path):
    keys = [f"{number:016x}" for number in (2, 0, 2, 9, 1)]  # 9 was rejected: no clip
    write_windows(tmp_path, keys)
    outputs = []
    for shards in ([range(3)], [[2, 1, 0]], [[0], [], [1, 2]]):
        parts = [encode(tmp_path, str(number), shard) for number, shard in enumerate(shards)]
        assert merge(tmp_path, parts) == 0
        outputs.append(
            [(tmp_path / name).read_bytes() for name in ("audio.parquet", "frames.parquet")]
        )
    assert outputs[0] == outputs[1] == outputs[2]
    rows = read_table(tmp_path / "audio.parquet", FEATURES_AUDIO).to_pylist()
    assert [row["window_id"] for row in rows] == ["w0", "w1", "w2", "w4"]
    assert {row["protocol"] for row in rows} == {"published"}
    assert rows[0]["embedding"] == rows[2]["embedding"]
    assert rows[0]["embedding"] == pytest.approx([0.75, (0.3 + 2) / 2], abs=1e-4)
    frames = read_table(tmp_path / "frames.parquet", FEATURES_AUDIO_FRAMES).to_pylist()
    assert [(row["window_id"], row["frame"]) for row in frames[:4]] == [
        ("w0", 0),
        ("w0", 1),
        ("w1", 0),
        ("w1", 1),
    ]
    assert len(frames) == 8
    assert metadata_of(tmp_path / "audio.parquet")["encoder"] == "musicnn"


@pytest.mark.usefixtures("loudness")
def test_frames_are_optional(tmp_path):
    write_windows(tmp_path, [f"{0:016x}"])
    assert merge(tmp_path, [encode(tmp_path, "a", [0])], frames=False) == 0
    assert not (tmp_path / "frames.parquet").exists()


@pytest.mark.usefixtures("loudness")
def test_window_outside_the_split_is_named(tmp_path, caplog):
    write_windows(tmp_path, [f"{0:016x}", f"{1:016x}"], folds=1)
    assert merge(tmp_path, [encode(tmp_path, "a", [0, 1])]) == 1
    assert "window w0: not in the split table" in caplog.text
    assert not (tmp_path / "audio.parquet").exists()


@pytest.mark.usefixtures("loudness")
def test_parts_of_different_encoders_are_refused(tmp_path, caplog):
    write_windows(tmp_path, [f"{0:016x}"])
    first = encode(tmp_path, "a", [0])
    other = tmp_path / "other.parquet"
    write_table(
        other, AUDIO_PART, read_table(first, AUDIO_PART), {"embedding": 2}, {"encoder": "vggish"}
    )
    assert merge(tmp_path, [first, other]) == 1
    assert "different encoders or settings" in caplog.text


@pytest.mark.usefixtures("loudness")
def test_no_clips_at_all_is_an_error(tmp_path):
    empty = encode(tmp_path, "a", [])
    with pytest.raises(DataError, match="no clip"):
        pooling.frames_by_clip([empty], tmp_path)


@pytest.mark.usefixtures("loudness")
def test_damaged_clip_is_named_and_leaves_no_part(tmp_path, caplog):
    row = {**clip_row(0), "flac": b"broken"}
    write_table(tmp_path / "a.parquet", AUDIO, [row])
    files = ["--audio", str(tmp_path / "a.parquet"), "--out", str(tmp_path / "part.parquet")]
    code = cli.main(["features-audio", "--settings", SETTINGS, "--encoder", "musicnn", *files])
    assert code == 1
    assert f"audio clip {0:016x}: not decodable" in caplog.text
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_every_encoder_declares_settings_that_the_stage_has():
    for name in audio_encoder.ENCODERS:
        assert set(features_audio.settings_of(name)) <= set(features_audio.SETTINGS)


def test_unknown_encoder_lists_the_known_ones():
    with pytest.raises(ConfigError, match="musicnn, vggish, asmcmr, untrained"):
        load_encoder("yamnet", None, {}, "cpu")


def test_encoder_without_weights_is_an_error():
    with pytest.raises(ConfigError, match="give its wheel with --weights"):
        load_encoder("musicnn", None, {}, "cpu")
