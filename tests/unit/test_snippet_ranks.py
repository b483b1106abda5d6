"""Guards ranks with several right answers: worked by hand, tolerance, twins, ties, chance."""

import numpy as np
import pytest

from ugaar.errors import DataError
from ugaar.evaluate.metrics import recall_at
from ugaar.evaluate.snippet_ranks import (
    exact_answers,
    near_answers,
    rank_answers,
    spaced,
    twin_answers,
)


def on_circle(*degrees):
    """Return unit codes in the plane."""
    angle = np.deg2rad(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def answers(right, query):
    return sorted(right.items[right.starts[query] : right.starts[query + 1]].tolist())


PIECES = ["a", "a", "a", "a", "b", "b"]
NOTES = np.array([0, 1, 3, 4, 1, 2])
TWINS = np.array([7, 8, 9, 7, 5, 5])


def all_right():
    return {
        "exact": exact_answers(6),
        "within-1": near_answers(PIECES, NOTES, 1),
        "within-2": near_answers(PIECES, NOTES, 2),
        "twins": twin_answers(TWINS),
    }


def test_right_answers_of_six_snippets():
    right = all_right()
    assert [answers(right["exact"], i) for i in range(6)] == [[i] for i in range(6)]
    near = [answers(right["within-1"], i) for i in range(6)]
    assert near == [[0, 1], [0, 1], [2, 3], [2, 3], [4, 5], [4, 5]]
    # Note 2 of piece a is no snippet: 1 and 3 are two apart, 0 and 3 three.
    near = [answers(right["within-2"], i) for i in range(6)]
    assert near == [[0, 1], [0, 1, 2], [1, 2, 3], [2, 3], [4, 5], [4, 5]]
    twins = [answers(right["twins"], i) for i in range(6)]
    assert twins == [[0, 3], [1], [2], [0, 3], [4, 5], [4, 5]]


def test_ranks_of_six_snippets_worked_by_hand():
    # Gallery items at these angles; an item is the better the nearer its angle.
    gallery = on_circle(0, 10, 20, 30, 90, 90)
    queries = on_circle(12, 13, 40, 4, 90, 170)
    # Query 0 at 12: distances 12 2 8 18 78 78.
    # Query 1 at 13: 13 3 7 17 77 77. Query 2 at 40: 40 30 20 10 50 50.
    # Query 3 at 4: 4 6 16 26 86 86.
    # Query 4 at 90: 90 80 70 60 0 0. Query 5 at 170: 170 160 150 140 80 80.
    found = rank_answers(queries, gallery, all_right())
    better, tied = found["exact"]
    assert better.tolist() == [2, 0, 1, 3, 0, 0]
    assert tied.tolist() == [1, 1, 1, 1, 2, 2]
    # Query 0: item 1 is right now and first. Query 2: item 3. Query 3: item 2 behind 0 and 1.
    better, tied = found["within-1"]
    assert better.tolist() == [0, 0, 0, 2, 0, 0]
    assert tied.tolist() == [1, 1, 1, 1, 1, 1]
    assert found["within-2"][0].tolist() == [0, 0, 0, 2, 0, 0]
    # Query 0: of the twins 0 and 3, item 0 is the nearer, behind 1 and 2. Query 3: item 0, first.
    better, tied = found["twins"]
    assert better.tolist() == [2, 0, 1, 0, 0, 0]
    assert tied.tolist() == [1, 1, 1, 1, 1, 1]


def test_wrong_items_that_tie_count_and_right_ones_do_not():
    gallery = on_circle(0, 0, 0, 50)
    queries = on_circle(0, 0, 0, 50)
    pieces, notes = ["a", "a", "b", "b"], np.array([0, 1, 0, 1])
    found = rank_answers(
        queries, gallery, {"exact": exact_answers(4), "near": near_answers(pieces, notes, 1)}
    )
    assert found["exact"][1].tolist() == [3, 3, 3, 1]
    # Items 0 and 1 are right for query 0: item 2 alone is tied with the best of them.
    assert found["near"][1].tolist() == [2, 2, 3, 1]
    assert not found["near"][0].any()


def random_case(seed, count=300, dimensions=6):
    random = np.random.default_rng(seed)
    pieces = sorted(f"p{number:02}" for number in random.integers(0, 12, count))
    notes = np.concatenate(
        [np.cumsum(random.integers(1, 3, pieces.count(p))) for p in sorted(set(pieces))]
    )
    twins = random.integers(0, count // 2, count)
    gallery = unit(random.normal(size=(count, dimensions)))
    queries = unit(gallery + 0.4 * random.normal(size=gallery.shape))
    return pieces, notes, twins, queries, gallery


def senses(pieces, notes, twins):
    return {
        "exact": exact_answers(len(notes)),
        "within-1": near_answers(pieces, notes, 1),
        "within-2": near_answers(pieces, notes, 2),
        "twins": twin_answers(twins),
    }


def test_agrees_with_counting_one_by_one():
    pieces, notes, twins, queries, gallery = random_case(0, count=60)
    right = senses(pieces, notes, twins)
    found = rank_answers(queries, gallery, right)
    scores = queries.astype(float) @ gallery.astype(float).T
    for name, sense in right.items():
        for i in range(60):
            mine = answers(sense, i)
            wrong = np.setdiff1d(np.arange(60), mine)
            assert found[name][0][i] == (scores[i, wrong] > scores[i, mine].max()).sum()


def test_a_looser_sense_of_right_never_lowers_recall():
    pieces, notes, twins, queries, gallery = random_case(1)
    gallery[5:40] = gallery[5]
    found = rank_answers(queries, gallery, senses(pieces, notes, twins))
    for k in (1, 5, 10, 25):
        recalls = {name: recall_at(*counts, k) for name, counts in found.items()}
        assert (recalls["within-1"] >= recalls["exact"]).all()
        assert (recalls["within-2"] >= recalls["within-1"]).all()
        assert (recalls["twins"] >= recalls["exact"]).all()


def test_neither_order_nor_block_size_matters():
    _, _, twins, queries, gallery = random_case(2)
    gallery[100:120] = gallery[100]
    right = {"exact": exact_answers(300), "twins": twin_answers(twins)}
    straight = rank_answers(queries, gallery, right)
    small = rank_answers(queries, gallery, right, scores_per_block=700)
    order = np.random.default_rng(3).permutation(300)
    turned = rank_answers(
        queries[order],
        gallery[order],
        {"exact": exact_answers(300), "twins": twin_answers(twins[order])},
    )
    for name in right:
        np.testing.assert_array_equal(straight[name], small[name])
        np.testing.assert_array_equal(np.array(straight[name])[:, order], turned[name])


def test_random_codes_give_chance():
    random = np.random.default_rng(4)
    queries, gallery = unit(random.normal(size=(2 * 2000, 16))).reshape(2, 2000, 16)
    counts = rank_answers(queries, gallery, {"exact": exact_answers(2000)})["exact"]
    # 2,000 queries hit with probability 0.05 each: the standard deviation is 0.5 points.
    assert 100 * recall_at(*counts, 100).mean() == pytest.approx(5, abs=2)


def test_equal_codes_of_twins_give_the_ceiling():
    random = np.random.default_rng(5)
    twins = random.integers(0, 80, 200)
    codes = unit(random.normal(size=(80, 8)))[twins]
    found = rank_answers(codes, codes, {"exact": exact_answers(200), "twins": twin_answers(twins)})
    assert recall_at(*found["exact"], 1).sum() == pytest.approx(len(set(twins.tolist())))
    assert (recall_at(*found["twins"], 1) == 1).all()


def test_spaced_takes_ends_and_no_number_twice():
    assert spaced(10, 4).tolist() == [0, 3, 6, 9]
    assert spaced(3, 100).tolist() == [0, 1, 2]
    assert spaced(0, 5).tolist() == []
    assert len(spaced(50_000, 16_000)) == 16_000


def test_misuse_is_named():
    good = on_circle(0, 90)
    right = {"exact": exact_answers(2)}
    with pytest.raises(DataError, match="do not belong together"):
        rank_answers(good, good[:1], right)
    with pytest.raises(DataError, match=r"1 query codes are not of unit length \(first: row 1"):
        rank_answers(good * [[1], [2]], good, right)
    broken = good.copy()
    broken[0, 0] = np.nan
    with pytest.raises(DataError, match="1 gallery codes are not of unit length"):
        rank_answers(good, broken, right)
    with pytest.raises(DataError, match="sorted by piece and note"):
        near_answers(["b", "a"], np.array([0, 0]), 1)
