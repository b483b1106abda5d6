"""Guards docs/add-a-model.md: its code and its line of configuration run as they stand."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import audio_sheet_runs
import numpy as np
import pytest
import yaml

from ugaar.evaluate.system_codes import SystemCodes
from ugaar.features.media_store import Layout, write_store
from ugaar.parquet_files import read_table, write_table
from ugaar.settings import load_yaml, merge, subset
from ugaar.snippet_tables import SNIPPETS, SPECTROGRAM_INDEX, STRIP_INDEX, SYSTEM_METRICS
from ugaar.stages import embed_system, evaluate_system, system_metrics, train_system
from ugaar.tables import HISTORY

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/add-a-model.md").read_text(encoding="utf-8")
NAME = "one-convolution"
STEPS = 24
CONDITIONS = ("clean", "rotated")


def blocks(language):
    """Return the code blocks of the page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A copy of the package with the page's file in its place."""
    source = tmp_path_factory.mktemp("src")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src/ugaar", source / "ugaar", ignore=ignored)
    place = re.search(r"Save this as `src/(\S+)`", TEXT).group(1)
    (source / place).write_text(blocks("python")[0], encoding="utf-8")
    return source


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """The preset with the page's lines laid over it, and a training of a few steps."""
    overlay = tmp_path_factory.mktemp("config") / "mine.yaml"
    overlay.write_text(blocks("yaml")[0], encoding="utf-8")
    merged = load_yaml(ROOT / "config.yaml")
    for path in (ROOT / "config/quick.yaml", overlay):
        merged = merge(merged, load_yaml(path))
    short = {"steps": STEPS, "batch_size": 40, "validate_every": 8, "threads": 1}
    tested = {"tested": list(CONDITIONS), "condition_candidates": 60}
    return merge(merged, {"device": "cpu", "audio_sheet": {"training": short, **tested}})


