"""Windows: runs of 20 syllable-note pairs of a song (paper, section 4.1)."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from ugaar.score.keys import content_keys, source_key
from ugaar.score.quantise import clip_to_next_onset, quantise
from ugaar.score.rejects import reject

Value = TypeVar("Value")

Rows = list[dict[str, Any]]
ALL = "all"
ROUNDING_S = 1e-8


def windows_of(song: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[Rows, Rows]:
    """Cut a song into windows that do not overlap.

    The notes left over at the end, fewer than a window, are no window and no reject.

    Args:
        song: a row of the songs table.
        settings: the `window` section of the configuration.

    Returns:
        Rows of the windows table and of the rejects table. A window's index counts all windows of
        the song, so it does not change when a neighbour is dropped.
    """
    if not is_drawn(song["song_id"], settings["song_share"]):
        detail = f"not among the drawn songs, share {settings['song_share']:g}"
        return [], [reject("window", "song", song["song_id"], song["path"], "not-drawn", detail)]
    size = settings["notes"]
    count = song["n_notes"] // size
    if count == 0:
        detail = f"{song['n_notes']} notes with a syllable, {size} needed"
        return [], [
            reject("window", "song", song["song_id"], song["path"], "too-few-notes", detail)
        ]
    if settings["per_song"] != ALL:
        count = min(count, settings["per_song"])
    windows: Rows = []
    rejects: Rows = []
    for index in range(count):
        window_id = f"{song['song_id']}-{index}"
        notes = slice(index * size, (index + 1) * size)
        reason, detail = _too_long(song, notes, settings)
        if not reason:
            window = _window(song, window_id, index, notes, settings)
            error, limit = window["quantise_error_s"], settings["max_quantise_error_s"]
            if error <= limit:
                windows.append(window)
                continue
            reason = "quantise-error"
            detail = f"an onset lies {error:.3f} s from the grid, limit {limit:g} s"
        rejects.append(reject("window", "window", window_id, song["path"], reason, detail))
    return windows, rejects


def is_drawn(song_id: str, share: float) -> bool:
    """Return whether a song is among a share of all, drawn by its identifier alone.

    Args:
        song_id: identifier of the song.
        share: 0 to 1; the songs of a smaller share are among those of a larger one.
    """
    return int(hashlib.sha256(f"drawn {song_id}".encode()).hexdigest()[:8], 16) < share * 16**8


def _too_long(
    song: Mapping[str, Any], notes: slice, settings: Mapping[str, Any]
) -> tuple[str, str]:
    onsets, durations = song["onset_s"][notes], song["duration_s"][notes]
    silence = longest_silence(onsets, durations)
    # Rests summed in floating point to 4 s are still 4 s; a microsecond more is more.
    if silence > settings["max_silence_s"] + ROUNDING_S:
        return (
            "silence-over-limit",
            f"{silence:.2f} s between two notes, limit {settings['max_silence_s']:g} s",
        )
    longest = max(durations)
    if longest > settings["max_note_s"] + ROUNDING_S:
        return (
            "note-over-limit",
            f"a note of {longest:.2f} s, limit {settings['max_note_s']:g} s",
        )
    return "", ""


def longest_silence(onsets: Sequence[float], durations: Sequence[float]) -> float:
    """Return the longest time from the end of a note to the next onset, seconds, at least 0."""
    ends = (onset + duration for onset, duration in zip(onsets, durations, strict=True))
    gaps = (after - end for end, after in zip(ends, onsets[1:], strict=False))
    return max(0.0, *gaps, 0.0)


def _window(
    song: Mapping[str, Any], window_id: str, index: int, notes: slice, settings: Mapping[str, Any]
) -> dict[str, Any]:
    onset_tick, duration_tick, error = _notated(song, notes, settings["grid_per_quarter"])
    start = onset_tick[0]
    end = onset_tick[-1] + duration_tick[-1]
    meter_tick, meter = _within(song["meter_tick"], song["meter"], start, end)
    onset_s = song["onset_s"][notes]
    window = {
        "window_id": window_id,
        "song_id": song["song_id"],
        "index": index,
        "collection": song["collection"],
        "language": song["language"],
        "pitch": song["pitch"][notes],
        "onset_s": [seconds - onset_s[0] for seconds in onset_s],
        "duration_s": song["duration_s"][notes],
        "onset_tick": [tick - start for tick in onset_tick],
        "duration_tick": duration_tick,
        "syllable": song["syllable"][notes],
        "word": song["word"][notes],
        "bar_tick": _bars(song["bar_tick"], start, end),
        "meter_tick": meter_tick,
        "meter": meter,
        "key_fifths": value_at(song["key_tick"], song["key_fifths"], start),
        "quantise_error_s": error,
    }
    return window | content_keys(window) | {"source_key": source_key(song, notes)}


def _notated(
    song: Mapping[str, Any], notes: slice, per_quarter: int
) -> tuple[list[int], list[int], float]:
    onsets, durations = song["onset_tick"][notes], song["duration_tick"][notes]
    if song["timing"] == "notated":
        return onsets, clip_to_next_onset(onsets, durations), 0.0

    def seconds(tick: int) -> float:
        return interpolate(tick, song["onset_tick"], song["onset_s"])

    ends = [onset + duration for onset, duration in zip(onsets, durations, strict=True)]
    found = quantise(onsets, ends, seconds, per_quarter)
    return found.onset_tick, found.duration_tick, found.error_s


def interpolate(tick: int, ticks: Sequence[int], seconds: Sequence[float]) -> float:
    """Return the time of a tick between the given ones, or beyond them at the nearest tempo."""
    place = int(np.clip(np.searchsorted(ticks, tick, side="right") - 1, 0, len(ticks) - 2))
    slope = (seconds[place + 1] - seconds[place]) / (ticks[place + 1] - ticks[place])
    return seconds[place] + (tick - ticks[place]) * slope


def value_at(ticks: Sequence[int], values: Sequence[Value], tick: int) -> Value | None:
    """Return the value that holds at a tick, None before the first."""
    place = bisect_right(ticks, tick) - 1
    return values[place] if place >= 0 else None


def _within(
    ticks: Sequence[int], values: Sequence[str], start: int, end: int
) -> tuple[list[int], list[str]]:
    """Return the value in force at the start (at tick 0) and the changes before the end."""
    first = value_at(ticks, values, start)
    kept = [] if first is None else [(0, first)]
    kept += [
        (tick - start, value)
        for tick, value in zip(ticks, values, strict=True)
        if start < tick < end
    ]
    return [tick for tick, _ in kept], [value for _, value in kept]


def _bars(bars: Sequence[int], start: int, end: int) -> list[int]:
    """Return bar starts from the bar that holds the start (0 or negative) up to the end."""
    first = max(bisect_right(bars, start) - 1, 0)
    return [bar - start for bar in bars[first:] if bar <= end]
