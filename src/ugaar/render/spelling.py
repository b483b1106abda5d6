"""Names, clefs and staff positions of MIDI pitches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LETTERS_BY_FIFTHS = "fcgdaeb"
STEP_OF = {letter: step for step, letter in enumerate("cdefgab")}
SEMITONES_OF = dict(zip("cdefgab", (0, 2, 4, 5, 7, 9, 11), strict=True))
FLATTEST, SHARPEST = -3, 8
"""In C major and A minor E flat is the flattest and G sharp the sharpest note of custom."""

MAX_FIFTHS = 7
"""Key signatures with more sharps or flats do not exist on paper."""


@dataclass(frozen=True)
class Spelled:
    """A pitch as written.

    Attributes:
        letter: c to b.
        alteration: semitones, positive for sharps.
        octave: octave number, 4 for the one that starts with middle C.
    """

    letter: str
    alteration: int
    octave: int

    @property
    def diatonic(self) -> int:
        """Steps of the white keys above C of octave 0."""
        return 7 * self.octave + STEP_OF[self.letter]


@dataclass(frozen=True)
class Clef:
    """A clef: LilyPond's name, the diatonic step of the middle line, and its cost in a choice."""

    name: str
    middle: int
    cost: int


def _step(letter: str, octave: int) -> int:
    return 7 * octave + STEP_OF[letter]


CLEFS = (
    Clef("treble", _step("b", 4), 0),
    Clef("bass", _step("d", 3), 0),
    Clef("treble_8", _step("b", 3), 10),
    Clef("treble^8", _step("b", 5), 40),
    Clef("bass_8", _step("d", 2), 40),
    Clef("treble^15", _step("b", 6), 60),
    Clef("bass_15", _step("d", 1), 60),
)


def spell(pitch: int, fifths: int) -> Spelled:
    """Return how a pitch is written under a key signature.

    The twelve pitch classes are taken from the line of fifths, three to the flat and eight to
    the sharp side of the tonic, which holds the usual chromatic notes of major and minor.

    Args:
        pitch: MIDI pitch.
        fifths: sharps of the key signature, negative for flats.
    """
    position = fifths + FLATTEST
    while (7 * position) % 12 != pitch % 12:
        position += 1
    letter = LETTERS_BY_FIFTHS[(position + 1) % 7]
    alteration = (position + 1) // 7
    octave = (pitch - SEMITONES_OF[letter] - alteration) // 12 - 1
    return Spelled(letter, alteration, octave)


def ledger_lines(diatonic: int, clef: Clef) -> int:
    """Return the number of ledger lines of a note."""
    return max(0, (abs(diatonic - clef.middle) - 4) // 2)


def choose_clef(diatonics: Sequence[int]) -> Clef:
    """Return the clef with the fewest ledger lines; octave clefs must save many to be chosen."""
    return min(
        CLEFS, key=lambda clef: clef.cost + sum(ledger_lines(step, clef) for step in diatonics)
    )
