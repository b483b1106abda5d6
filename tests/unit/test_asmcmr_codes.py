"""Sheet codes and audio codes of whole strips and clips, and the stages around them."""

import argparse

import numpy as np
import pytest
import torch
from rendered_pairs import RATE_HZ, draw_strip, sound, write_pairs
from test_asmcmr import scrambled

from ugaar.errors import ConfigError, DataError
from ugaar.features import asmcmr_audio
from ugaar.features.asmcmr_sheet import SheetEncoder, codes_one_by_one
from ugaar.features.spectrogram import log_spectrogram
from ugaar.models.encoder_file import load_encoder, save_encoder
from ugaar.models.systems.cca_layer import Design, new_encoder
from ugaar.parquet_files import metadata_of, read_table
from ugaar.stages import features_sheet, merge_sheet, train_encoder
from ugaar.tables import FEATURES_SHEET, HISTORY, SHEET_PART

SETTINGS = {
    "device": "cpu",
    "features": {
        "sheet": {"mode": "exact", "crops": 7},
        "audio": {"asmcmr": {"hop_s": 0.5}},
    },
    "encoder": {
        "weights": "trained",
        "path": None,
        "windows": 100,
        "maps": [4, 4, 8, 8],
        "frames": 32,
        "head": "dense",
        "loss": "ranking",
        "temperature": 0.1,
        "schedule": "cosine",
        "precision": "float32",
        "steps": 4,
        "batch_size": 40,
        "learning_rate": 0.002,
        "margin": 0.7,
        "weight_decay": 1e-5,
        "validate_every": 2,
        "validation_pairs": 30,
        "seed": 0,
    },
}


def run(stage, settings=SETTINGS, **files):
    parser = argparse.ArgumentParser()
    stage.add_arguments(parser)
    arguments = []
    for name, value in files.items():
        values = value if isinstance(value, list) else [value]
        arguments.append("--" + name.replace("_", "-"))
        arguments += [str(item) for item in values if item is not True]
    stage.run(parser.parse_args(arguments), settings)


