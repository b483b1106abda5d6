"""Exact nearest neighbours: order of ties, blocks, duplicates; and the ground truth on them."""

import json
from argparse import Namespace
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from synthetic_features import make_vectors, write_features

from ugaar.align import cca
from ugaar.align.ground_truth import find_ground_truth
from ugaar.align.nearest import nearest_neighbours
from ugaar.errors import DataError
from ugaar.parquet_files import metadata_of
from ugaar.stages import ground_truth as stage
from ugaar.train.dataset import load_features
from ugaar.train.linear import fit_best_ridge


def test_line_of_points_by_hand():
    rows, distances = nearest_neighbours(np.array([[0.0], [1], [3], [3.5]]), 3)
    assert rows.tolist() == [[0, 1, 2], [1, 0, 2], [2, 3, 1], [3, 2, 1]]
    np.testing.assert_allclose(distances[2], [0, 0.5, 2])


def test_ties_go_by_row_after_the_point_itself():
    square = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    assert nearest_neighbours(square, 3)[0].tolist() == [[0, 1, 2], [1, 0, 3], [2, 0, 3], [3, 1, 2]]
    assert nearest_neighbours(np.ones((4, 2)), 3)[0].tolist() == [
        [0, 1, 2], [1, 0, 2], [2, 0, 1], [3, 0, 1],
    ]  # fmt: skip


def test_agrees_with_all_distances_and_block_size_does_not_matter():
    points = np.random.default_rng(0).normal(size=(120, 7))
    points[50:60] = points[:10]
    differences = points[:, None] - points[None]
    exact = np.square(differences).sum(-1)
    np.fill_diagonal(exact, -1)
    expected = np.argsort(exact, axis=1, kind="stable")[:, :6]
    for size in (120, 1000, 10**6):
        found, distances = nearest_neighbours(points, 6, distances_per_block=size)
        np.testing.assert_array_equal(found, expected)
    assert distances[0, 1] == 0.0


def test_distinct_content_is_counted_once():
    points = np.array([[0.0], [0], [0], [1], [5]])
    rows, _ = nearest_neighbours(points, 3, distinct=np.array([7, 7, 7, 8, 9]))
    assert rows.tolist() == [[0, 3, 4], [1, 3, 4], [2, 3, 4], [3, 0, 4], [4, 3, 0]]


def test_more_neighbours_than_points_is_an_error():
    with pytest.raises(DataError, match="asked for 4 among 3"):
        nearest_neighbours(np.arange(3.0)[:, None], 4)
    with pytest.raises(DataError, match="not finite"):
        nearest_neighbours(np.array([[np.nan]]), 1)


def test_ground_truth_holds_each_item_first_and_no_copy_twice():
    vectors = make_vectors(200)
    audio = np.concatenate([vectors["audio"], vectors["audio"][:20]])
    sheet = np.concatenate([vectors["sheet"], vectors["sheet"][:20]])
    analysis = cca.fit(audio, sheet, 1e-3)
    truth = find_ground_truth(audio, sheet, 5, analysis, exclude_duplicates=True)
    assert truth.rows[:, 0].tolist() == list(range(220))
    original = np.where(truth.rows >= 200, truth.rows - 200, truth.rows)
    assert all(len(set(row)) == 5 for row in original.tolist())
    np.testing.assert_array_equal(truth.rows[:20, 1:], truth.rows[200:, 1:])
    with_copies = find_ground_truth(audio, sheet, 5, analysis, exclude_duplicates=False)
    assert with_copies.rows[0, :2].tolist() == [0, 200]
    assert with_copies.distances[0, 1] == 0.0


def run_stage(paths, out, **changes):
    settings = {"top_k": 5, "ridge": 0.001, "components": None, "exclude_duplicates": True}
    stage.run(
        Namespace(audio=paths["audio"], sheet=paths["sheet"], split=paths["split"], out=out),
        {"ground_truth": {**settings, **changes}, "cca": {"ridges": [1e-3, 1e-1]}},
    )


def test_stage_writes_training_windows_only_and_the_same_bytes_twice(tmp_path):
    paths = write_features(tmp_path, n=300)
    run_stage(paths, tmp_path / "a.parquet")
    run_stage(paths, tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    table = pq.read_table(tmp_path / "a.parquet").to_pandas()
    split = pq.read_table(paths["split"]).to_pandas().set_index("window_id")["fold"]
    assert len(table) == 5 * 180
    assert set(split[table["window_id"]]) == set(split[table["neighbour_id"]]) == {"train"}
    nearest = table[table["position"] == 1]
    assert (nearest["window_id"] == nearest["neighbour_id"]).all()
    correlations = json.loads(metadata_of(tmp_path / "a.parquet")["correlations"])
    assert len(correlations) == 32
    assert correlations == sorted(correlations, reverse=True)


@pytest.mark.parametrize(
    ("n", "changes", "message"),
    [
        (300, {"top_k": 500}, "ground_truth.top_k is 500, .* only 180"),
        (50, {}, "30 training rows are too few for 40 dimensions"),
    ],
)
def test_stage_errors_leave_no_file(tmp_path, n, changes, message):
    paths = write_features(tmp_path, n=n)
    with pytest.raises(DataError, match=message):
        run_stage(paths, tmp_path / "out.parquet", **changes)
    assert not (tmp_path / "out.parquet").exists()


def test_ridge_null_takes_the_best_on_the_validation_fold(tmp_path):
    paths = write_features(tmp_path, n=300)
    run_stage(paths, tmp_path / "chosen.parquet", ridge=None)
    chosen = float(metadata_of(tmp_path / "chosen.parquet")["ridge"])
    run_stage(paths, tmp_path / "given.parquet", ridge=chosen)
    assert chosen in (1e-3, 1e-1)
    files = [(tmp_path / f"{name}.parquet").read_bytes() for name in ("chosen", "given")]
    assert files[0] == files[1]
    features = load_features({m: paths[m] for m in ("audio", "sheet")}, paths["split"])
    axes = {m: cca.principal_axes(r) for m, r in features.take("train").vectors.items()}
    valid = features.take("valid")
    valid = replace(valid, content={m: np.arange(len(valid)) for m in valid.vectors})
    _, scores = fit_best_ridge(("audio", "sheet"), axes, valid, [1e-3, 1e-1])
    assert chosen == [1e-3, 1e-1][int(np.argmax(scores))]
