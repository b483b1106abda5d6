"""Performed seconds on the beats of a song: ticks and tempi of a MIDI file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ugaar.errors import DataError
from ugaar.tables import TICKS_PER_QUARTER

DIVISIONS = (TICKS_PER_QUARTER, TICKS_PER_QUARTER // 2, TICKS_PER_QUARTER // 4, 480, 96)
"""Ticks a quarter note that a file may have, finest first; the finest is that of the tables."""

LARGEST_TICK = 9_000_000
"""Files with later ticks are taken as corrupt by pretty_midi (its limit is ten million)."""

EVEN_TEMPO = 500_000
"""Microseconds a quarter note where a song's ticks cannot carry its times: 120 a minute."""

_FASTEST, _SLOWEST = 1, 2**24 - 1
_TOLERANCE_US = 200.0


@dataclass(frozen=True)
class Timing:
    """Where the notes of a song lie in its MIDI file.

    Attributes:
        division: ticks a quarter note.
        tempi: (tick, microseconds a quarter note), ascending from tick 0.
        onset: (n,) ticks, each at least one after the one before.
        end: (n,) ticks of the ends, each after its onset.
        beats: whether ticks are the song's own beats; otherwise they are seconds at an even tempo.
        shift: how much later than in the song its beats lie, 10080 a quarter note.
        moved: notes that start together with the one before and therefore a tick later.
        shortened: notes cut where the next note of their pitch starts.
    """

    division: int
    tempi: list[tuple[int, int]]
    onset: list[int]
    end: list[int]
    beats: bool
    shift: int
    moved: int
    shortened: int


class _UnfitBeatsError(Exception):
    """No tempo of a MIDI file leads from one beat to the next in the time performed."""


def timing_of(
    pitch: Sequence[int],
    onset_s: Sequence[float],
    duration_s: Sequence[float],
    onset_tick: Sequence[int],
) -> Timing:
    """Place notes so that a reader finds their seconds and, where they fit, their beats.

    A tempo event wherever the performance changes speed leads from each onset to the next in the
    time performed, off by 0.2 ms at most. Where ticks and seconds contradict each other (a
    later note on an earlier beat, a beat of more than 16.7 s) the beats are given up: ticks count
    seconds at 120 quarter notes a minute. Ends follow the seconds. Only the first note may have to
    move its beat: where it sounds at once on a later beat, or later on beat 0.

    MIDI has no order within a tick and one voice for each pitch. So notes that start together are
    moved a tick apart, in their order, and a note ends where the next one of its pitch starts.

    Args:
        pitch: (n,) MIDI pitches.
        onset_s: (n,) onsets in seconds, not negative, never descending.
        duration_s: (n,) durations in seconds.
        onset_tick: (n,) onsets in ticks, 10080 a quarter note.

    Raises:
        DataError: onsets descend or are negative, or the song lasts for many hours.
    """
    if any(after < before for before, after in zip([0.0, *onset_s], onset_s, strict=False)):
        raise DataError("an onset is negative or lies before the one of the note before")
    ends_s = [onset + length for onset, length in zip(onset_s, duration_s, strict=True)]
    even = [round(seconds * 1e6 / EVEN_TEMPO * TICKS_PER_QUARTER) for seconds in onset_s]
    shift = 0 if (onset_tick[0] > 0) == (even[0] > 0) else even[0] - onset_tick[0]
    shifted = [tick + shift for tick in onset_tick]
    for beats, ticks in ((True, shifted), (False, even)):
        for division in DIVISIONS:
            try:
                found = _timing(pitch, onset_s, ends_s, ticks, division, beats)
            except _UnfitBeatsError:
                break
            found = replace(found, shift=shift if beats else 0)
            if max(found.end) < LARGEST_TICK:
                return found
    raise DataError(f"a song of {max(ends_s):.0f} s is too long for a MIDI file")


def _timing(
    pitch: Sequence[int],
    onset_s: Sequence[float],
    ends_s: Sequence[float],
    ticks: Sequence[int],
    division: int,
    beats: bool,
) -> Timing:
    onset, moved = _apart([round(tick * division / TICKS_PER_QUARTER) for tick in ticks])
    tempi = _tempi(onset, onset_s, division) if beats else [(0, EVEN_TEMPO)]
    end, shortened = _ends(pitch, onset, _ticks_at(tempi, division, ends_s))
    return Timing(division, tempi, onset, end, beats, 0, moved, shortened)


def _apart(ticks: Sequence[int]) -> tuple[list[int], int]:
    """Return ticks that rise strictly, and how many had to be moved."""
    rising: list[int] = []
    for tick in ticks:
        rising.append(max(tick, rising[-1] + 1) if rising else tick)
    return rising, sum(one != other for one, other in zip(rising, ticks, strict=True))


def _tempi(onset: Sequence[int], onset_s: Sequence[float], division: int) -> list[tuple[int, int]]:
    """Return tempo events by which every onset comes at its second; a tempo lasts while it fits."""
    tempi: list[tuple[int, int]] = []
    tick, now_us = 0, 0.0
    for target, second in zip(onset, onset_s, strict=True):
        ticks, wanted_us = target - tick, second * 1e6 - now_us
        if ticks == 0:
            if abs(wanted_us) > _TOLERANCE_US:
                raise _UnfitBeatsError
            continue
        tempo = tempi[-1][1] if tempi else -1
        if abs(tempo * ticks / division - wanted_us) > _TOLERANCE_US:
            tempo = round(wanted_us * division / ticks)
            if not _FASTEST <= tempo <= _SLOWEST:
                raise _UnfitBeatsError
            tempi.append((tick, tempo))
        tick, now_us = target, now_us + tempo * ticks / division
    return tempi or [(0, EVEN_TEMPO)]


def _ticks_at(
    tempi: Sequence[tuple[int, int]], division: int, seconds: Sequence[float]
) -> list[int]:
    """Return the ticks nearest to times."""
    starts_us = [0.0]
    for (tick, tempo), (after, _) in pairwise(tempi):
        starts_us.append(starts_us[-1] + tempo * (after - tick) / division)
    found = []
    for second in seconds:
        place = bisect_right(starts_us, second * 1e6) - 1
        tick, tempo = tempi[place]
        found.append(tick + round((second * 1e6 - starts_us[place]) * division / tempo))
    return found


def _ends(pitch: Sequence[int], onset: Sequence[int], end: Sequence[int]) -> tuple[list[int], int]:
    """Return ends after their onsets and not after the next onset of the same pitch."""
    found = list(end)
    next_onset: dict[int, int] = {}
    shortened = 0
    for place in reversed(range(len(pitch))):
        found[place] = max(found[place], onset[place] + 1)
        limit = next_onset.get(pitch[place])
        if limit is not None and found[place] > limit:
            # A tick or less is rounding, not overlap.
            shortened += found[place] > limit + 1
            found[place] = limit
        next_onset[pitch[place]] = onset[place]
    return found, shortened
