"""Names, clefs and staff positions of MIDI pitches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LETTERS_BY_FIFTHS = "fcgdaeb"
STEP_OF = {letter: step for step, letter in enumerate("cdefgab")}
SEMITONES_OF = dict(zip("cdefgab", (0, 2, 4, 5, 7, 9, 11), strict=True))
FLATTEST = -3
"""Of the chromatic notes E flat, B flat, F sharp, C sharp and G sharp are customary in C major and
A minor: from three fifths below the tonic to eight above."""

DIATONIC = range(-1, 6)
"""Notes of the key signature, in fifths above the tonic of its major key."""

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
    """A clef: LilyPond's name, the diatonic step of the middle line, and its cost in a choice.

    The cost is the number of ledger lines a note that it must save on average.
    """

    name: str
    middle: int
    cost: float


def _step(letter: str, octave: int) -> int:
    return 7 * octave + STEP_OF[letter]


CLEFS = (
    Clef("treble", _step("b", 4), 0.0),
    Clef("bass", _step("d", 3), 0.0),
    Clef("treble_8", _step("b", 3), 0.5),
    Clef("treble^8", _step("b", 5), 2.0),
    Clef("bass_8", _step("d", 2), 2.0),
    Clef("treble^15", _step("b", 6), 3.0),
    Clef("bass_15", _step("d", 1), 3.0),
)


def spell(pitch: int, fifths: int, following: int | None = None) -> Spelled:
    """Return how a pitch is written under a key signature.

    A note of the key is written as such. A chromatic one that moves on by a semitone is written
    as raised before an upward and as lowered before a downward step, any other in its customary
    form.

    Args:
        pitch: MIDI pitch.
        fifths: sharps of the key signature, negative for flats.
        following: the next different pitch of the melody, where there is one.
    """
    relative = FLATTEST + (7 * pitch - fifths - FLATTEST) % 12
    if relative not in DIATONIC:
        if following == pitch + 1 and relative < 0:
            relative += 12
        elif following == pitch - 1 and relative > 0:
            relative -= 12
    position = fifths + relative
    letter = LETTERS_BY_FIFTHS[(position + 1) % 7]
    alteration = (position + 1) // 7
    octave = (pitch - SEMITONES_OF[letter] - alteration) // 12 - 1
    return Spelled(letter, alteration, octave)


def spell_line(pitches: Sequence[int], fifths: int) -> list[Spelled]:
    """Return how the pitches of a melody are written, in order of time."""
    spelled = []
    following: int | None = None
    for index in range(len(pitches) - 1, -1, -1):
        if index + 1 < len(pitches) and pitches[index + 1] != pitches[index]:
            following = pitches[index + 1]
        spelled.append(spell(pitches[index], fifths, following))
    return spelled[::-1]


def tonic(fifths: int) -> Spelled:
    """Return the tonic of the major key with a key signature."""
    return spell(7 * fifths % 12, fifths)


def ledger_lines(diatonic: int, clef: Clef) -> int:
    """Return the number of ledger lines of a note."""
    return max(0, (abs(diatonic - clef.middle) - 4) // 2)


def choose_clef(diatonics: Sequence[int], rule: str, reach: int) -> Clef:
    """Return the clef that notes are written in.

    Args:
        diatonics: steps of the notes.
        rule: `readable`: the clef with the fewest ledger lines, where octave clefs must save many
            to be chosen; `treble`: the treble clef, as LilyPond takes where none is asked for, and
            another one only for notes that it would put outside the strip.
        reach: largest distance from the middle line that lies on the strip, in steps.
    """
    clefs: tuple[Clef, ...] = CLEFS
    if rule == "treble":
        fitting = [
            clef for clef in CLEFS if all(abs(step - clef.middle) <= reach for step in diatonics)
        ]
        clefs = tuple(clef for clef in fitting if clef.name == "treble") or tuple(fitting) or CLEFS
    return min(
        clefs,
        key=lambda clef: (
            clef.cost * len(diatonics) + sum(ledger_lines(step, clef) for step in diatonics)
        ),
    )