def python(package, *words):
    """Run Python with the copy of the package."""
    environment = os.environ | {"PYTHONPATH": str(package), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *map(str, words)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def command(config, stage, *words):
    """Return a stage's line of words for the command line."""
    verb = stage.__name__.rpartition(".")[2].replace("_", "-")
    settings = json.dumps(subset(config, stage.SETTINGS))
    return [verb, "--settings", settings, *map(str, words)]


def write_pieces(folder):
    """Write snippets of twelve tiny pieces, their strips and their spectrograms."""
    audio_sheet_runs.write_snippets(folder / "snippets.parquet", repeat=40)
    audio_sheet_runs.write_stores(folder)
    rows = read_table(folder / "snippets.parquet", SNIPPETS).to_pylist()
    pieces = sorted({row["piece_id"] for row in rows})
    folds = ["train"] * 9 + ["valid"] + ["test"] * 2
    fold_of = dict(zip(pieces, folds, strict=True))
    rows = [row | {"fold": fold_of[row["piece_id"]]} for row in rows]
    write_table(folder / "snippets.parquet", SNIPPETS, rows)
    for name, declared in (("plain", STRIP_INDEX), ("piano", SPECTROGRAM_INDEX)):
        files = folder / f"{name}.npy", folder / f"{name}.parquet"
        media = dict(zip(pieces, np.split(np.load(files[0]), len(pieces)), strict=True))
        first = media[pieces[0]]
        lengths, keys = dict.fromkeys(pieces, len(first)), {piece: piece for piece in pieces}
        layout = Layout(lengths, keys, first.shape[1], first.dtype)
        write_store(*files, declared, layout, media.items(), {"front_end": "20fps", "tempo": "1"})


@pytest.fixture(scope="module")
def run(package, config, tmp_path_factory):
    """A folder in which the stages trained and tested the model."""
    folder = tmp_path_factory.mktemp("run")
    write_pieces(folder)
    snippets = ("--snippets", folder / "snippets.parquet")
    media = (*snippets, "--strips", folder / "plain.npy")
    sounds = ("--spectrograms", folder / "piano.npy", "--valid-spectrograms", folder / "piano.npy")
    model, history = folder / "model.pt", folder / "history.parquet"
    codes, ranks = folder / "codes.parquet", folder / "ranks.parquet"
    trained = ("--system", NAME, "--seed", 0, "--out", model, "--history-out", history)
    embedded = ("--model", model, "--spectrograms", folder, "--out", codes)
    ranked = ("--system", NAME, "--codes", codes, "--conditions", *CONDITIONS, "--out", ranks)
    outputs = ("--ranks-out", folder / "all.parquet", "--out", folder / "metrics.parquet")
    commands = [
        command(config, train_system, *trained, *media, *sounds),
        command(config, embed_system, *embedded, *media),
        command(config, evaluate_system, *ranked, *snippets),
        command(config, system_metrics, "--ranks", ranks, *outputs, *snippets),
    ]
    script = (
        "import json, sys; from ugaar.cli import main;"
        "sys.exit(any(main(words) for words in json.loads(sys.argv[1])))"
    )
    python(package, "-c", script, json.dumps(commands))
    return folder


def test_the_line_is_all_that_the_configuration_needs():
    lines = [line for line in blocks("yaml")[0].splitlines() if line.strip()]
    above = ["audio_sheet:", "  systems:"]
    assert lines[:-1] == above
    assert yaml.safe_load(lines[-1]) == {
        NAME: {"model": "one_convolution", "pooling": "mean", "learning_rate": 0.003}
    }


def test_the_registry_finds_the_model_and_its_options(package, config, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(config["audio_sheet"]))
    script = (
        "import json, sys; from pathlib import Path; from ugaar.systems import *;"
        "plan = plan_system(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2]);"
        "print(json.dumps([vars(plan), front_end_of(plan.model), 'torch' in sys.modules]))"
    )
    output = python(package, "-c", script, tmp_path / "config.json", NAME)
    plan, front_end, imported = json.loads(output)
    expected = {"maps": 16, "frames": 42, "pooling": "mean", "temperature": 0.1}
    assert plan["options"] == expected
    assert plan["training"]["weight_decay"] == 0.0001
    assert plan["training"]["learning_rate"] == 0.003
    assert plan["training"]["steps"] == STEPS
    assert front_end == "20fps"
    assert not imported


def test_training_writes_a_model_and_a_finite_history(run):
    assert (run / "model.pt").stat().st_size > 10_000
    rows = read_table(run / "history.parquet", HISTORY).to_pylist()
    assert {row["method"] for row in rows} == {NAME}
    assert np.isfinite([row["value"] for row in rows]).all()
    losses = [row["value"] for row in rows if row["metric"] == "loss"]
    assert len(losses) == STEPS // 8
    assert losses[-1] < losses[0]


def test_the_codes_rank_unseen_pieces_far_above_chance(run):
    codes = SystemCodes(run / "codes.parquet", "clean")
    assert codes.system == NAME
    rows = read_table(run / "metrics.parquet", SYSTEM_METRICS).to_pylist()
    values = {
        (row["system"], row["condition"], row["direction"]): row["value"]
        for row in rows
        if row["metric"] == "R@10" and row["seed"] is None and row["right"] == "exact"
    }
    for direction in ("audio-to-sheet", "sheet-to-audio"):
        for condition in CONDITIONS:
            assert values[NAME, condition, direction] > 2 * values["chance", condition, direction]


def test_the_test_of_the_page_passes(package):
    python(package, "-c", blocks("python")[1])


def test_files_that_the_page_names_are_there():
    named = re.findall(r"`((?:src|tests|config)/[\w./-]+\.(?:py|yaml))`", TEXT)
    made = "src/ugaar/models/systems/one_convolution.py"
    assert made in named
    for path in set(named) - {made}:
        assert (ROOT / path).is_file(), path
