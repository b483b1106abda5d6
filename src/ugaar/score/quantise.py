"""Performed notes to notation: onsets and ends on a grid with triplets, never two at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ugaar.tables import TICKS_PER_QUARTER


@dataclass(frozen=True)
class Quantised:
    """Notated times of a window, and how far its onsets had to move.

    Attributes:
        onset_tick: onsets in ticks, strictly increasing.
        duration_tick: durations in ticks, at least a grid step where the next onset leaves room,
            never past the next onset.
        error_s: largest shift of an onset, seconds.
    """

    onset_tick: list[int]
    duration_tick: list[int]
    error_s: float


def clip_to_next_onset(onsets: Sequence[int], durations: Sequence[int]) -> list[int]:
    """Return durations (ticks) that end at the next onset at the latest: one voice, no overlap."""
    limits = [*(after - before for before, after in pairwise(onsets)), None]
    return [
        duration if limit is None else min(duration, limit)
        for duration, limit in zip(durations, limits, strict=True)
    ]


def steps_of_beats(onsets: Sequence[int], per_quarter: int) -> dict[int, int]:
    """Choose the grid of each beat that holds an onset: straight, or triplets of the same level.

    Args:
        onsets: onsets in ticks.
        per_quarter: straight steps in a quarter note; triplets have half as many again.

    Returns:
        Beat number -> step in ticks. The grid with the smaller sum of shifts wins, straight if
        they are equal.
    """
    straight = TICKS_PER_QUARTER // per_quarter
    triplet = TICKS_PER_QUARTER * 2 // (per_quarter * 3)
    beats: dict[int, list[int]] = {}
    for onset in onsets:
        beats.setdefault(onset // TICKS_PER_QUARTER, []).append(onset)
    return {
        beat: min(
            (straight, triplet),
            key=lambda step: (
                sum(abs(_snap(tick, step) - tick) for tick in members),
                step != straight,
            ),
        )
        for beat, members in beats.items()
    }


def _snap(tick: int, step: int) -> int:
    """Return the nearest multiple of a step, the later one of two equally near."""
    return (2 * tick + step) // (2 * step) * step


def quantise(
    onsets: Sequence[int],
    ends: Sequence[int],
    seconds: Callable[[int], float],
    per_quarter: int,
) -> Quantised:
    """Put performed notes on the grid.

    Two onsets never fall on one grid point: the later moves to the next point, and its shift
    counts. Ends move to the grid of their beat; a note keeps at least one step.

    Args:
        onsets: performed onsets, ticks from the start of the song (beats start at multiples of a
            quarter note), strictly increasing.
        ends: performed ends, ticks.
        seconds: time in seconds of a tick of the song.
        per_quarter: straight grid steps in a quarter note.
    """
    straight = TICKS_PER_QUARTER // per_quarter
    steps = steps_of_beats(onsets, per_quarter)
    snapped: list[int] = []
    for onset in onsets:
        step = steps[onset // TICKS_PER_QUARTER]
        tick = _snap(onset, step)
        if snapped and tick <= snapped[-1]:
            tick = (snapped[-1] // step + 1) * step
        snapped.append(tick)
    durations = []
    for onset, end in zip(snapped, ends, strict=True):
        step = steps.get(end // TICKS_PER_QUARTER, straight)
        durations.append(max(_snap(end, step) - onset, step))
    error = max(
        abs(seconds(tick) - seconds(onset)) for tick, onset in zip(snapped, onsets, strict=True)
    )
    return Quantised(snapped, clip_to_next_onset(snapped, durations), error)
