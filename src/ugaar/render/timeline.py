"""Notes in ticks as a line of chords and rests, cut at bar lines and meter changes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from ugaar.tables import TICKS_PER_QUARTER

METER = re.compile(r"(\d{1,2})/(1|2|4|8|16|32|64)")
WHOLE = 4 * TICKS_PER_QUARTER


class NotationError(Exception):
    """Notes that cannot be engraved; `reason` is the reason code, the text says what was found."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True)
class Head:
    """One note of a chord: its pitch, and its number in the window."""

    pitch: int
    note: int


@dataclass(frozen=True)
class Piece:
    """A chord, or a rest where it has no heads, that lies within one segment.

    Attributes:
        start: start in ticks.
        end: end in ticks.
        heads: its notes, lowest first; the same heads return in tied pieces.
        tied: whether it is tied to the next piece.
    """

    start: int
    end: int
    heads: tuple[Head, ...] = ()
    tied: bool = False


@dataclass(frozen=True)
class Segment:
    """A stretch of a bar in which the meter does not change.

    Attributes:
        pieces: chords and rests that fill it.
        bar_start: tick that positions within the bar count from; may lie before the window.
        bar_length: length of the whole bar in ticks; None where the source has no bars.
        meter: time signature to print here, as numerator and denominator.
        beat: length of a beat in ticks.
    """

    pieces: tuple[Piece, ...]
    bar_start: int
    bar_length: int | None
    meter: tuple[int, int] | None
    beat: int


def events(
    pitches: Sequence[int],
    onset_ticks: Sequence[int],
    duration_ticks: Sequence[int],
    notes: Sequence[int] | None = None,
) -> list[Piece]:
    """Return notes as a gapless line: notes that start together are a chord, gaps are rests.

    A single voice is engraved, so a note ends at the latest where the next one starts.

    Args:
        pitches: MIDI pitches (n).
        onset_ticks: onsets (n), 10080 ticks a quarter note.
        duration_ticks: durations (n).
        notes: numbers of the notes that are taken, those of one staff; all where None.

    Raises:
        NotationError: there are no notes, or one has no duration.
    """
    chosen = range(len(pitches)) if notes is None else notes
    order = sorted(chosen, key=lambda note: (onset_ticks[note], pitches[note], note))
    groups = [
        (onset, list(group)) for onset, group in groupby(order, key=lambda note: onset_ticks[note])
    ]
    if not groups:
        raise NotationError("no-notes", "the window holds no notes")
    line: list[Piece] = []
    for index, (onset, group) in enumerate(groups):
        longest = max(duration_ticks[note] for note in group)
        if longest <= 0:
            raise NotationError("bad-duration", f"note {group[0]} lasts {longest} ticks")
        end = onset + longest
        if index + 1 < len(groups):
            end = min(end, groups[index + 1][0])
        if line and onset > line[-1].end:
            line.append(Piece(line[-1].end, onset))
        heads = tuple(Head(int(pitches[note]), note) for note in group)
        line.append(Piece(int(onset), int(end), heads))
    return line


def filled(line: Sequence[Piece], first: int, last: int) -> list[Piece]:
    """Return a line with rests before and behind it, so that it lasts from `first` to `last`."""
    before = [Piece(first, line[0].start)] if first < line[0].start else []
    behind = [Piece(line[-1].end, last)] if line[-1].end < last else []
    return [*before, *line, *behind]


def segments(
    line: Sequence[Piece],
    bar_ticks: Sequence[int],
    meter_ticks: Sequence[int],
    meters: Sequence[str],
) -> tuple[list[Segment], bool]:
    """Cut a line at bar lines and meter changes, tying what is cut.

    Args:
        line: gapless chords and rests.
        bar_ticks: starts of bars; the one in which the window starts may lie before its first
            note, and a bar that starts where the last note ends is a closing bar line. Empty
            where the source has no bars.
        meter_ticks: where each time signature starts.
        meters: time signatures such as 3/4; others than n/d with d a power of two are left out.

    Returns:
        The segments, and whether a bar line follows the last.
    """
    first, last = line[0].start, line[-1].end
    bars = sorted(set(bar_ticks))
    signatures = _signatures(first, last, meter_ticks, meters)
    cuts = [first, *sorted({b for b in (*bars, *signatures) if first < b < last}), last]
    found = []
    current = signatures.get(first)
    for start, end in pairwise(cuts):
        current = signatures.get(start, current)
        bar_start, bar_length = _bar_around(start, last, bars, current)
        found.append(
            Segment(
                tuple(_between(line, start, end)),
                bar_start,
                bar_length,
                meter=signatures.get(start),
                beat=_beat(current),
            )
        )
    return found, last in bars


def _signatures(
    first: int, last: int, ticks: Sequence[int], meters: Sequence[str]
) -> dict[int, tuple[int, int]]:
    signatures: dict[int, tuple[int, int]] = {}
    for tick, meter in sorted(zip(ticks, meters, strict=True)):
        match = METER.fullmatch(meter)
        if match and tick < last and int(match[1]) > 0:
            # The meter in force where the window starts is printed there.
            signatures[max(tick, first)] = (int(match[1]), int(match[2]))
    return signatures


def _beat(meter: tuple[int, int] | None) -> int:
    """Return the length of a beat: three units in compound meters such as 6/8 or 9/4."""
    if meter is None:
        return TICKS_PER_QUARTER
    numerator, denominator = meter
    compound = numerator > 3 and numerator % 3 == 0 and denominator > 2
    return WHOLE // denominator * (3 if compound else 1)


def _bar_around(
    start: int, last: int, bars: Sequence[int], meter: tuple[int, int] | None
) -> tuple[int, int | None]:
    """Return start and length of the bar that holds a tick."""
    if not bars:
        return start, None
    nominal = WHOLE * meter[0] // meter[1] if meter else WHOLE
    following = next((bar for bar in bars if bar > start), None)
    begin = max((bar for bar in bars if bar <= start), default=None)
    if begin is None:
        # The source does not say where the first bar began: it is taken to end as a full one.
        assert following is not None
        length = max(nominal, following - start)
        return following - length, length
    if following is None:
        # A bar that goes on behind the window must not close at its end.
        length = nominal if last - begin < nominal else last - begin + TICKS_PER_QUARTER
        return begin, length
    return begin, following - begin


def _between(line: Sequence[Piece], start: int, end: int) -> list[Piece]:
    return [
        Piece(
            max(piece.start, start),
            min(piece.end, end),
            piece.heads,
            tied=bool(piece.heads) and (piece.end > end or piece.tied),
        )
        for piece in line
        if piece.start < end and piece.end > start
    ]
