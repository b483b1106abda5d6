"""Guards score identification: votes, ties, ranks and positions worked by hand."""

import numpy as np
import pytest

from ugaar.errors import DataError
from ugaar.evaluate.identification import (
    RUN,
    SPREAD,
    PieceRows,
    identify,
    query_rows,
    summarise,
)


def on_circle(*degrees):
    angle = np.deg2rad(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


def of(rows, query=SPREAD):
    return {row["piece_id"]: row for row in rows if row["query"] == query}


PIECES = PieceRows.of(
    ["a", "a", "a", "b", "b"], np.array([0, 1, 2, 0, 1]), np.array([10.0, 30, 60, 5, 25])
)


def test_two_pieces_worked_by_hand():
    gallery = on_circle(0, 20, 40, 90, 120)
    # Piece a: votes for items 1, 1 and 3: two of three for a. Piece b: items 2 and 4: a tie.
    queries = on_circle(19, 22, 80, 45, 119)
    found = of(identify(PIECES, queries, gallery, votes=100))
    a, b = found["a"], found["b"]
    assert (a["best_piece_id"], a["rank"], a["n_votes"], a["n_pieces"]) == ("a", 1, 3, 2)
    # Inside a the three snippets are nearest to items 1, 1 and 2: 1, 0 and 0 notes off.
    assert a["position_error_notes"] == 0
    assert a["position_error_px"] == 0
    assert a["share_within_2"] == 1
    assert (b["best_piece_id"], b["rank"]) == ("a", 2)
    assert b["position_error_notes"] is None
    assert b["share_within_2"] == 0


def test_a_vote_for_several_equal_items_is_shared():
    gallery = on_circle(0, 0, 50, 0, 90)
    # Every snippet of a is nearest to items 0, 1 (piece a) and 3 (piece b): 2 votes against 1.
    found = of(identify(PIECES, on_circle(0, 0, 0, 0, 90), gallery, votes=100))
    assert found["a"]["rank"] == 1
    # The first snippet of b gives a 2/3 and b 1/3, the second b 1.
    assert found["b"]["rank"] == 1
    # Inside a items 0 and 1 are equally near: errors of 0.5, 0.5 and 1.5 notes.
    assert found["a"]["position_error_notes"] == pytest.approx(0.5)
    assert found["a"]["position_error_px"] == pytest.approx(10)
    # Inside b each snippet finds itself.
    assert found["b"]["position_error_notes"] == 0


def test_position_errors_are_in_notes_and_pixels():
    notes, x_px = np.arange(6), np.array([0.0, 10, 25, 45, 70, 100])
    pieces = PieceRows.of(["a"] * 6, notes, x_px)
    gallery = on_circle(0, 10, 20, 30, 40, 50)
    queries = gallery[[0, 1, 2, 0, 4, 1]]
    row = of(identify(pieces, queries, gallery, votes=100))["a"]
    # Errors 0 0 0 3 0 4 notes, and 0 0 0 45 0 90 pixels.
    assert row["position_error_notes"] == 0
    assert row["share_within_2"] == pytest.approx(4 / 6)
    queries = gallery[[3, 0, 0, 0, 0, 0]]
    row = of(identify(pieces, queries, gallery, votes=100))["a"]
    # Errors 3 1 2 3 4 5 notes: median 3; 45 10 25 45 70 100 pixels: median 45.
    assert row["position_error_notes"] == 3
    assert row["position_error_px"] == 45


def test_queries_are_spread_or_a_run_in_the_middle():
    rows = np.arange(100, 130)
    assert query_rows(rows, SPREAD, 4).tolist() == [100, 109, 119, 129]
    assert query_rows(rows, RUN, 4).tolist() == list(range(110, 120))
    assert query_rows(rows[:7], RUN, 4).tolist() == list(range(100, 107))


def test_perfect_codes_find_everything_and_random_codes_little():
    random = np.random.default_rng(0)
    names = np.repeat([f"p{number:02}" for number in range(40)], 30)
    notes = np.tile(np.arange(30), 40)
    pieces = PieceRows.of(names.tolist(), notes, 20.0 * notes)
    codes = random.normal(size=(2, 1200, 16))
    codes /= np.linalg.norm(codes, axis=2, keepdims=True)
    perfect = summarise(list(of(identify(pieces, codes[0], codes[0], votes=10), RUN).values()))
    assert perfect == {"top-1": 100, "top-5": 100, "MRR": 1, "notes": 0, "px": 0, "within-2": 100}
    blind = summarise(list(of(identify(pieces, codes[0], codes[1], votes=10)).values()))
    assert blind["top-1"] < 15


def test_a_collapsed_system_finds_nothing():
    constant = on_circle(0, 0, 0, 0, 0)
    found = of(identify(PIECES, constant, constant, votes=100))
    # Every vote is shared by all items: three parts in five go to a, the larger piece.
    assert (found["a"]["rank"], found["b"]["rank"]) == (1, 2)
    equal = PieceRows.of(["a", "a", "b", "b"], np.array([0, 1, 0, 1]), np.zeros(4))
    found = of(identify(equal, constant[:4], constant[:4], votes=100))
    assert (found["a"]["rank"], found["b"]["rank"]) == (2, 2)


def test_summary_counts_pieces_that_were_not_found():
    lost = {"rank": 4, "position_error_notes": None, "position_error_px": None, "share_within_2": 0}
    found = {"rank": 1, "position_error_notes": 3.0, "position_error_px": 9.0, "share_within_2": 1}
    assert summarise([lost, found]) == {
        "top-1": 50,
        "top-5": 100,
        "MRR": pytest.approx(0.625),
        "notes": 3,
        "px": 9,
        "within-2": 50,
    }
    assert summarise([lost])["notes"] is None


def test_codes_that_are_no_unit_vectors_are_refused():
    good = on_circle(0, 10, 20, 30, 40)
    with pytest.raises(DataError, match="not of unit length"):
        list(identify(PIECES, good * 2, good, votes=3))
