"""Guards the step from ranks to metrics, and that methods are compared only on equal terms."""

import numpy as np
import pyarrow as pa
import pytest

from ugaar.errors import DataError
from ugaar.evaluate.summary import (
    MEAN,
    chance_rows,
    comparison_rows,
    metric_rows,
    rank_grids,
    resample_metrics,
)
from ugaar.tables import DIRECTIONS, RANKS


def ranks_table(better_of, methods=("ugaar",), seeds=(0, 1), n=6, directions=DIRECTIONS):
    """Return a ranks table in shuffled order; better_of(method, seed, query) gives n_better."""
    rows = [
        {
            "protocol": "song-disjoint",
            "method": method,
            "seed": seed,
            "direction": direction,
            "window_id": f"w{query}",
            "n_better": better_of(method, seed, query),
            "n_tied": 1,
            "gallery_size": n,
        }
        for method in methods
        for seed in seeds
        for direction in directions
        for query in range(n)
    ]
    order = np.random.default_rng(0).permutation(len(rows))
    return pa.Table.from_pylist([rows[i] for i in order], schema=RANKS.schema())


def summarise(table, n_resamples=200):
    grids = rank_grids(table)
    metrics = [resample_metrics(grid, (1, 5, 10), n_resamples) for grid in grids]
    return grids, metrics


def test_grids_are_sorted_by_seed_and_query():
    grids = rank_grids(ranks_table(lambda method, seed, query: (query + seed) % 6, seeds=(3, 1)))
    assert [grid.direction for grid in grids] == list(DIRECTIONS)
    assert grids[0].seeds == (1, 3)
    assert grids[0].windows == ("w0", "w1", "w2", "w3", "w4", "w5")
    assert grids[0].n_better.tolist() == [[1, 2, 3, 4, 5, 0], [3, 4, 5, 0, 1, 2]]


def test_rows_hold_each_seed_and_their_mean():
    # Seed 0 finds all six at once, seed 1 the first three.
    grids, metrics = summarise(
        ranks_table(lambda method, seed, query: 0 if seed == 0 or query < 3 else 5)
    )
    rows = [row for row in metric_rows(grids[0], metrics[0], 0.95) if row["metric"] == "R@1"]
    assert [(row["seed"], row["value"], row["std"], row["n_seeds"]) for row in rows[:2]] == [
        (0, 100.0, None, 1),
        (1, 50.0, None, 1),
    ]
    pooled = rows[2]
    assert pooled["seed"] is None
    assert pooled["value"] == 75
    assert pooled["std"] == pytest.approx(np.std([100, 50], ddof=1))
    assert pooled["ci_low"] < 75 < pooled["ci_high"]
    assert rows[0]["ci_low"] == rows[0]["ci_high"] == 100


def test_one_seed_has_no_spread():
    grids, metrics = summarise(ranks_table(lambda *_: 1, seeds=(7,)))
    pooled = [row for row in metric_rows(grids[0], metrics[0], 0.95) if row["seed"] is None]
    assert {row["std"] for row in pooled} == {None}


def test_median_over_n_is_the_median():
    grids, metrics = summarise(ranks_table(lambda method, seed, query: query))
    median, share = metrics[0]["MedR"], metrics[0]["MedR/N"]
    np.testing.assert_allclose(share.pooled * grids[0].gallery_size, median.pooled)
    np.testing.assert_allclose(share.by_seed * grids[0].gallery_size, median.by_seed)


def test_chance_has_one_row_a_direction_and_metric():
    grids, _ = summarise(ranks_table(lambda *_: 0, methods=("cca", "ugaar")))
    rows = list(chance_rows(grids, (1, 5, 10)))
    assert len(rows) == 6 * 7
    assert {row["n_seeds"] for row in rows} == {0}
    first = next(row for row in rows if row["metric"] == "R@1")
    assert first["value"] == pytest.approx(100 / 6)


def test_equal_methods_differ_by_nothing():
    grids, metrics = summarise(
        ranks_table(lambda method, seed, query: query, methods=("ugaar", "baseline-gan"))
    )
    rows = list(comparison_rows(grids, metrics, 0.95))
    assert {row["direction"] for row in rows} == {*DIRECTIONS, MEAN}
    assert {(row["method"], row["reference"]) for row in rows} == {("ugaar", "baseline-gan")}
    assert all(row["difference"] == row["ci_low"] == row["ci_high"] == 0 for row in rows)


def test_a_constant_gain_is_certain_when_paired():
    """Unpaired intervals of these two would overlap: queries differ far more than methods."""
    grids, metrics = summarise(
        ranks_table(
            lambda method, seed, query: query * 10 + (1 if method == "baseline" else 0),
            methods=("baseline", "baseline-gan"),
            n=60,
        )
    )
    row = next(
        row
        for row in comparison_rows(grids, metrics, 0.95)
        if row["metric"] == "MedR/N" and row["direction"] == MEAN
    )
    assert row["difference"] == pytest.approx(-1 / 60)
    assert row["ci_low"] == pytest.approx(-1 / 60)
    assert row["ci_high"] == pytest.approx(-1 / 60)


def test_mean_over_six_needs_six():
    table = ranks_table(lambda *_: 0, methods=("ugaar", "baseline"), directions=DIRECTIONS[:2])
    directions = {row["direction"] for row in comparison_rows(*summarise(table), 0.95)}
    assert directions == set(DIRECTIONS[:2])


def test_missing_and_double_ranks_are_refused():
    table = ranks_table(lambda *_: 0)
    with pytest.raises(DataError, match="every seed must rank the same queries once"):
        rank_grids(table.slice(1))
    with pytest.raises(DataError, match="every seed must rank the same queries once"):
        rank_grids(pa.concat_tables([table, table.slice(0, 1)]))


def test_galleries_of_different_size_are_refused():
    tables = [
        ranks_table(lambda *_: 0, methods=("cca",), n=5),
        ranks_table(lambda *_: 0, methods=("ugaar",), n=6),
    ]
    with pytest.raises(DataError, match="metrics compare only on equal galleries"):
        rank_grids(pa.concat_tables(tables))


def test_different_queries_are_not_compared():
    other = ranks_table(lambda *_: 0, methods=("baseline",)).to_pylist()
    renamed = [row | {"window_id": "x" + row["window_id"]} for row in other]
    table = pa.concat_tables(
        [ranks_table(lambda *_: 0), pa.Table.from_pylist(renamed, schema=RANKS.schema())]
    )
    with pytest.raises(DataError, match="were ranked on different queries"):
        list(comparison_rows(*summarise(table), 0.95))
