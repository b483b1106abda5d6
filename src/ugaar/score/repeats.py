"""Written-out repeats: runs of bars that come again are left out, and time is closed up."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from ugaar.score.pieces import PieceNote, clock_of, notes_of, piece_row
from ugaar.score.windows import value_at
from ugaar.sources.songs import Grid


def repeated_bars(contents: Sequence[Hashable], shortest: int) -> list[bool]:
    """Tell for each bar whether it belongs to a run that an earlier run of bars equals.

    The runs do not overlap: of eight equal bars the last four repeat the first four, but the
    second does not repeat the first. At each bar the longest such run is taken.

    Args:
        contents: (bars,) what is in each bar, times relative to the bar; falsy = nothing.
        shortest: bars in the shortest run that counts, at least 1.

    Returns:
        (bars,) whether the bar is a repeat. A run without any note is none.
    """
    starts: dict[tuple[Hashable, ...], list[int]] = defaultdict(list)
    repeated = [False] * len(contents)
    place = 0
    known = 0
    while place + shortest <= len(contents):
        # Runs that end at this bar at the latest can be repeated by one that starts here.
        while known + shortest <= place:
            starts[tuple(contents[known : known + shortest])].append(known)
            known += 1
        run = tuple(contents[place : place + shortest])
        length = max(
            (_equal_bars(contents, start, place) for start in starts.get(run, ())), default=0
        )
        if length and any(contents[place : place + length]):
            repeated[place : place + length] = [True] * length
            place += length
        else:
            place += 1
    return repeated


def _equal_bars(contents: Sequence[Hashable], first: int, second: int) -> int:
    """Return how many bars from `first` equal those from `second`, without reaching `second`."""
    most = min(second - first, len(contents) - second)
    for length in range(most):
        if contents[first + length] != contents[second + length]:
            return length
    return most


def without_repeats(piece: Mapping[str, Any], shortest: int) -> dict[str, Any]:
    """Return a piece without its written-out repeats.

    Bars are equal when the same notes start at the same places of them on the same staves, and
    they have the same length. How long notes last does not count: what leads to another section
    often shortens the last one. A note that would sound on into a bar that is left out ends at
    the bar line.

    Args:
        piece: a row of the pieces table. Without bars it comes back as it is.
        shortest: bars in the shortest run that counts.

    Returns:
        A row with the number of notes that were cut in `n_repeated_notes`.
    """
    notes = notes_of(piece)
    starts = _bar_starts(piece)
    if piece["n_onsets"] < 2 or len(starts) <= shortest:
        return dict(piece)
    bars: list[list[PieceNote]] = [[] for _ in starts]
    for note in notes:
        bars[bisect_right(starts, note.onset_tick) - 1].append(note)
    stops = [*starts[1:], max(starts[-1] + 1, *(note.end_tick for note in notes))]
    contents = _contents(bars, starts, stops)
    repeated = repeated_bars(contents, shortest)
    if not any(repeated):
        return dict(piece)

    seconds = clock_of(notes)
    kept: list[PieceNote] = []
    bar_tick: list[int] = []
    meters: list[tuple[int, str]] = []
    cut_ticks, cut_s = 0, 0.0
    for place, (start, stop, bar) in enumerate(zip(starts, stops, bars, strict=True)):
        if repeated[place]:
            cut_ticks += stop - start
            cut_s += seconds(stop) - seconds(start)
            continue
        if start in piece["bar_tick"]:
            bar_tick.append(start - cut_ticks)
        meter = value_at(piece["meter_tick"], piece["meter"], max(start, 0))
        if meter is not None and (not meters or meters[-1][1] != meter):
            meters.append((start - cut_ticks, meter))
        seam = _next_cut(repeated, place, stops)
        for note in bar:
            if seam is not None and note.end_tick > seam:
                note = note.ending(seam, seconds(seam))
            kept.append(note.moved(-cut_ticks, -cut_s))
    if repeated[-1]:
        # The bar line that now comes last.
        bar_tick.append(stops[-1] - cut_ticks)
    grid = Grid(
        bar_tick=bar_tick,
        meter_tick=[tick for tick, _ in meters],
        meter=[meter for _, meter in meters],
        key_tick=[kept[0].onset_tick] if piece["key_fifths"] is not None else [],
        key_fifths=[piece["key_fifths"]] if piece["key_fifths"] is not None else [],
    )
    return piece_row(piece, kept, grid, piece["n_repeated_notes"] + len(notes) - len(kept))


def _contents(
    bars: Sequence[Sequence[PieceNote]], starts: Sequence[int], stops: Sequence[int]
) -> list[Hashable]:
    """Return what makes bars equal: notes and length; nothing for a bar without notes."""
    inside = [
        tuple((note.onset_tick - start, note.pitch, note.staff) for note in bar)
        for start, bar in zip(starts, bars, strict=True)
    ]
    lengths = [stop - start for start, stop in zip(starts, stops, strict=True)]
    # Where the last bar ends is not known: its last note may be followed by a rest.
    same = [length for length, own in zip(lengths[:-1], inside, strict=False) if own == inside[-1]]
    lengths[-1] = same[0] if same else lengths[-1]
    return [(length, own) if own else () for length, own in zip(lengths, inside, strict=True)]


def _bar_starts(piece: Mapping[str, Any]) -> list[int]:
    """Return the starts of bars, ascending, the first no later than the first note."""
    bars = list(piece["bar_tick"])
    return bars if not bars or bars[0] <= 0 else [0, *bars]


def _next_cut(repeated: Sequence[bool], place: int, stops: Sequence[int]) -> int | None:
    """Return where the bars that follow a bar and are kept end, if some are cut after them."""
    for later in range(place + 1, len(repeated)):
        if repeated[later]:
            return stops[later - 1]
    return None
