"""Which notes carry an accidental: it holds in its octave to the end of the bar, as in LilyPond."""

from __future__ import annotations

from ugaar.render.spelling import LETTERS_BY_FIFTHS, Spelled


def of_key(letter: str, fifths: int) -> int:
    """Return the alteration that a key signature gives a letter: 1, 0 or -1."""
    place = LETTERS_BY_FIFTHS.index(letter)
    if fifths >= 0:
        return int(place < fifths)
    return -int(place >= 7 + fifths)


class Accidentals:
    """Tells, note by note, whether an accidental is to be printed.

    Args:
        fifths: sharps of the key signature, negative for flats.
    """

    def __init__(self, fifths: int) -> None:
        self._fifths = fifths
        self._in_force: dict[tuple[str, int], int | None] = {}

    def new_bar(self) -> None:
        """Forget the accidentals of the last bar."""
        self._in_force.clear()

    def shows(self, note: Spelled, *, tied_from_before: bool) -> bool:
        """Tell whether a note shows its accidental, and remember it.

        Args:
            note: its name.
            tied_from_before: whether a tie leads to it; then it shows none, and where the tie
                crosses a bar line with one, the next note at that place shows its own.
        """
        place = (note.letter, note.octave)
        in_key = of_key(note.letter, self._fifths)
        in_force = self._in_force.get(place, in_key)
        if tied_from_before:
            if in_force != note.alteration:
                self._in_force[place] = None
            return False
        self._in_force[place] = note.alteration
        return in_force != note.alteration
