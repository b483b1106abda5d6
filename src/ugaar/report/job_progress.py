"""Reading how far a running job is from the end of its log."""

from __future__ import annotations

from pathlib import Path

from ugaar.progress import PATTERN

TAIL_BYTES = 8192


def tail(path: Path, lines: int) -> list[str]:
    """Return the last lines of a file, or none where there is no such file.

    Only the end of the file is read, so long logs cost nothing.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return text.splitlines()[-lines:]


def spoken_duration(seconds: float) -> str:
    """Return a duration as people write it: `0.8 s`, `42 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def last_progress(path: Path) -> str | None:
    """Return the newest progress of a job as text, or None where its log has none yet."""
    for line in reversed(tail(path, 50)):
        found = PATTERN.search(line)
        if found:
            done, total, rate, left = found.groups()
            share = 100 * int(done) // max(int(total), 1)
            return (
                f"{done}/{total} ({share} %), {float(rate):.1f}/s, "
                f"{spoken_duration(int(left))} left"
            )
    return None
