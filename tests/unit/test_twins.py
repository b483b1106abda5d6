"""Guards the twins: what counts as equal surroundings, and the ceiling that follows."""

import numpy as np
import pytest
from tunes import Q, piece

from ugaar.score.twins import ceiling, twin_hashes, twin_shares

STEPS = [60, 62, 64, 65]


def test_equal_surroundings_have_equal_hashes_and_no_others():
    # Onsets  0 1 2 3 4 5 6 7: of reach 1 only the inner onsets of both runs are twins.
    row = piece([STEPS, STEPS])
    hashes = twin_hashes(row, 1)
    assert hashes.dtype == np.int64
    assert len(hashes) == row["n_onsets"] == 8
    assert hashes[1] == hashes[5]
    assert hashes[2] == hashes[6]
    # The first onset has nothing before it, the last nothing after.
    assert len(np.unique(hashes)) == 6
    assert len(np.unique(twin_hashes(row, 2))) == 8


def test_rhythm_pitch_and_staff_count_and_length_does_not():
    row = piece([STEPS, [70, *STEPS[1:]]])
    one = twin_hashes(row, 1)
    assert one[2] == one[6]
    assert one[1] != one[5]
    later = {**row, "onset_tick": [*row["onset_tick"][:7], row["onset_tick"][7] + Q]}
    assert twin_hashes(later, 1)[6] != one[6]
    assert (twin_hashes({**row, "duration_tick": [Q // 2] * 8}, 1) == one).all()
    assert (twin_hashes({**row, "staff": [1] * 8}, 1) != one).all()


def test_a_hash_depends_on_nothing_but_the_surroundings():
    row = piece([STEPS, STEPS, STEPS])
    shifted = {**row, "onset_tick": [tick + 7 * Q for tick in row["onset_tick"]]}
    assert (twin_hashes(row, 3) == twin_hashes(shifted, 3)).all()
    other = piece([[40, 41, 42, 43], STEPS, STEPS, [50, 51, 52, 53]])
    assert twin_hashes(other, 1)[5] == twin_hashes(row, 1)[5]


def test_chords_count_once_whatever_the_order_of_their_notes():
    row = piece([STEPS])
    chord = {
        **row,
        "pitch": [60, 64, 62, 64, 65],
        "onset_tick": [0, 0, Q, 2 * Q, 3 * Q],
        "staff": [0] * 5,
    }
    turned = {**chord, "pitch": [64, 60, 62, 64, 65]}
    assert len(twin_hashes(chord, 1)) == 4
    assert (twin_hashes(chord, 1) == twin_hashes(turned, 1)).all()
    assert twin_hashes(chord, 1)[0] != twin_hashes(row, 1)[0]


def test_hashes_are_the_same_on_every_machine():
    # Stored in tables and compared between runs: a change of the hash is a change of the tables.
    assert twin_hashes(piece([STEPS]), 3)[:2].tolist() == [
        8051867141272323523,
        -7734495059922882310,
    ]


@pytest.mark.parametrize(
    ("hashes", "percent"), [([1, 2, 3, 4], 100), ([1, 1, 1, 1], 25), ([1, 1, 2, 3], 75)]
)
def test_ceiling_is_the_mean_of_one_over_the_number_of_equals(hashes, percent):
    assert ceiling(np.array(hashes)) == pytest.approx(percent)
    counts = [hashes.count(own) for own in hashes]
    assert ceiling(np.array(hashes)) == pytest.approx(100 * np.mean([1 / n for n in counts]))


def test_ceiling_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no gallery item"):
        ceiling(np.array([], dtype=np.int64))


def test_shares_of_twins_anywhere_and_in_the_own_piece():
    #        a a b a c: two twins in the first piece, a third in the second.
    shares = twin_shares(np.array([1, 1, 2, 1, 3]), ["p", "p", "p", "q", "q"])
    assert shares.n_onsets == 5
    assert shares.with_twin == pytest.approx(60)
    assert shares.in_piece == pytest.approx(40)
    assert shares.ceiling == pytest.approx(60)
