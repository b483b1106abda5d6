"""What is to be engraved: clef, key, bars and written durations of each staff, for any engraver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ugaar.render import durations, spelling
from ugaar.render.durations import Symbol, Tuplet
from ugaar.render.layout import Layout
from ugaar.render.timeline import (
    WHOLE,
    NotationError,
    Piece,
    Segment,
    events,
    filled,
    segments,
)


@dataclass(frozen=True)
class WrittenSegment:
    """A segment and what is written in it.

    Attributes:
        segment: the stretch of a bar.
        written: its symbols; empty for a rest that fills a whole bar.
    """

    segment: Segment
    written: tuple[Symbol | Tuplet, ...]

    @property
    def is_bar_rest(self) -> bool:
        """Whether a single rest fills a whole bar."""
        return not self.written

    @property
    def start(self) -> int:
        """Tick at which the segment starts."""
        return self.segment.pieces[0].start

    @property
    def starts_bar(self) -> bool:
        """Whether a bar line stands, or would stand, at its start."""
        return self.segment.bar_length is not None and self.segment.bar_start == self.start


@dataclass(frozen=True)
class Notation:
    """A staff as it will be written.

    Attributes:
        clef: the clef.
        key_fifths: sharps of the key signature, negative for flats; None prints none.
        spelled: number of a note -> its name.
        parts: the segments, in order.
        closed: whether a bar line follows the last.
    """

    clef: spelling.Clef
    key_fifths: int | None
    spelled: Mapping[int, spelling.Spelled]
    parts: tuple[WrittenSegment, ...]
    closed: bool

    @property
    def has_bars(self) -> bool:
        """Whether the source has bars."""
        return self.parts[0].segment.bar_length is not None

    def heads(self) -> tuple[tuple[Fraction, int], ...]:
        """Return the written noteheads in order of time, then pitch.

        Each is its moment in whole notes and the number of its note; tied heads repeat it.
        """
        found = []
        moment = Fraction(0)
        for part in self.parts:
            if part.is_bar_rest:
                assert part.segment.bar_length is not None
                moment += Fraction(part.segment.bar_length, WHOLE)
            for symbol, length in symbols_of(part.written):
                found += [(moment, head.note) for head in symbol.piece.heads]
                moment += length
        return tuple(found)

    def staff_positions(self) -> tuple[int, ...]:
        """Return the position of each head in half staff spaces above the middle line."""
        return tuple(self.spelled[note].diatonic - self.clef.middle for _, note in self.heads())


@dataclass(frozen=True)
class WrittenHead:
    """A notehead of a system; the order is that of time, then staff, then height.

    Attributes:
        moment: when it sounds, whole notes from the start of the music.
        staff: number of its staff, from the top.
        position: half staff spaces above the middle line of that staff.
        note: number of its note; tied heads repeat it.
        base_ticks: undotted written length, which says what the head looks like.
    """

    moment: Fraction
    staff: int
    position: int
    note: int
    base_ticks: int


def written_heads(plans: Sequence[Notation]) -> tuple[WrittenHead, ...]:
    """Return the noteheads of all staves in order."""
    heads = []
    for staff, plan in enumerate(plans):
        lengths = [
            symbol.base_ticks
            for part in plan.parts
            for symbol, _ in symbols_of(part.written)
            for _ in symbol.piece.heads
        ]
        heads += [
            WrittenHead(moment, staff, position, note, length)
            for (moment, note), position, length in zip(
                plan.heads(), plan.staff_positions(), lengths, strict=True
            )
        ]
    return tuple(sorted(heads, key=lambda head: (head.moment, head.staff, head.position)))


def symbols_of(written: tuple[Symbol | Tuplet, ...]) -> Iterator[tuple[Symbol, Fraction]]:
    """Yield symbols, those of tuplets among them, with the length they sound in whole notes."""
    for one in written:
        if isinstance(one, Tuplet):
            for symbol in one.symbols:
                yield symbol, length_of(symbol) * Fraction(one.time_of, one.notes)
        else:
            yield one, length_of(one)


def length_of(symbol: Symbol) -> Fraction:
    """Return the written length of a symbol in whole notes, dots included."""
    return Fraction(symbol.base_ticks, WHOLE) * (2 - Fraction(1, 2**symbol.dots))


def notation(window: Mapping, layout: Layout) -> Notation:
    """Return how the notes of a window, or of a piece on one staff, are written.

    Args:
        window: a row of the windows or pieces table with pitch, onset_tick, duration_tick,
            bar_tick, meter_tick, meter and key_fifths.
        layout: rule for the clef, and how high the strip is.

    Raises:
        NotationError: the notes cannot be engraved.
    """
    return _staff(
        events(window["pitch"], window["onset_tick"], window["duration_tick"]), window, layout
    )


def system(row: Mapping, layout: Layout) -> tuple[Notation, ...]:
    """Return how the staves of a window (one) or a piece (one or two) are written.

    Each staff holds a single voice: notes that start together are a chord, and a note ends at the
    latest where the next one of its staff starts. All staves last from the first note of the piece
    to the end of its last, and each has an equal share of the strip.

    Args:
        row: see `notation`; a piece also has the `staff` of each note, 0 being the upper one.
        layout: rule for the clef, and how high the strip is.

    Raises:
        NotationError: the notes cannot be engraved.
    """
    staff = row.get("staff") or ()
    numbers = sorted(set(staff))
    if len(numbers) < 2:
        return (notation(row, layout),)
    lines = [
        events(
            row["pitch"],
            row["onset_tick"],
            row["duration_tick"],
            [note for note, own in enumerate(staff) if own == number],
        )
        for number in numbers
    ]
    first = min(line[0].start for line in lines)
    last = max(line[-1].end for line in lines)
    own = layout.of_staff(len(lines))
    return tuple(_staff(filled(line, first, last), row, own) for line in lines)


def _staff(line: Sequence[Piece], window: Mapping, layout: Layout) -> Notation:
    parts, closed = segments(line, window["bar_tick"], window["meter_tick"], window["meter"])
    key = window["key_fifths"]
    if key is not None and abs(key) > spelling.MAX_FIFTHS:
        raise NotationError("bad-key", f"a key signature of {key} fifths does not exist")
    order = [head for piece in line for head in piece.heads]
    melody = spelling.spell_line([head.pitch for head in order], key or 0)
    first, last = line[0].start, line[-1].end
    return Notation(
        spelling.choose_clef([name.diatonic for name in melody], layout.clef, layout.reach),
        key,
        {head.note: name for head, name in zip(order, melody, strict=True)},
        tuple(WrittenSegment(part, _written(part, first, last)) for part in parts),
        closed,
    )


def _written(part: Segment, first: int, last: int) -> tuple[Symbol | Tuplet, ...]:
    only = part.pieces[0]
    if len(part.pieces) == 1 and not only.heads and only.end - only.start == part.bar_length:
        return ()
    return tuple(durations.write(part.pieces, part.bar_start, part.beat, first, last))
