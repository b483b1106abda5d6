"""Which notes of a bar share a beam, after the default rules of LilyPond."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ugaar.render.timeline import WHOLE
from ugaar.tables import TICKS_PER_QUARTER

EIGHTH = WHOLE // 8
HALF = WHOLE // 2

WIDER = {(3, 4): 3 * TICKS_PER_QUARTER, (4, 4): HALF, (3, 8): 3 * EIGHTH}
"""Meters in which eighth notes alone share a beam over more than one beat, and its length."""


@dataclass(frozen=True)
class Timed:
    """A symbol as beaming sees it.

    Attributes:
        start: tick in the bar at which it sounds.
        base_ticks: undotted written length.
        is_note: whether it is a note or chord.
    """

    start: int
    base_ticks: int
    is_note: bool


def beams(
    symbols: Sequence[Timed], beat: int, meter: tuple[int, int] | None
) -> list[tuple[int, int]]:
    """Return the runs of neighbouring symbols that share a beam.

    Args:
        symbols: neighbouring symbols of a bar.
        beat: length of a beat, ticks.
        meter: numerator and denominator of the time signature in force, where there is one.

    Returns:
        First and last index of each run, both included; runs of one symbol are left out.
    """
    found = []
    wider = WIDER.get(meter, beat) if meter else beat
    for first, last in _runs(range(len(symbols)), symbols, wider):
        inside = range(first, last + 1)
        if all(symbols[index].base_ticks == EIGHTH for index in inside):
            found.append((first, last))
        else:
            found += _runs(inside, symbols, beat)
    return [(first, last) for first, last in found if first < last]


def _runs(indices: range, symbols: Sequence[Timed], span: int) -> list[tuple[int, int]]:
    """Return runs of notes with flags that start within the same span of the bar."""
    runs: list[tuple[int, int]] = []
    current: int | None = None
    for index in indices:
        symbol = symbols[index]
        if not symbol.is_note or symbol.base_ticks > EIGHTH:
            current = None
        elif current == symbol.start // span:
            runs[-1] = runs[-1][0], index
        else:
            current = symbol.start // span
            runs.append((index, index))
    return runs
