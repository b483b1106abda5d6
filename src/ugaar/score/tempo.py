"""Notated time to seconds, through the tempo marks of a score."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from ugaar.tables import TICKS_PER_QUARTER


class TempoMap:
    """Seconds of every tick under tempo marks that hold until the next one.

    Args:
        marks: (tick, quarter notes a minute) pairs; of several at one tick the last counts.
        default_qpm: tempo before the first mark, quarter notes a minute.
    """

    def __init__(self, marks: Iterable[tuple[int, float]], default_qpm: float) -> None:
        tempi = {0: float(default_qpm)}
        tempi.update(sorted(marks, key=lambda mark: mark[0]))
        self._ticks = sorted(tempi)
        self._seconds_per_tick = [60.0 / tempi[tick] / TICKS_PER_QUARTER for tick in self._ticks]
        self._seconds = [0.0]
        for index in range(1, len(self._ticks)):
            span = self._ticks[index] - self._ticks[index - 1]
            self._seconds.append(self._seconds[-1] + span * self._seconds_per_tick[index - 1])

    def seconds(self, tick: int) -> float:
        """Return the time of a tick (0 or later) in seconds from the start."""
        place = bisect_right(self._ticks, tick) - 1
        return self._seconds[place] + (tick - self._ticks[place]) * self._seconds_per_tick[place]
