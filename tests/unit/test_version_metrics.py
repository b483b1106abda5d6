"""Guards the scores of version retrieval: hand-worked lists, exact chance, what may answer what."""

from itertools import permutations

import numpy as np
import pytest

from ugaar.evaluate.version_metrics import comparison_rows, gather, metric_rows
from ugaar.versions.pairs import Folds, Places
from ugaar.versions.precision import average_precision, chance, right_at_1
from ugaar.versions.recordings import Shingles
from ugaar.versions.scoring import Asked, score_fold, squared_distances


def test_average_precision_of_a_hand_worked_list():
    # Places of the right ones: 1, 3 and 6, so (1/1 + 2/3 + 3/6) / 3.
    right, wrong = np.array([0.6, 0.1, 0.3]), np.array([0.5, 0.2, 0.4, 0.9])
    assert average_precision(right, wrong) == pytest.approx((1 + 2 / 3 + 3 / 6) / 3)
    assert right_at_1(right, wrong)
    assert average_precision(right, np.array([])) == 1.0


def test_ties_count_against_the_query():
    right, wrong = np.array([0.5, 0.5]), np.array([0.5, 0.7])
    assert average_precision(right, wrong) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert not right_at_1(right, wrong)


@pytest.mark.parametrize(("n_right", "n_items"), [(1, 1), (1, 4), (2, 5), (3, 5), (4, 4)])
def test_chance_is_the_mean_over_all_orders(n_right, n_items):
    values = []
    for order in set(permutations([True] * n_right + [False] * (n_items - n_right))):
        places, order = np.arange(n_items), np.array(order)
        values.append((order[0], average_precision(places[order], places[~order])))
    assert chance(n_right, n_items) == pytest.approx(np.mean(values, axis=0))


def _collection():
    """Two works of two versions each, and a copy of the first version; shingles of 2 s."""
    tones = np.eye(12, dtype=np.float32)
    first, other = tones[[0, 1, 2, 3]], tones[[6, 7, 8, 9]]
    shingles = Shingles(
        ["a1", "a1-copy", "a2", "b1", "b2"],
        ["a", "a", "a", "b", "b"],
        [first, first, first, other, other],
        2,
    )
    folds = Folds(np.array([0, 0, 0, 0, 1]), np.array([0, 0, 1, 2, 3]))
    straight = np.arange(4, dtype=np.int16)
    same = [(0, 1), (0, 2), (1, 2), (3, 4)]
    places = Places({pair: straight for one, two in same for pair in ((one, two), (two, one))})
    return shingles, folds, places


def _scores(codes, recordings=(0,), query_s=(2, 3, 0), passage_s=0):
    rows = score_fold(codes, recordings, *_collection(), Asked(1, query_s, passage_s))
    return {(row["gallery"], row["answers"], row["query_s"]): row for row in rows}


def test_own_recording_and_copies_never_answer():
    shingles, _, _ = _collection()
    found = _scores(shingles.cut(slice(None)).reshape(len(shingles), -1))
    # 15 shingles less 3 of a1 and 3 of its copy; b2 is in another fold.
    assert found["all-works", "shingles", 2]["gallery_size"] == 9
    assert found["test-works", "shingles", 2]["gallery_size"] == 6
    assert found["all-works", "recordings", 2]["gallery_size"] == 3
    for row in found.values():
        assert row["precision_at_1"] == 1.0


def test_passages_leave_out_the_rest_of_the_work():
    shingles, _, _ = _collection()
    # Every shingle of a is right at the wrong place: the code is the second at which it starts.
    codes = shingles.second[:, None].astype(np.float32)
    codes[shingles.recording >= 3] = 10.0
    found = _scores(codes)
    assert found["all-works", "passages", 2]["gallery_size"] == 1 + 6
    assert found["all-works", "passages", 2]["chance_precision_at_1"] == pytest.approx(1 / 7)
    wider = _scores(codes, passage_s=1)
    # Starts 0, 1, 2 have 2, 3, 2 shingles within a second.
    assert wider["all-works", "passages", 2]["gallery_size"] == 3 + 6


def test_a_constant_code_finds_nothing():
    shingles, _, _ = _collection()
    for row in _scores(np.zeros((len(shingles), 4), np.float32)).values():
        assert row["precision_at_1"] == 0.0


def test_longer_queries_are_rows_of_shingles_and_a_work_without_versions_asks_nothing():
    shingles, folds, places = _collection()
    codes = shingles.cut(slice(None)).reshape(len(shingles), -1)
    found = _scores(codes)
    assert found["all-works", "recordings", 2]["n_queries"] == 3
    assert found["all-works", "recordings", 3]["n_queries"] == 2
    assert found["all-works", "recordings", 0]["n_queries"] == 1
    # b1's only other version is in another fold.
    rows = list(score_fold(codes, [3], shingles, folds, places, Asked(1, (2,), 0)))
    assert {row["gallery"] for row in rows} == {"all-works"}


def test_squared_distances_are_those_of_the_definition():
    random = np.random.default_rng(0)
    one, other = (random.standard_normal((size, 5)).astype(np.float32) for size in (3, 4))
    expected = ((one[:, None] - other[None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(squared_distances(one, other), expected, atol=1e-5)
    assert (squared_distances(one, one) >= 0).all()


def _rows(system, seed, values):
    return [
        {
            "system": system,
            "dimensions": 6,
            "seed": seed,
            "gallery": "all-works",
            "answers": "shingles",
            "query_s": 20,
            "recording_id": f"{work}{number}",
            "work": work,
            "n_queries": 10,
            "gallery_size": 100,
            "precision_at_1": value,
            "average_precision": value / 2,
            "chance_precision_at_1": 0.1,
            "chance_average_precision": 0.05,
        }
        for work, of_work in values.items()
        for number, value in enumerate(of_work)
    ]


def test_works_count_the_same_whatever_their_recordings():
    scores = gather(
        _rows("pca", 0, {"x": [1.0], "y": [0.2, 0.4, 0.6]})
        + _rows("network", 0, {"x": [1.0], "y": [0.5, 0.6, 0.7]})
        + _rows("network", 1, {"x": [0.8], "y": [0.7, 0.8, 0.9]})
    )
    rows = {
        (row["system"], row["seed"], row["mean_over"], row["metric"]): row
        for row in metric_rows(scores, 200, 0.95)
    }
    pca = rows["pca", None, "works", "P@1"]
    assert pca["value"] == pytest.approx(70)  # (100 + 40) / 2
    assert (pca["lowest"], pca["highest"]) == pytest.approx((40, 100))
    assert pca["std"] is None
    assert rows["pca", None, "recordings", "P@1"]["value"] == pytest.approx(55)
    network = rows["network", None, "works", "P@1"]
    assert network["value"] == pytest.approx(80)
    assert network["std"] == pytest.approx(0)  # 80 with either seed
    assert network["ci_low"] <= 80 <= network["ci_high"]
    assert rows["network", 1, "works", "MAP"]["value"] == pytest.approx(40)
    assert rows["chance", None, "works", "P@1"]["value"] == pytest.approx(10)
    assert rows["chance", None, "works", "P@1"]["n_seeds"] == 0
    difference = {row["metric"]: row for row in comparison_rows(scores, 200, 0.95)}["P@1"]
    assert difference["difference"] == pytest.approx(10)
    assert (difference["n_better"], difference["n_works"]) == (1, 2)
