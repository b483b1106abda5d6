"""Ticks as written durations: dots, ties and tuplets."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace

from ugaar.render.timeline import WHOLE, NotationError, Piece
from ugaar.tables import TICKS_PER_QUARTER

GRID = WHOLE // 128
"""The shortest written note, a 128th: 315 ticks."""

LONGEST = 2 * WHOLE
"""The longest written note, a breve."""

TUPLETS = {3: 2, 5: 4, 7: 4, 9: 8}
"""Notes of a tuplet -> notes in whose time they are played."""

TUPLET_SPANS = tuple(
    sorted(
        TICKS_PER_QUARTER * numerator // denominator
        for numerator, denominator in (
            (1, 4), (1, 2), (3, 4), (1, 1), (3, 2), (2, 1), (3, 1), (4, 1), (6, 1), (8, 1),
        )
    )
)  # fmt: skip
"""Lengths that a tuplet may fill, ticks."""


@dataclass(frozen=True)
class Symbol:
    """A written note, chord or rest.

    Attributes:
        piece: what it stands for: its heads, and whether it is tied on.
        base_ticks: undotted written length; a power of two times the 128th.
        dots: number of dots, 0 to 2.
    """

    piece: Piece
    base_ticks: int
    dots: int


@dataclass(frozen=True)
class Tuplet:
    """Symbols written in `notes` : `time_of` of their sounding length."""

    notes: int
    time_of: int
    symbols: tuple[Symbol, ...]


def _single_symbols() -> dict[int, tuple[int, int]]:
    lengths: dict[int, tuple[int, int]] = {}
    base = GRID
    while base <= LONGEST:
        for dots in range(3):
            ticks = base * 2 - (base >> dots)
            if ticks % GRID == 0:
                lengths.setdefault(ticks, (base, dots))
        base *= 2
    return lengths


SINGLE = _single_symbols()
"""Length in ticks that one symbol can have -> undotted length and dots."""

SINGLE_RESTS = frozenset(ticks for ticks, (_, dots) in SINGLE.items() if dots < 2)
"""Lengths that one rest can have."""


def write(
    pieces: Sequence[Piece], bar_start: int, beat: int, first: int, last: int
) -> list[Symbol | Tuplet]:
    """Return the symbols of a segment.

    Lengths on the grid of 128ths become single symbols where one exists, else tied ones, split
    at the metrically strongest position: a beat, and of those the roundest. Other lengths are
    looked for in tuplets: the shortest span from the note's start (or, where that would take ties
    in the tuplet, from the last beat before its end) whose end is the end of some piece and on
    whose division by 3, 5, 7 or 9 all pieces start. A tuplet that the window cuts is written as
    far as it goes, and a rest that begins in a tuplet is divided at the next quarter.

    Args:
        pieces: chords and rests of a segment, in order and without gaps.
        bar_start: tick that metrical positions count from.
        beat: length of a beat in ticks, dotted in compound meters.
        first: tick at which the window starts.
        last: tick at which it ends.

    Raises:
        NotationError: a length fits no tuplet.
    """
    written: list[Symbol | Tuplet] = []
    left = [part for piece in pieces for part in _divided_rest(piece, bar_start)]
    while left:
        piece = left[0]
        if _on_grid(piece.start, bar_start) and _on_grid(piece.end, bar_start):
            written += _symbols(piece, bar_start, beat)
            left.pop(0)
            continue
        cut = _last_beat(piece, bar_start)
        found = _tuplet_at(left, bar_start, first, last, ties=False)
        if found is None and cut is None:
            found = _tuplet_at(left, bar_start, first, last, ties=True)
        if found is not None:
            tuplet, taken = found
            written.append(tuplet)
            left = left[taken:]
            continue
        if cut is None:
            raise NotationError(
                "not-notatable",
                f"a length of {piece.end - piece.start} ticks at tick {piece.start} fits no tuplet",
            )
        head, tail = _cut(piece, cut)
        left[:1] = [head, tail]
    return written


def _on_grid(tick: int, bar_start: int) -> bool:
    return (tick - bar_start) % GRID == 0


def _divided_rest(piece: Piece, bar_start: int) -> tuple[Piece, ...]:
    beat = bar_start + -(-(piece.start - bar_start) // TICKS_PER_QUARTER) * TICKS_PER_QUARTER
    if piece.heads or _on_grid(piece.start, bar_start) or beat >= piece.end:
        return (piece,)
    return _cut(piece, beat)


def _cut(piece: Piece, tick: int) -> tuple[Piece, Piece]:
    return replace(piece, end=tick, tied=bool(piece.heads)), replace(piece, start=tick)


def _last_beat(piece: Piece, bar_start: int) -> int | None:
    """Return the last quarter, else eighth or sixteenth, inside a piece."""
    for step in (TICKS_PER_QUARTER, TICKS_PER_QUARTER // 2, TICKS_PER_QUARTER // 4):
        beat = bar_start + (piece.end - 1 - bar_start) // step * step
        if piece.start < beat < piece.end:
            return beat
    return None


def _tuplet_at(
    pieces: Sequence[Piece], bar_start: int, first: int, last: int, *, ties: bool
) -> tuple[Tuplet, int] | None:
    start = pieces[0].start
    for taken in range(1, len(pieces) + 1):
        inside = pieces[:taken]
        end = inside[-1].end
        if end - start > TUPLET_SPANS[-1]:
            break
        starts, ends = _on_grid(start, bar_start), _on_grid(end, bar_start)
        if not (starts or start == first) or not (ends or end == last):
            continue
        if starts and ends and end - start not in TUPLET_SPANS:
            continue
        for notes, time_of in TUPLETS.items():
            scaled = [(piece.end - piece.start) * notes for piece in inside]
            if any(length % (time_of * GRID) for length in scaled):
                continue
            if not ties and any(length // time_of not in SINGLE for length in scaled):
                continue
            symbols = [
                symbol
                for piece in inside
                for symbol in _symbols(piece, start, GRID, notes, time_of)
            ]
            return Tuplet(notes, time_of, tuple(symbols)), taken
    return None


def _symbols(
    piece: Piece, origin: int, beat: int, notes: int = 1, time_of: int = 1
) -> Iterator[Symbol]:
    """Yield the tied symbols of a piece, its sounding length scaled by notes / time_of."""
    start = (piece.start - origin) * notes // time_of
    length = (piece.end - piece.start) * notes // time_of
    # Custom gives rests no second dot.
    singles = SINGLE if piece.heads else SINGLE_RESTS
    parts = list(_split(start, length, beat, singles))
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        base, dots = SINGLE[part]
        yield Symbol(replace(piece, tied=piece.tied if last else bool(piece.heads)), base, dots)


def _split(start: int, length: int, beat: int, singles: Container[int]) -> Iterator[int]:
    if length in singles:
        yield length
        return
    cut = max(
        range(start + GRID, start + length, GRID), key=lambda tick: (tick % beat == 0, _round(tick))
    )
    yield from _split(start, cut - start, beat, singles)
    yield from _split(cut, start + length - cut, beat, singles)


def _round(tick: int) -> int:
    """Return the largest power of two times the grid that divides a position."""
    steps = tick // GRID
    return steps & -steps if steps else LONGEST // GRID
