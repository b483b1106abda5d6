"""Stages train-system and embed-system on tiny pieces: files, learning, conditions, bad input."""

import argparse
from pathlib import Path

import numpy as np
import pytest
import torch
from rendered_pairs import RATE_HZ, draw_strip, sound

from ugaar.errors import ConfigError, DataError
from ugaar.evaluate.system_codes import SystemCodes
from ugaar.features.media_store import Layout, write_store
from ugaar.features.spectrogram import FRONT_ENDS, log_spectrogram
from ugaar.features.strips import halve
from ugaar.parquet_files import metadata_of, read_table, write_table
from ugaar.settings import load_yaml, merge, subset
from ugaar.snippet_tables import SNIPPETS, SPECTROGRAM_INDEX, STRIP_INDEX, SYSTEM_CODES
from ugaar.stages import embed_system, train_system
from ugaar.tables import HISTORY

NOTES = 20
FOLDS = {"train": 12, "valid": 3, "test": 3}
CONFIG = merge(
    load_yaml(Path(__file__).parents[2] / "config.yaml"),
    {
        "device": "cpu",
        "audio_sheet": {
            "training": {
                "steps": 24,
                "batch_size": 40,
                "validate_every": 8,
                "precision": "float32",
                "threads": 1,
            },
            "condition_candidates": 30,
        },
    },
)
CONFIG["audio_sheet"]["systems"] = {
    "cnn": {"model": "cca_layer", "maps": [4, 4, 8, 8], "frames": 32},
    "dcca": {"model": "dcca", "maps": [2, 4, 4, 4], "frames": 32, "steps": 4},
}
CONFIG["audio_sheet"]["conditions"] = {
    "clean": {},
    "slow": {"rendition": "half"},
    "scaled": {"scale": 1.15},
    "slow-blurred": {"rendition": "half", "blur": 2.0},
}
CONFIG["audio_sheet"]["tested"] = list(CONFIG["audio_sheet"]["conditions"])


def store(folder, name, declared, media, metadata):
    keys = {piece: piece for piece in media}
    rows = {piece: len(array) for piece, array in media.items()}
    first = next(iter(media.values()))
    layout = Layout(rows, keys, first.shape[1], first.dtype)
    files = folder / f"{name}.npy", folder / f"{name}.parquet"
    folder.mkdir(exist_ok=True, parents=True)
    write_store(*files, declared, layout, media.items(), metadata)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pieces")
    random = np.random.default_rng(2)
    snippets, strips = [], {}
    clips = {(end, tempo): {} for end in FRONT_ENDS for tempo in (1.0, 0.5)}
    names = [(f"{number:012x}", fold) for fold, n in FOLDS.items() for number in range(n)]
    for number, (_, fold) in enumerate(names):
        piece = f"{number:012x}"
        pitches = random.integers(60, 73, NOTES)
        strip, centres = draw_strip(pitches)
        strips[piece] = np.ascontiguousarray(halve(strip).T)
        for (end, tempo), found in clips.items():
            if tempo == 1.0 or fold == "test":
                clip, _ = sound(pitches, 0.4 / tempo)
                spectrogram = log_spectrogram(clip, RATE_HZ, FRONT_ENDS[end])
                found[piece] = spectrogram.astype(np.float16)
        snippets += [
            {
                "piece_id": piece,
                "note": note,
                "fold": fold,
                "onset_s": 0.4 * note,
                "frame_20fps": 8 * note,
                "frame_31fps": int(np.ceil(12.5 * note)),
                "x_px": float(centres[note]),
                "twin_3": 0,
                "twin_5": 0,
                "twin_8": 0,
            }
            for note in range(NOTES)
        ]
    write_table(folder / "snippets.parquet", SNIPPETS, snippets)
    store(folder, "strips", STRIP_INDEX, strips, {})
    for (end, tempo), found in clips.items():
        name = {1.0: "piano", 0.5: "half"}[tempo]
        metadata = {"front_end": end, "tempo": f"{tempo:g}"}
        store(folder / end, name, SPECTROGRAM_INDEX, found, metadata)
    return folder


def run(stage, config, *words):
    parser = argparse.ArgumentParser()
    stage.add_arguments(parser)
    arguments = parser.parse_args([str(word) for word in words])
    stage.run(arguments, subset(config, stage.SETTINGS))


def train(folder, out, name="cnn", config=CONFIG, seed=1):
    front_end = folder / ("31fps" if name == "dcca" else "20fps")
    media = ("--snippets", folder / "snippets.parquet", "--strips", folder / "strips.npy")
    sounds = ("--spectrograms", front_end / "piano.npy", front_end / "piano.npy")
    valid = ("--valid-spectrograms", front_end / "piano.npy")
    files = ("--out", out / "model.pt", "--history-out", out / "history.parquet")
    checkpoint = ("--checkpoint", out / "checkpoint.pt")
    named = ("--system", name, "--seed", seed)
    run(train_system, config, *named, *media, *sounds, *valid, *files, *checkpoint)


