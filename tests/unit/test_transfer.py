"""Guards transfer: a stored model embeds as its training did, and only the same features."""

import argparse
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from synthetic_features import write_features

from ugaar.errors import ConfigError, DataError
from ugaar.parquet_files import read_table
from ugaar.stages import evaluate, metrics, train, transfer
from ugaar.tables import TRANSFER
from ugaar.train.apply import apply_model
from ugaar.train.checkpoint import load_file
from ugaar.train.dataset import load_features
from ugaar.train.methods import Job, run_method
from ugaar.train.model_settings import ModelSettings

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())
MODEL = {**CONFIG["model"], "epochs": 4, "batch_size": 32, "dimensions": 16}
EVALUATE = {"fold": "test", "galleries": [20], "top_k": [1, 5, 10], "bootstrap": 30}
METHODS = ("cca", "baseline")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


def finish(folder, seed):
    """Write a finished split: features in features/, models in train/, metrics."""
    paths = write_features(folder / "features", n=300, seed=seed)
    ranks = []
    for method in METHODS:
        out = folder / "train" / method / "seed-0"
        train.run(
            argparse.Namespace(
                method=method, seed=0, ground_truth=None, baseline=None, checkpoint=None,
                model_out=out / "model.pt", embeddings_out=out / "embeddings.parquet",
                history_out=out / "history.parquet",
                **{name: paths[name] for name in ("windows", "split", "audio", "sheet", "lyrics")},
            ),
            {"model": MODEL, "cca": CONFIG["cca"], "device": "cpu"},
        )  # fmt: skip
        ranks.append(folder / f"{method}.parquet")
        evaluate.run(
            argparse.Namespace(
                method=method, embeddings=[out / "embeddings.parquet"], windows=paths["windows"],
                split=paths["split"], out=ranks[-1],
            ),
            {"evaluate": EVALUATE},
        )  # fmt: skip
    metrics.run(
        argparse.Namespace(
            ranks=ranks, ranks_out=None, metrics_out=folder / "metrics.parquet",
            comparisons_out=folder / "comparisons.parquet",
        ),
        {"evaluate": EVALUATE | {"confidence": 0.9}},
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def collections(tmp_path_factory):
    """Two collections: `far` mixes the same latent melody into other features."""
    return {
        name: finish(tmp_path_factory.mktemp(name) / "song-disjoint", seed)
        for name, seed in (("here", 0), ("far", 1))
    }


def run_transfer(tested, models, out):
    settings = {
        "transfer": {"methods": list(METHODS)},
        "seeds": [0],
        "evaluate": EVALUATE | {"confidence": 0.9},
    }
    features = tested / "features"
    transfer.run(
        argparse.Namespace(
            models=models, trained_on="there", tested_on="here", features=features,
            windows=features / "windows.parquet", split=features / "split.parquet",
            metrics=tested / "metrics.parquet", asmcmr_audio="audio_asmcmr", out=out,
        ),
        settings,
    )  # fmt: skip
    rows = read_table(out, TRANSFER).to_pylist()
    return {
        (row["trained_on"], row["method"], row["direction"], row["metric"], row["gallery_size"]): (
            row["value"]
        )
        for row in rows
    }


def test_a_model_on_its_own_collection_gives_its_own_numbers(collections, tmp_path):
    here = collections["here"]
    found = run_transfer(here, here, tmp_path / "transfer.parquet")
    own = {key[1:]: value for key, value in found.items() if key[0] == "here"}
    moved = {key[1:]: value for key, value in found.items() if key[0] == "there"}
    assert own == moved
    assert {key[-1] for key in own} == {60, 20}


def test_a_model_of_other_features_is_near_chance(collections, tmp_path):
    found = run_transfer(collections["here"], collections["far"], tmp_path / "transfer.parquet")
    key = ("cca", "audio-to-sheet", "MedR", 60)
    assert found["here", *key] < 5
    assert found["there", *key] > 15


def test_stored_cca_and_network_embed_to_the_last_bit(collections):
    folder = collections["here"] / "features"
    paths = {name: folder / f"{name}.parquet" for name in ("audio", "sheet", "lyrics")}
    features = load_features(paths, folder / "split.parquet", folder / "windows.parquet")
    for method in METHODS:
        job = Job(method, 0, features, ModelSettings(**MODEL), CONFIG["cca"]["ridges"], None)
        result = run_method(job)
        stored = load_file(folder.parent / "train" / method / "seed-0" / "model.pt")
        spaces, similarity = apply_model(stored, result.evaluated)
        assert similarity == result.similarity
        for space, modalities in result.spaces.items():
            for modality, points in modalities.items():
                np.testing.assert_array_equal(spaces[space][modality], points)


def test_features_of_another_length_are_refused(collections):
    folder = collections["here"] / "features"
    paths = {name: folder / f"{name}.parquet" for name in ("audio", "sheet", "lyrics")}
    features = load_features(paths, folder / "split.parquet", folder / "windows.parquet")
    features.vectors["audio"] = features.vectors["audio"][:, :-1]
    for method in METHODS:
        model = load_file(folder.parent / "train" / method / "seed-0" / "model.pt")
        with pytest.raises(DataError, match="audio vectors of 40 numbers, these have 39"):
            apply_model(model, features)
    with pytest.raises(DataError, match="nothing that can be applied"):
        apply_model({"method": "random", "seed": 0}, features)


def test_a_run_that_is_not_finished_is_named(collections, tmp_path):
    with pytest.raises(ConfigError, match=r"transfer\.models: .*audio\.parquet is missing"):
        run_transfer(collections["here"], tmp_path / "nowhere", tmp_path / "transfer.parquet")
