"""Guards the figures of the audio-sheet systems: drawn, twice the same, and of true numbers."""

import audio_sheet_runs
import numpy as np
import pytest
from PIL import Image

from ugaar.cli import main
from ugaar.evaluate.example_queries import answer_queries, choose_queries
from ugaar.evaluate.metrics import recall_at
from ugaar.evaluate.system_ranking import TestSnippets
from ugaar.parquet_files import read_table
from ugaar.report.system_examples_figure import SECONDS, Pictures
from ugaar.report.system_retrieval_figures import recall_curves
from ugaar.report.system_training_figures import correlation_curves, learning_curves
from ugaar.snippet_tables import SYSTEM_RANKS
from ugaar.tables import HISTORY

SYSTEMS = ("dcca", "cnn-2s")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    audio_sheet_runs.write_run(folder, [("dcca", 0.9), ("cnn-2s", 0.5)], (0, 1))
    audio_sheet_runs.evaluate(folder, SYSTEMS, (0, 1))
    audio_sheet_runs.write_stores(folder)
    for system in SYSTEMS:
        for seed in (0, 1):
            audio_sheet_runs.write_history(folder / f"h-{system}-{seed}.parquet", system, seed)
    return folder


def flags(folder):
    histories = [folder / f"h-{system}-{seed}.parquet" for system in SYSTEMS for seed in (0, 1)]
    ranks, metrics = folder / "system_ranks.parquet", folder / "system_metrics.parquet"
    return {
        "learning": {"history": histories},
        "correlations": {"history": histories},
        "recall": {"ranks": ranks, "metrics": metrics},
        "robustness": {"metrics": metrics},
        "examples": {
            "ranks": ranks,
            "codes": folder / "codes-dcca-1.parquet",
            "snippets": folder / "snippets.parquet",
            "strips": folder / "plain.npy",
            "strips-index": folder / "plain.parquet",
            "spectrograms": folder / "piano.npy",
            "spectrograms-index": folder / "piano.parquet",
            "front-end": "20fps",
        },
    }


def draw(which, given, folder):
    command = ["system-figures", "--settings", "{}", "--which", which, "--out-dir", str(folder)]
    for name, value in given.items():
        command += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
    return main(command)


@pytest.mark.parametrize("which", ["learning", "correlations", "recall", "robustness", "examples"])
def test_every_figure_is_drawn_and_twice_the_same(run, tmp_path, which):
    for folder in ("once", "again"):
        assert draw(which, flags(run)[which], tmp_path / folder) == 0
    with Image.open(tmp_path / "once" / f"{which}.png") as picture:
        assert picture.width == 1200
    for suffix in ("png", "svg"):
        once, again = (tmp_path / name / f"{which}.{suffix}" for name in ("once", "again"))
        assert once.read_bytes() == again.read_bytes()


def test_what_a_figure_lacks_is_named(run, tmp_path, caplog):
    given = flags(run)["examples"]
    del given["strips"], given["front-end"]
    assert draw("examples", given, tmp_path) == 1
    assert "figure 'examples' needs --strips, --front-end" in caplog.text


def test_learning_curves_hold_losses_and_the_mean_of_both_directions(run):
    rows = read_table(run / "h-dcca-1.parquet", HISTORY).to_pylist()
    losses, ranks = learning_curves(rows)
    assert list(losses["dcca"]) == [1]
    assert sorted(losses["dcca"][1]) == [250, 500, 750, 1000, 1250, 1500]
    both = [r["value"] for r in rows if r["metric"].startswith("MRR") and r["epoch"] == 750]
    assert len(both) == 2
    assert ranks["dcca"][1][750] == pytest.approx(sum(both) / 2)
    correlations = correlation_curves(rows)["dcca"][1]
    assert sorted(correlations) == list(range(1, 33))
    assert correlations[1] == pytest.approx(0.95**2)


def test_recall_curves_are_those_of_the_metrics(run):
    ranks = read_table(run / "system_ranks.parquet", SYSTEM_RANKS)
    curves = recall_curves(ranks, "clean", 400)
    assert curves["audio-to-sheet", "dcca"].shape == (2, 400)
    rows = [
        row
        for row in ranks.to_pylist()
        if (row["system"], row["seed"], row["condition"]) == ("cnn-2s", 1, "clean")
        and (row["direction"], row["right"]) == ("sheet-to-audio", "exact")
        and row["gallery_size"] == 400
    ]
    counts = (np.array([row[name] for row in rows]) for name in ("n_better", "n_tied"))
    expected = 100 * recall_at(*counts, 10).mean()
    assert curves["sheet-to-audio", "cnn-2s"][1, 9] == pytest.approx(expected)


def test_queries_are_the_middle_of_each_third():
    n_better = np.array([5, 0, 3, 1, 4, 2, 8, 7, 6])
    # Ranked 1 to 9: rows 1 3 5 | 2 4 0 | 8 7 6.
    assert choose_queries(n_better, np.ones(9, dtype=int)) == [3, 4, 7]
    assert choose_queries(np.array([0]), np.array([1])) == [0, 0, 0]


def test_answers_tell_the_right_one_and_its_twins():
    angle = np.deg2rad([0.0, 10, 30, 90])
    gallery = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    snippets = TestSnippets(["a", "a", "b", "b"], np.array([0, 1, 0, 1]), np.array([1, 2, 1, 3]))
    queries = gallery[[1, 1, 1, 1]]
    examples = answer_queries([0, 0, 3], [2.0, 2.0, 4.0], queries, gallery, snippets, top=3)
    first, _, last = examples
    assert [answer.row for answer in first.answers] == [1, 0, 2]
    assert [answer.right for answer in first.answers] == [False, True, False]
    assert [answer.twin for answer in first.answers] == [False, True, True]
    assert first.answers[0].score == pytest.approx(1)
    assert (last.tercile, last.rank, last.right.row) == ("worst third", 4.0, 3)
    assert not any(answer.right for answer in last.answers)


def test_pictures_are_centred_on_the_note_and_stay_in_the_piece(run):
    strips = np.full((300, 80), 255, dtype=np.uint8)
    strips[150:] = 0  # the second piece is all ink
    strips[60, 40] = 0
    spectrogram = np.zeros((200, 92), dtype=np.float16)
    spectrogram[100:] = 1
    spectrogram[30, 5] = 2
    pictures = Pictures(
        strips,
        {"a": (0, 150), "b": (150, 150)},
        spectrogram,
        {"a": (0, 100), "b": (100, 100)},
        20.0,
        ["a", "a"],
        np.array([121.0, 290.0]),
        np.array([30, 95]),
    )
    crop = pictures.sheet(0)
    assert crop.shape == (80, 100)
    assert np.argwhere(crop == 0).tolist() == [[40, 49]]
    assert (pictures.sheet(1) == 255).all()
    excerpt = pictures.audio(0)
    assert excerpt.shape == (92, round(20 * SECONDS))
    assert np.argwhere(excerpt == 2).tolist() == [[5, 40]]
    assert not pictures.audio(1).any()