def embed(folder, out, front_end="20fps", config=CONFIG):
    media = ("--snippets", folder / "snippets.parquet", "--strips", folder / "strips.npy")
    files = ("--model", out / "model.pt", "--out", out / "codes.parquet")
    run(embed_system, config, *files, *media, "--spectrograms", folder / front_end)


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("cnn")
    train(folder, out)
    embed(folder, out)
    return out


def test_the_history_names_system_seed_and_steps(trained):
    history = read_table(trained / "history.parquet", HISTORY)
    rows = history.to_pylist()
    assert {(row["method"], row["seed"]) for row in rows} == {("cnn", 1)}
    assert [row["epoch"] for row in rows if row["metric"] == "loss"] == [8, 16, 24]
    correlations = [row["value"] for row in rows if row["metric"].startswith("canonical")]
    assert len(correlations) == 32
    assert correlations == sorted(correlations, reverse=True)
    assert not (trained / "checkpoint.pt").exists()


def test_unseen_pieces_are_found_far_above_chance(trained):
    codes = SystemCodes(trained / "codes.parquet", "clean")
    places = sorted(codes.places("clean", "audio"))
    assert len(places) == FOLDS["test"] * NOTES
    audio, sheet = (codes.vectors("clean", modality, places) for modality in ("audio", "sheet"))
    similarity = audio @ sheet.T
    ranks = (similarity >= similarity.diagonal()[:, None]).sum(axis=1)
    # Of 60 snippets, chance puts 5 % among the first three.
    assert (ranks <= 3).mean() > 0.2


def test_codes_are_of_unit_length_and_sorted(trained):
    table = read_table(trained / "codes.parquet", SYSTEM_CODES)
    assert metadata_of(trained / "codes.parquet")["system"] == "cnn"
    assert metadata_of(trained / "codes.parquet")["seed"] == "1"
    codes = np.array(table["code"].to_pylist())
    np.testing.assert_allclose(np.linalg.norm(codes, axis=1), 1.0, rtol=1e-5)
    parts = list(zip(table["condition"].to_pylist(), table["modality"].to_pylist(), strict=True))
    order = list(dict.fromkeys(parts))
    # What a condition leaves alone is encoded once, under the first one.
    assert order == [
        ("clean", "audio"),
        ("clean", "sheet"),
        ("slow", "audio"),
        ("scaled", "sheet"),
        ("slow-blurred", "audio"),
        ("slow-blurred", "sheet"),
    ]
    places = list(zip(table["piece_id"].to_pylist(), table["note"].to_pylist(), strict=True))
    for part in order:
        its = [place for place, one in zip(places, parts, strict=True) if one == part]
        assert its == sorted(its)
        assert len(its) == (60 if part[0] == "clean" else 30)


def test_a_changed_sound_or_look_changes_its_own_codes(trained):
    codes = SystemCodes(trained / "codes.parquet", "clean")
    for condition, changed in (("slow", "audio"), ("scaled", "sheet")):
        places = sorted(codes.places(condition, changed))
        for modality in ("audio", "sheet"):
            same = np.array_equal(
                codes.vectors(condition, modality, places),
                codes.vectors("clean", modality, places),
            )
            assert same == (modality != changed)


def test_equal_runs_give_equal_bytes_and_other_seeds_others(folder, trained, tmp_path):
    for name, seed in (("again", 1), ("other", 2)):
        train(folder, tmp_path / name, seed=seed)
    expected = (trained / "model.pt").read_bytes()
    assert (tmp_path / "again" / "model.pt").read_bytes() == expected
    assert (tmp_path / "other" / "model.pt").read_bytes() != expected
    embed(folder, tmp_path / "again")
    codes = (tmp_path / "again" / "codes.parquet").read_bytes()
    assert codes == (trained / "codes.parquet").read_bytes()


def test_dcca_runs_through_both_stages(folder, tmp_path):
    train(folder, tmp_path, "dcca")
    embed(folder, tmp_path, "31fps")
    assert SystemCodes(tmp_path / "codes.parquet", "clean").system == "dcca"


def test_a_checkpoint_of_another_system_is_refused_and_kept(folder, tmp_path):
    torch.save({"identity": {"system": "dcca"}}, tmp_path / "checkpoint.pt")
    with pytest.raises(DataError, match="system dcca and cnn"):
        train(folder, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.pt"]


def test_bad_input_is_named(folder, trained, tmp_path):
    with pytest.raises(ConfigError, match="no 'cnnn'; there are cnn, dcca"):
        train(folder, tmp_path, "cnnn")
    large = merge(CONFIG, {"audio_sheet": {"training": {"batch_size": 500}}})
    with pytest.raises(DataError, match="cnn: 240 training pairs are fewer than a batch of 500"):
        train(folder, tmp_path, config=large)
    with pytest.raises(DataError, match="front end"):
        embed(folder, trained, "31fps")
