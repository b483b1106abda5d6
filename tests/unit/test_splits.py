"""Guards the splits of a run, and the tables that set them side by side."""

import json

import numpy as np
import pytest

from ugaar.cli import main
from ugaar.errors import DataError
from ugaar.evaluate.split_comparison import cells_of, protocol_rows
from ugaar.evaluate.summary import rank_grids, resample_metrics
from ugaar.parquet_files import read_table, write_table
from ugaar.splits import planned
from ugaar.tables import DIRECTIONS, PROTOCOL_DIFFERENCES, RANKS, SPLIT_MEANS

SETTINGS = {"evaluate": {"top_k": [1, 10], "bootstrap": 200, "confidence": 0.95}}


def test_the_first_seed_is_the_experiment_and_others_repeat_some_methods():
    config = {
        "protocols": ["song-disjoint", "published"],
        "methods": ["cca", "ugaar"],
        "split": {"seeds": [4, 1], "repeat_methods": ["cca"]},
    }
    found = planned(config)
    assert list(found) == ["song-disjoint", "song-disjoint-1", "published", "published-1"]
    assert (found["published"].seed, found["published"].methods) == (4, ["cca", "ugaar"])
    assert found["published"].main
    repeat = found["published-1"]
    assert (repeat.protocol, repeat.seed, repeat.methods) == ("published", 1, ["cca"])
    assert not repeat.main


def write_ranks(path, protocol, better, n=40, method="cca"):
    """Write ranks in which `better` items beat each right answer, in every direction."""
    rows = [
        {
            "protocol": protocol,
            "method": method,
            "seed": seed,
            "direction": direction,
            "window_id": f"{number:03}-0",
            "n_better": better[number],
            "n_tied": 1,
            "gallery_size": n,
        }
        for seed in (0, 1)
        for direction in DIRECTIONS
        for number in range(n)
    ]
    write_table(path, RANKS, rows)
    return path


@pytest.fixture
def compared(tmp_path):
    """Half of the right answers come first under `published`, a quarter and none otherwise."""
    first, half, none = [0] * 10 + [19] * 30, [0] * 20 + [9] * 20, [19] * 40
    ranks = {
        "song-disjoint": write_ranks(tmp_path / "a.parquet", "song-disjoint", first),
        "song-disjoint-1": write_ranks(tmp_path / "b.parquet", "song-disjoint", none),
        "published": write_ranks(tmp_path / "c.parquet", "published", half),
    }
    code = main(
        [
            "compare-splits",
            "--settings",
            json.dumps(SETTINGS),
            "--names",
            *ranks,
            "--ranks",
            *map(str, ranks.values()),
            "--means-out",
            str(tmp_path / "means.parquet"),
            "--differences-out",
            str(tmp_path / "differences.parquet"),
            "--out-dir",
            str(tmp_path / "tables"),
        ]
    )
    assert code == 0
    return tmp_path


def test_hand_worked_difference_between_protocols(compared):
    rows = read_table(compared / "differences.parquet", PROTOCOL_DIFFERENCES).to_pylist()
    assert len(rows) == 6 * 3
    recall = next(row for row in rows if row["metric"] == "R@1")
    assert (recall["song_disjoint"], recall["published"]) == (25.0, 50.0)
    assert recall["difference"] == 25.0
    assert recall["ci_low"] < 25.0 < recall["ci_high"]
    assert recall["ci_low"] > 0
    median = next(row for row in rows if row["metric"] == "MedR")
    assert (median["song_disjoint"], median["published"]) == (20.0, 5.5)


def test_hand_worked_means_over_draws(compared):
    rows = read_table(compared / "means.parquet", SPLIT_MEANS).to_pylist()
    recall = next(
        row for row in rows if row["metric"] == "R@1" and row["protocol"] == "song-disjoint"
    )
    assert (recall["n_splits"], recall["value"]) == (2, 12.5)
    assert recall["std"] == pytest.approx(np.std([25, 0], ddof=1))
    assert (recall["lowest"], recall["highest"]) == (0.0, 25.0)
    alone = next(row for row in rows if row["protocol"] == "published")
    assert (alone["n_splits"], alone["std"]) == (1, None)


def test_printed_tables_name_both_protocols(compared):
    text = (compared / "tables" / "protocols.md").read_text(encoding="utf-8")
    assert "song-disjoint / published / difference" in text
    assert "25.00 / 50.00 / +25.00" in text
    assert "12.50 ± 17.68" in (compared / "tables" / "splits.md").read_text(encoding="utf-8")


def test_protocols_without_a_common_gallery_size_are_an_error(tmp_path):
    cells = []
    for protocol, n in (("song-disjoint", 40), ("published", 50)):
        path = write_ranks(tmp_path / f"{n}.parquet", protocol, [0] * n, n)
        grids = rank_grids(read_table(path, RANKS))
        cells.append(cells_of(grids, [resample_metrics(grid, [1], 10) for grid in grids]))
    with pytest.raises(DataError, match=r"evaluate\.galleries"):
        list(protocol_rows(*cells, 0.95))


def test_names_and_ranks_must_be_equally_many(tmp_path, caplog):
    path = write_ranks(tmp_path / "a.parquet", "published", [0] * 40)
    code = main(
        [
            "compare-splits",
            "--settings",
            json.dumps(SETTINGS),
            "--names",
            "a",
            "b",
            "--ranks",
            str(path),
            "--means-out",
            "m",
            "--differences-out",
            "d",
            "--out-dir",
            "o",
        ]
    )
    assert code == 2
    assert "equally many" in caplog.text
