"""Beams and accidentals, which LilyPond decides by itself and Verovio must be told."""

import pytest

from ugaar.render.accidentals import Accidentals, of_key
from ugaar.render.beams import Timed, beams
from ugaar.render.spelling import Spelled
from ugaar.tables import TICKS_PER_QUARTER as Q

E, S = Q // 2, Q // 4


def bar(*lengths):
    """Return symbols that follow each other; negative lengths are rests."""
    start, found = 0, []
    for length in lengths:
        found.append(Timed(start, abs(length), length > 0))
        start += abs(length)
    return found


@pytest.mark.parametrize(
    ("meter", "beat", "lengths", "expected"),
    [
        ((4, 4), Q, [E] * 8, [(0, 3), (4, 7)]),
        ((3, 4), Q, [E] * 6, [(0, 5)]),
        ((2, 4), Q, [E] * 4, [(0, 1), (2, 3)]),
        ((6, 8), 3 * E, [E] * 6, [(0, 2), (3, 5)]),
        ((2, 2), 2 * Q, [E] * 8, [(0, 3), (4, 7)]),
        # Sixteenths keep every beam of their half bar to its beat.
        ((4, 4), Q, [E, E, S, S, E, Q, E, E], [(0, 1), (2, 4), (6, 7)]),
        # A rest or a longer note ends a beam, and a single note has none.
        ((4, 4), Q, [E, -E, E, E, Q, E], [(2, 3)]),
        ((4, 4), Q, [Q, E, Q, E, Q], []),
        (None, Q, [E] * 4, [(0, 1), (2, 3)]),
    ],
)
def test_beams(meter, beat, lengths, expected):
    assert beams(bar(*lengths), beat, meter) == expected


def test_beams_count_from_the_start_of_the_bar():
    late = [Timed(3 * E + index * E, E, True) for index in range(3)]
    assert beams(late, Q, (4, 4)) == [(1, 2)]


@pytest.mark.parametrize(
    ("fifths", "raised", "lowered"),
    [(0, "", ""), (2, "fc", ""), (-3, "", "bea"), (7, "cdefgab", "")],
)
def test_notes_of_a_key(fifths, raised, lowered):
    for letter in "cdefgab":
        assert of_key(letter, fifths) == (letter in raised) - (letter in lowered)


def shown(fifths, *notes):
    """Return which of some notes show an accidental; | is a bar line, ~ a tie to a note."""
    state, found = Accidentals(fifths), []
    for note in notes:
        if note == "|":
            state.new_bar()
            continue
        name = note.lstrip("~")
        alteration = name.count("#") - name.count("-")
        octave = 5 if name.endswith("'") else 4
        found.append(
            state.shows(Spelled(name[0], alteration, octave), tied_from_before=note[0] == "~")
        )
    return found


@pytest.mark.parametrize(
    ("fifths", "notes", "expected"),
    [
        (0, ["c", "c#", "c#", "c", "c"], [False, True, False, True, False]),
        (2, ["f#", "f", "f#"], [False, True, True]),
        (0, ["c#", "|", "c#", "|", "c"], [True, True, False]),
        # The sign holds in its own octave only.
        (0, ["c#", "c#'"], [True, True]),
        # No sign behind a tie; over a bar line the next note at the place shows its own.
        (0, ["g-", "~g-", "g-"], [True, False, False]),
        (0, ["g-", "|", "~g-", "g-"], [True, False, True]),
        (0, ["g-", "|", "~g-", "g"], [True, False, True]),
        (-1, ["b-", "|", "~b-", "b-"], [False, False, False]),
    ],
)
def test_accidentals(fifths, notes, expected):
    assert shown(fifths, *notes) == expected
