"""Guards the cut of written-out repeats: what counts as one, and how time is closed up."""

import pytest
from tunes import Q, piece

from ugaar.score.pieces import PieceNote, piece_row
from ugaar.score.repeats import repeated_bars, without_repeats
from ugaar.sources.songs import Grid

A = [[60 + number, 62, 64, 65] for number in range(4)]
B = [[70 + number, 69, 67, 65] for number in range(4)]
C = [[50 + number, 52, 54, 55] for number in range(4)]


@pytest.mark.parametrize(
    ("bars", "shortest", "repeated"),
    [
        ("abcdabcd", 4, "....xxxx"),
        ("abcdabce", 4, "........"),
        ("abcdabce", 3, "....xxx."),
        # AABB, and a third A at the end.
        ("abcdabcdefghefghabcd", 4, "....xxxx....xxxxxxxx"),
        # Runs do not overlap: of eight equal bars four are left.
        ("aaaaaaaa", 4, "....xxxx"),
        ("aaaaaaa", 4, "......."),
        # The longest run is taken: here five bars, not four.
        ("abcdexabcdyabcdez", 4, "......xxxx.xxxxx."),
        # Bars of rest alone are no repeat.
        ("    x    y", 4, ".........."),
        ("a   x a   y", 4, "......xxxx."),
        ("", 4, ""),
        ("aa", 1, ".x"),
    ],
)
def test_repeated_bars(bars, shortest, repeated):
    contents = [letter.strip() for letter in bars]
    assert repeated_bars(contents, shortest) == [mark == "x" for mark in repeated]


def test_repeats_are_cut_and_time_is_closed_up():
    cut = without_repeats(piece(A + A + B + B), 4)
    wanted = piece(A + B)
    assert cut["n_repeated_notes"] == 32
    for name in wanted:
        if name in ("onset_s", "duration_s"):
            assert cut[name] == pytest.approx(wanted[name])
        elif name != "n_repeated_notes":
            assert cut[name] == wanted[name], name
    assert cut["bar_tick"] == [4 * Q * bar for bar in range(9)]


def test_the_second_of_two_transposed_runs_stays():
    higher = [[pitch + 2 for pitch in bar] for bar in A]
    assert without_repeats(piece(A + higher), 4) == piece(A + higher)


def test_a_pickup_before_the_repeat_stays_with_the_bar_that_it_is_written_in():
    # The last bar of the first time leads back with the pickup 59, that of the second on to B.
    first = [*A, [72, None, None, 59]]
    second = [*A, [72, None, None, 58]]
    cut = without_repeats(piece(first + second + B, pickup=[59]), 4)
    wanted = piece([*first, second[-1], *B], pickup=[59])
    assert cut["pitch"] == wanted["pitch"]
    assert cut["onset_tick"] == wanted["onset_tick"]
    assert cut["onset_s"] == pytest.approx(wanted["onset_s"])
    assert cut["bar_tick"][:4] == [-3 * Q, Q, 5 * Q, 9 * Q]
    assert cut["n_repeated_notes"] == 16


def test_without_bars_nothing_is_cut():
    row = {**piece(A + A), "bar_tick": []}
    assert without_repeats(row, 4) == row


def made(notes, meter_tick, meter, bars):
    origin = dict.fromkeys(("piece_id", "source", "collection", "path", "title"), "x")
    return piece_row(origin, notes, Grid(bars, meter_tick, meter, [], []))


def line(bars):
    """A note of one quarter at the start of each 4/4 bar, 120 quarter notes a minute."""
    return [
        PieceNote(60 + pitch, 4 * Q * n, 4 * Q * n + Q, 2.0 * n, 2.0 * n + 0.5)
        for n, pitch in enumerate(bars)
    ]


def test_a_note_held_into_a_cut_bar_ends_at_the_bar_line():
    notes = line([1, 2, 1, 2, 3])
    held = PieceNote(80, 7 * Q, 10 * Q, 3.5, 5.0)
    row = made([*notes, held], [0], ["4/4"], [4 * Q * n for n in range(6)])
    cut = without_repeats(row, 1)
    assert cut["pitch"] == [61, 62, 80, 62, 63]
    assert (cut["onset_tick"][2], cut["duration_tick"][2]) == (7 * Q, Q)
    assert cut["duration_s"][2] == pytest.approx(0.5)
    assert cut["onset_tick"][3] == 8 * Q


def test_meters_move_with_their_bars_and_bars_of_other_lengths_differ():
    # Two bars of 4/4, two of 3/4 with the same notes, two of 4/4 that repeat the first two.
    starts = [0, 4, 8, 11, 14, 18, 22]
    pitches = [60, 62, 60, 62, 60, 62, 65]
    notes = [
        PieceNote(pitch, start * Q, (start + 1) * Q, start * 0.5, start * 0.5 + 0.5)
        for start, pitch in zip(starts, pitches, strict=True)
    ]
    bars = [start * Q for start in [*starts, 26]]
    row = made(notes, [0, 8 * Q, 14 * Q], ["4/4", "3/4", "4/4"], bars)
    cut = without_repeats(row, 2)
    assert cut["pitch"] == [60, 62, 60, 62, 65]
    assert cut["onset_tick"] == [0, 4 * Q, 8 * Q, 11 * Q, 14 * Q]
    assert (cut["meter_tick"], cut["meter"]) == ([0, 8 * Q, 14 * Q], ["4/4", "3/4", "4/4"])


def test_a_last_bar_that_ends_in_a_rest_is_a_repeat_all_the_same():
    notes = line([1, 2, 3, 4, 1, 2, 3, 4])
    row = made(notes, [0], ["4/4"], [4 * Q * n for n in range(9)])
    assert row["bar_tick"][-1] == 28 * Q
    assert without_repeats(row, 4)["pitch"] == [61, 62, 63, 64]


def test_notes_on_another_staff_are_other_notes():
    notes = line([1, 2, 3, 4, 1, 2, 3, 4])
    moved = [*notes[:4], *(PieceNote(**{**vars(note), "staff": 1}) for note in notes[4:])]
    bars = [4 * Q * n for n in range(9)]
    assert without_repeats(made(notes, [0], ["4/4"], bars), 4)["n_notes"] == 4
    assert without_repeats(made(moved, [0], ["4/4"], bars), 4)["n_notes"] == 8


def test_onsets_stay_in_order_and_notes_never_overlap_more_than_before():
    cut = without_repeats(piece(A + B + A + C + B + A), 4)
    assert cut["pitch"] == piece(A + B + C)["pitch"]
    ends = [on + dur for on, dur in zip(cut["onset_tick"], cut["duration_tick"], strict=True)]
    assert all(end <= on for end, on in zip(ends, cut["onset_tick"][1:], strict=False))
