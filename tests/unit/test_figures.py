"""Guards the figures: every one is drawn, twice the same, small enough, and shows true numbers."""

import json
from itertools import product

import numpy as np
import pytest
import synthetic
from PIL import Image

from ugaar.cli import main
from ugaar.evaluate.metrics import recall_at
from ugaar.evaluate.summary import chance_rows, metric_rows, rank_grids, resample_metrics
from ugaar.parquet_files import read_table, write_table
from ugaar.report.funnel_figure import losses_text, steps_of
from ugaar.report.ranks_figure import recall_curve
from ugaar.report.samples_figure import choose, lyric_lines
from ugaar.report.training_figure import curves_of
from ugaar.tables import DIRECTIONS, METRICS, RANKS, WINDOWS


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Tables of a small run, and the flags of each figure."""
    folder = tmp_path_factory.mktemp("figures")
    synthetic.write_windows(folder, n=9, test=4)
    windows = read_table(folder / "windows.parquet", WINDOWS).to_pylist()
    synthetic.write_media(folder, [(w["audio_key"], w["sheet_key"]) for w in windows[2:]])
    synthetic.write_funnel(folder / "funnel.parquet")
    synthetic.write_ground_truth(folder / "ground_truth.parquet")
    histories = []
    for method, seed in (("asmcmr", 0), ("ugaar", 0), ("ugaar", 1)):
        histories.append(folder / f"history-{method}-{seed}.parquet")
        synthetic.write_history(histories[-1], method, seed)
    random = np.random.default_rng(0)
    rows = [
        {
            "protocol": "song-disjoint",
            "method": method,
            "seed": seed,
            "direction": direction,
            "window_id": f"w{query:03}",
            "n_better": int(random.integers(0, 40)),
            "n_tied": 1,
            "gallery_size": 40,
        }
        for method, seed, direction, query in product(
            ("cca", "ugaar"), (0, 1), DIRECTIONS, range(40)
        )
    ]
    write_table(folder / "ranks.parquet", RANKS, rows)
    grids = rank_grids(read_table(folder / "ranks.parquet", RANKS))
    metrics = list(chance_rows(grids, (1,)))
    for grid in grids:
        metrics += metric_rows(grid, resample_metrics(grid, (1,), 20), 0.95)
    write_table(folder / "metrics.parquet", METRICS, metrics)
    tables = {name: folder / f"{name}.parquet" for name in ("songs", "windows", "split")}
    flags = {
        "ranks": {"ranks": folder / "ranks.parquet", "metrics": folder / "metrics.parquet"},
        "training": {"history": histories},
        "funnel": {"funnel": folder / "funnel.parquet"},
        "correlations": {"ground-truth": folder / "ground_truth.parquet"},
        "samples": {**tables, "audio": folder / "audio", "sheet": folder / "sheet"},
    }
    return flags


def draw(which, flags, folder):
    command = ["figures", "--settings", "{}", "--which", which, "--out-dir", str(folder)]
    for name, value in flags.items():
        values = value if isinstance(value, list) else [value]
        command += [f"--{name}", *map(str, values)]
    return main(command)


@pytest.mark.parametrize("which", ["ranks", "training", "funnel", "correlations", "samples"])
def test_figures_are_drawn_and_reproducible(run, which, tmp_path):
    for again in ("one", "two"):
        assert draw(which, run[which], tmp_path / again) == 0
    for suffix in ("png", "svg"):
        one, two = (tmp_path / again / f"{which}.{suffix}" for again in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
    with Image.open(tmp_path / "one" / f"{which}.png") as image:
        assert image.width == 1200
        assert len(np.unique(np.asarray(image.convert("L")))) > 20  # not an empty canvas
    svg = (tmp_path / "one" / f"{which}.svg").read_text(encoding="utf-8")
    assert "<dc:date>" not in svg
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [
        f"{which}.png",
        f"{which}.svg",
    ]


def test_missing_inputs_are_named(run, tmp_path, caplog):
    assert draw("samples", {"songs": run["samples"]["songs"]}, tmp_path) == 1
    assert "figure 'samples' needs --windows, --split, --audio, --sheet" in caplog.text
    assert not list(tmp_path.iterdir())


def test_a_run_without_training_still_has_its_figure(tmp_path):
    from ugaar.tables import HISTORY

    write_table(tmp_path / "empty.parquet", HISTORY, [])
    assert draw("training", {"history": tmp_path / "empty.parquet"}, tmp_path / "out") == 0
    assert (tmp_path / "out" / "training.png").exists()


def test_recall_curve_is_recall_at_every_cut_off():
    random = np.random.default_rng(0)
    n_tied = random.integers(1, 4, 30)
    n_better = random.integers(0, 30 - 3, 30)
    curve = recall_curve(n_better, n_tied, 30)
    expected = [100 * recall_at(n_better, n_tied, k).mean() for k in range(1, 31)]
    np.testing.assert_allclose(curve, expected)
    assert curve[-1] == pytest.approx(100)


def test_curves_of_a_history():
    def row(metric, epoch, phase="train", seed=0):
        return {
            "method": "ugaar",
            "seed": seed,
            "phase": phase,
            "epoch": epoch,
            "metric": metric,
            "value": float(epoch),
        }

    rows = [
        *(
            row("loss", epoch, phase)
            for phase in ("discriminator", "generator")
            for epoch in (1, 2)
        ),
        *(row("mrr", epoch, "valid") for epoch in (1, 2)),
        row("once", 1),
        row("mrr", 2, "valid cca"),
    ]
    training, validation = curves_of(rows)["ugaar"]
    assert set(training) == {"loss, discriminator", "loss, generator"}
    assert validation == {"mrr": {0: {1: 1.0, 2: 2.0}}}


def test_funnel_texts():
    rows = [
        {"step": "songs", "reason": reason, "count": count}
        for reason, count in (("kept", 5), ("a", 1), ("b-b", 9), ("c", 2), ("d", 1000))
    ]
    counts = steps_of(rows)["songs"]
    assert losses_text(counts) == "lost: d 1,000, b b 9, c 2, other 1"
    assert losses_text({"kept": 3}) == "nothing lost"


def test_licence_clean_samples_come_first():
    windows = [
        {"window_id": name, "song_id": song}
        for name, song in (("a", "s0"), ("b", "s1"), ("c", "s2"), ("d", "s2"), ("e", "s3"))
    ]
    paths = {
        "s0": "bach/bwv1.mxl",
        "s1": "bach/bwv2.mxl",
        "s2": "liliuokalani/aloha_oe.mxl",
        "s3": "johnson_j_r/lift_every_voice.mxl",
    }
    folds = {"a": "train", "b": "test", "c": "train", "d": "test", "e": "train"}
    chosen = [window["window_id"] for window in choose(windows, paths, folds, 3)]
    assert chosen == ["d", "e", "b"]  # clean (test first), one a song, then other test windows
    assert len(choose(windows[:1], paths, folds, 3)) == 1


def test_syllables_that_would_touch_go_to_the_next_line_with_room():
    assert lyric_lines([0, 10, 20, 30], [8, 14, 8, 8]) == [0, 1, 0, 0]
    assert lyric_lines([0, 1, 2], [4, 4, 4]) == [0, 1, 2]
    assert lyric_lines([0, 1, 4], [4, 4, 4]) == [0, 1, 0]
    assert lyric_lines([], []) == []


def test_ridges_and_other_metrics_are_no_training_curves():
    def row(method, phase, metric, epoch):
        return {
            "method": method,
            "seed": 0,
            "phase": phase,
            "epoch": epoch,
            "metric": metric,
            "value": 0.5,
        }

    rows = [
        row("cca", "cca audio-sheet", metric, epoch)
        for metric in ("ridge", "valid MRR mean")
        for epoch in (1, 2)
    ]
    rows += [
        row("encoder-trained", "valid", metric, epoch)
        for metric in ("MRR audio-to-sheet", "R@1 audio-to-sheet")
        for epoch in (50, 100)
    ]
    found = curves_of(rows)
    assert set(found) == {"encoder-trained"}
    assert set(found["encoder-trained"][1]) == {"MRR audio-to-sheet"}


def test_ground_truth_without_correlations_is_named(tmp_path, caplog):
    from ugaar.tables import GROUND_TRUTH

    write_table(tmp_path / "truth.parquet", GROUND_TRUTH, [], metadata={"other": json.dumps([])})
    assert draw("correlations", {"ground-truth": tmp_path / "truth.parquet"}, tmp_path) == 1
    assert "metadata lack correlations" in caplog.text
