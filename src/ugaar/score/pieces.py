"""Pieces: whole tunes or movements as rows, their notes on a grid, one voice of chords a staff."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from ugaar.score.quantise import quantise, steps_of_beats
from ugaar.score.windows import interpolate, value_at
from ugaar.sources.songs import Grid
from ugaar.tables import TICKS_PER_QUARTER

UPPER, LOWER = 0, 1
SHORTEST_REST = TICKS_PER_QUARTER // 4
"""Ticks; performed notes are played shorter than written, so no shorter rest is written."""


@dataclass(frozen=True)
class PieceNote:
    """A note of a piece.

    Attributes:
        pitch: MIDI pitch.
        onset_tick: notated onset, ticks from the start of the source.
        end_tick: notated end, ticks.
        onset_s: sounding onset, seconds from the start of the source.
        end_s: sounding end, seconds.
        staff: 0 the upper or only one, 1 the lower.
    """

    pitch: int
    onset_tick: int
    end_tick: int
    onset_s: float
    end_s: float
    staff: int = UPPER

    def moved(self, ticks: int, seconds: float) -> PieceNote:
        """Return the note at another time."""
        return replace(
            self,
            onset_tick=self.onset_tick + ticks,
            end_tick=self.end_tick + ticks,
            onset_s=self.onset_s + seconds,
            end_s=self.end_s + seconds,
        )

    def ending(self, tick: int, seconds: float) -> PieceNote:
        """Return the note with an earlier end."""
        return replace(self, end_tick=tick, end_s=min(self.end_s, seconds))


def piece_row(
    origin: Mapping[str, Any], notes: Iterable[PieceNote], grid: Grid, n_repeated_notes: int = 0
) -> dict[str, Any]:
    """Return a row of the pieces table; ticks and seconds count from the first note.

    Args:
        origin: piece_id, source, collection, path and title; other entries are ignored.
        notes: notes with notated times, at least one.
        grid: bars and signatures on the same ticks as the notes.
        n_repeated_notes: notes of written-out repeats that were cut.
    """
    ordered = sorted(notes, key=lambda note: (note.onset_tick, note.pitch, note.staff))
    start, start_s = ordered[0].onset_tick, min(note.onset_s for note in ordered)
    end = max(note.end_tick for note in ordered)
    stops = [*grid.meter_tick[1:], end] if grid.meter_tick else []
    meters = [
        (max(tick - start, 0), meter)
        for tick, meter, stop in zip(grid.meter_tick, grid.meter, stops, strict=True)
        if tick < end and stop > start
    ]
    piece: dict[str, Any] = {
        **{name: origin[name] for name in ("piece_id", "source", "collection", "path", "title")},
        "pitch": [note.pitch for note in ordered],
        "onset_s": [note.onset_s - start_s for note in ordered],
        "duration_s": [note.end_s - note.onset_s for note in ordered],
        "onset_tick": [note.onset_tick - start for note in ordered],
        "duration_tick": [note.end_tick - note.onset_tick for note in ordered],
        "staff": [note.staff for note in ordered],
        "bar_tick": _bars(grid.bar_tick, start, end),
        "meter_tick": [tick for tick, _ in meters],
        "meter": [meter for _, meter in meters],
        "key_fifths": value_at(grid.key_tick, grid.key_fifths, start),
        "n_notes": len(ordered),
        "n_onsets": len({note.onset_tick for note in ordered}),
        "n_repeated_notes": n_repeated_notes,
    }
    return piece | piece_keys(piece)


def _bars(bars: Sequence[int], start: int, end: int) -> list[int]:
    """Return bar starts from the bar that holds the start (0 or negative) up to the end."""
    first = max(bisect_right(bars, start) - 1, 0)
    return [bar - start for bar in bars[first:] if bar <= end]


def piece_keys(piece: Mapping[str, Any]) -> dict[str, str]:
    """Return audio_key and sheet_key of a piece, 16 hex digits each, as `keys.content_keys`.

    Args:
        piece: its columns as in the pieces table. Seconds count to the microsecond.
    """
    return {
        "audio_key": _digest(
            piece["pitch"],
            [round(seconds * 1e6) for seconds in piece["onset_s"]],
            [round(seconds * 1e6) for seconds in piece["duration_s"]],
        ),
        "sheet_key": _digest(
            piece["pitch"],
            piece["onset_tick"],
            piece["duration_tick"],
            piece["staff"],
            piece["bar_tick"],
            piece["meter_tick"],
            piece["meter"],
            piece["key_fifths"],
        ),
    }


def _digest(*content: object) -> str:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def notes_of(piece: Mapping[str, Any]) -> list[PieceNote]:
    """Return the notes of a row of the pieces table."""
    columns = ("pitch", "onset_tick", "duration_tick", "onset_s", "duration_s", "staff")
    return [
        PieceNote(pitch, tick, tick + ticks, onset, onset + length, staff)
        for pitch, tick, ticks, onset, length, staff in zip(
            *(piece[name] for name in columns), strict=True
        )
    ]


def clock_of(notes: Iterable[PieceNote]) -> Callable[[int], float]:
    """Return the function from ticks to seconds through the onsets of notes.

    Args:
        notes: notes with two onsets or more; beyond them the nearest tempo goes on.
    """
    first: dict[int, float] = {}
    for note in notes:
        first[note.onset_tick] = min(note.onset_s, first.get(note.onset_tick, note.onset_s))
    ticks = sorted(first)
    seconds = [first[tick] for tick in ticks]
    return lambda tick: interpolate(tick, ticks, seconds)


def quantised(notes: Sequence[PieceNote], per_quarter: int) -> tuple[list[PieceNote], float]:
    """Put performed notes on the grid; what starts together in one staff becomes a chord.

    Onsets of all staves share one grid, so that what sounds together stays together. What sounds
    is left as it is.

    Args:
        notes: notes at performed ticks, with two onsets or more.
        per_quarter: straight grid steps in a quarter note.

    Returns:
        Notes that `one_voice_a_staff` has seen to, and the largest shift of an onset, seconds.
    """
    onsets = sorted({note.onset_tick for note in notes})
    found = quantise(onsets, onsets, clock_of(notes), per_quarter)
    snapped = dict(zip(onsets, found.onset_tick, strict=True))
    steps = steps_of_beats(onsets, per_quarter)
    straight = TICKS_PER_QUARTER // per_quarter

    def moved(note: PieceNote) -> PieceNote:
        step = steps.get(note.end_tick // TICKS_PER_QUARTER, straight)
        onset = snapped[note.onset_tick]
        end = (2 * note.end_tick + step) // (2 * step) * step
        return replace(note, onset_tick=onset, end_tick=max(end, onset + step))

    return one_voice_a_staff(map(moved, notes), SHORTEST_REST), found.error_s


def one_voice_a_staff(notes: Iterable[PieceNote], shortest_rest: int = 0) -> list[PieceNote]:
    """Return notes of which each staff can be written as one voice of chords.

    Notes of a staff that start together end together, with the longest of them, and none lasts
    past the next onset of its staff. Of notes of one pitch that start together one is kept. What
    sounds is left as it is.

    Args:
        notes: notes with notated times.
        shortest_rest: ticks; a shorter rest before the next onset is filled.
    """
    kept: list[PieceNote] = []
    ordered = sorted(notes, key=lambda note: (note.staff, note.onset_tick, note.pitch, -note.end_s))
    for _, staff in groupby(ordered, key=lambda note: note.staff):
        chords = [list(chord) for _, chord in groupby(staff, key=lambda note: note.onset_tick)]
        following = [chord[0].onset_tick for chord in chords[1:]]
        for chord, limit in zip(chords, [*following, None], strict=True):
            end = max(note.end_tick for note in chord)
            if limit is not None and limit - end < shortest_rest:
                end = limit
            pitches = {note.pitch: note for note in reversed(chord)}
            kept += [replace(pitches[pitch], end_tick=end) for pitch in sorted(pitches)]
    return kept
