"""Progress lines in a job's log, which the progress display of a run reads back."""

from __future__ import annotations

import logging
import re
import time

PATTERN = re.compile(r"progress (\d+)/(\d+) ([\d.]+)/s eta (\d+)s")


class Progress:
    """Counts finished items and logs the count, rate and time left, at most every few seconds.

    Args:
        total: number of items in all.
        interval_s: least time between two lines, seconds.
    """

    def __init__(self, total: int, interval_s: float = 10.0) -> None:
        self.total = total
        self.done = 0
        self._interval = interval_s
        self._start = self._last = time.monotonic()

    def step(self, count: int = 1) -> None:
        """Add finished items."""
        self.done += count
        now = time.monotonic()
        if now - self._last < self._interval and self.done < self.total:
            return
        self._last = now
        rate = self.done / max(now - self._start, 1e-9)
        left = (self.total - self.done) / rate if rate else 0.0
        logging.info("progress %d/%d %.1f/s eta %.0fs", self.done, self.total, rate, left)