def random_strip(width: int, seed: int = 0) -> np.ndarray:
    strip, _ = draw_strip(np.random.default_rng(seed).integers(60, 73, 1 + (width - 200) // 30))
    noise = np.random.default_rng(seed).integers(0, 256, (160, width), dtype=np.uint8)
    noise[:, : strip.shape[1]] = np.minimum(noise[:, : strip.shape[1]], strip[:, :width])
    return noise


@pytest.mark.parametrize("width", [200, 201, 202, 263, 328, 517, 1001])
@pytest.mark.parametrize("head", ["dense", "gap"])
def test_exact_codes_are_those_of_single_crops(width, head):
    encoder = scrambled(Design((3, 4, 5, 6), 32, head))
    strip = random_strip(width)
    plain = codes_one_by_one(encoder, strip, 31)
    assert plain.shape == (31, 32)
    found = SheetEncoder(encoder, 31, torch.float32).exact(strip)
    np.testing.assert_allclose(found, plain, atol=2e-5)


def test_the_rounding_bias_is_taken_off():
    encoder = scrambled(Design((12, 24, 48, 48), 84))
    strips = [draw_strip(np.random.default_rng(seed).integers(60, 73, 20))[0] for seed in (0, 1)]
    fine, rough = (SheetEncoder(encoder, 40, p) for p in (torch.float32, torch.bfloat16))
    for strip in strips:
        expected = fine.exact(strip)
        corrected = (rough.exact(strip) * expected).sum(axis=1)
        bias, rough._bias = rough._bias, torch.zeros(32)
        uncorrected = (rough.exact(strip) * expected).sum(axis=1)
        rough._bias = bias
        assert corrected.min() > 0.999
        assert 1 - corrected.mean() < 1 - uncorrected.mean()


def test_codes_do_not_depend_on_other_strips():
    encoder = SheetEncoder(scrambled(Design((3, 4, 5, 6), 32)), 20, torch.float32)
    strips = [random_strip(width, width) for width in (300, 450, 700)]
    forwards = [encoder.exact(strip) for strip in strips]
    for strip, codes in zip(strips[::-1], forwards[::-1], strict=True):
        np.testing.assert_array_equal(encoder.exact(strip), codes)


@pytest.mark.parametrize("width", [200, 333, 900])
def test_shared_codes_are_near_but_not_equal(width):
    encoder = scrambled(Design((3, 4, 5, 6), 32, "gap"))
    strip = random_strip(width)
    both = SheetEncoder(encoder, 20, torch.float32)
    cosine = (both.shared(strip) * both.exact(strip)).sum(axis=1)
    assert cosine.shape == (20,)
    assert cosine.mean() > 0.8
    assert cosine.min() < 0.99999
    np.testing.assert_allclose(np.linalg.norm(both.shared(strip), axis=1), 1.0, rtol=1e-5)


def test_audio_codes_are_those_of_excerpts_around_their_times():
    encoder = scrambled(Design((3, 4, 5, 6), 32))
    clip, onsets = sound(np.arange(60, 75))
    ((times, codes),) = asmcmr_audio.AudioEncoder(encoder, 0.5, torch.float32).encode(
        [clip], RATE_HZ, [onsets.tolist()]
    )
    np.testing.assert_allclose(times, 0.5 * np.arange(12))
    # The sixth lies at 2.5 s = frame 50: frames 34-65.
    image = torch.from_numpy(log_spectrogram(clip)[34:66].T.copy())[None, None]
    expected = encoder.audio_codes(encoder.audio(image)).detach().numpy()[0]
    np.testing.assert_allclose(codes[5], expected, atol=1e-5)


def test_audio_codes_do_not_depend_on_company_and_short_clips_have_one():
    encoder = asmcmr_audio.AudioEncoder(scrambled(Design((3, 4, 5, 6), 32)), 0.5, torch.float32)
    long, onsets = sound(np.arange(60, 75))
    short = np.full(10, 0.1, dtype=np.float32)
    alone = encoder.encode([long], RATE_HZ, [onsets.tolist()])[0][1]
    together = encoder.encode([short, long], RATE_HZ, [[], onsets.tolist()])
    np.testing.assert_array_equal(together[1][1], alone)
    assert together[0][1].shape == (1, 32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stages")
    write_pairs(folder, n=8, valid=3, shards=2)
    run(
        train_encoder,
        windows=folder / "windows.parquet",
        split=folder / "split.parquet",
        audio=folder / "audio",
        sheet=folder / "sheet",
        checkpoint=folder / "checkpoint.pt",
        out=folder / "encoder.pt",
        history_out=folder / "history.parquet",
    )
    return folder


def test_train_encoder_writes_weights_and_history(folder):
    assert load_encoder(folder / "encoder.pt").kind == "trained"
    history = read_table(folder / "history.parquet", HISTORY).to_pylist()
    assert {row["epoch"] for row in history} == {2, 4}
    assert {row["phase"] for row in history} == {"train", "valid", "refitted"}
    assert not (folder / "checkpoint.pt").exists()


def test_untrained_needs_no_data(tmp_path):
    files = {"out": tmp_path / "a.pt", "history_out": tmp_path / "h.parquet"}
    run(train_encoder, untrained=True, **files)
    stored = load_encoder(tmp_path / "a.pt")
    assert stored.kind == "untrained"
    torch.testing.assert_close(stored.encoder.cca.first_projection, torch.eye(32))
    assert read_table(tmp_path / "h.parquet", HISTORY).num_rows == 0
    with pytest.raises(ConfigError, match="training needs --windows"):
        run(train_encoder, **files)


def features(folder, out, sheet="sheet", settings=SETTINGS):
    parts = []
    for shard in sorted((folder / sheet).glob("shard-*")):
        parts.append(out / "parts" / shard.name)
        run(features_sheet, settings, sheet=shard, weights=folder / "encoder.pt", out=parts[-1])
    run(
        merge_sheet,
        parts=parts,
        windows=folder / "windows.parquet",
        split=folder / "split.parquet",
        out=out / "sheet.parquet",
    )
    return parts


def test_sheet_features_do_not_depend_on_the_shards(folder, tmp_path):
    features(folder, tmp_path)
    write_pairs(tmp_path / "one", n=8, valid=3, shards=1)
    (tmp_path / "one" / "encoder.pt").write_bytes((folder / "encoder.pt").read_bytes())
    features(tmp_path / "one", tmp_path / "again")
    assert (tmp_path / "sheet.parquet").read_bytes() == (
        tmp_path / "again" / "sheet.parquet"
    ).read_bytes()
    table = read_table(tmp_path / "sheet.parquet", FEATURES_SHEET).to_pylist()
    assert [row["window_id"] for row in table] == sorted(row["window_id"] for row in table)
    codes = np.array(table[0]["codes"]).reshape(7, 32)
    np.testing.assert_allclose(np.linalg.norm(codes, axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(table[0]["embedding"], codes.mean(axis=0), atol=1e-6)
    described = metadata_of(tmp_path / "sheet.parquet")
    assert described["mode"] == "exact"
    assert described["weights"] == "trained"
    assert described["precision"] in {"bfloat16", "float32"}


def test_a_window_without_a_strip_has_no_row(folder, tmp_path):
    parts = features(folder, tmp_path)
    run(
        merge_sheet,
        parts=parts[:1],
        windows=folder / "windows.parquet",
        split=folder / "split.parquet",
        out=tmp_path / "half.parquet",
    )
    assert read_table(tmp_path / "half.parquet", FEATURES_SHEET).num_rows == 4


def test_parts_of_different_settings_are_refused(folder, tmp_path):
    parts = features(folder, tmp_path)
    other = {"features": {"sheet": {"mode": "shared", "crops": 7}}}
    run(
        features_sheet,
        other,
        sheet=folder / "sheet" / "shard-1.parquet",
        weights=folder / "encoder.pt",
        out=parts[1],
    )
    assert read_table(parts[1], SHEET_PART).num_rows == 4
    with pytest.raises(DataError, match="2 different settings"):
        run(
            merge_sheet,
            parts=parts,
            windows=folder / "windows.parquet",
            split=folder / "split.parquet",
            out=tmp_path / "x.parquet",
        )
    assert not (tmp_path / "x.parquet").exists()


def test_the_audio_tower_loads_from_the_encoder_file(tmp_path):
    save_encoder(tmp_path / "e.pt", new_encoder(Design((2, 2, 2, 2), 32), 0), "untrained")
    encoder = asmcmr_audio.load(tmp_path / "e.pt", SETTINGS, "cpu")
    assert encoder.dimensions == 32
    clip, onsets = sound(np.array([60, 64, 67]))
    ((times, codes),) = encoder.encode([clip], RATE_HZ, [onsets.tolist()])
    assert codes.shape == (len(times), 32)
    assert codes.dtype == np.float32


@pytest.mark.parametrize("frames", [24, 30, 32, 84])
def test_overlapping_excerpts_get_the_codes_that_they_have_alone(frames):
    encoder = new_encoder(Design((3, 4, 5, 6), frames), 0).eval()
    chance = np.random.default_rng(0)
    spectrogram = chance.random((150, 92)).astype(np.float32)
    # Before the clip, within it at odd and even frames, and past its end.
    times = np.array([0.0, 0.05, 0.5, 1.15, 3.0, 7.45])
    found = asmcmr_audio.AudioEncoder(encoder, 0.5, torch.float32).codes_at(spectrogram, times)
    padded = np.pad(spectrogram, ((frames, frames), (0, 0)))
    with torch.inference_mode():
        for code, time_s in zip(found, times, strict=True):
            start = round(time_s * 20) - frames // 2 + frames
            excerpt = torch.from_numpy(padded[start : start + frames].T.copy())[None, None]
            alone = encoder.audio_codes(encoder.audio(excerpt))[0].numpy()
            np.testing.assert_allclose(code, alone, atol=2e-6)
