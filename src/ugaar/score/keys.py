"""Content keys: windows that sound, look or read the same share a key and are made once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def _digest(*content: object) -> str:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def content_keys(window: Mapping[str, Any]) -> dict[str, str]:
    """Return audio_key, sheet_key and lyrics_key of a window: 16 hex digits each.

    Args:
        window: its columns as in the windows table. Seconds count to the microsecond, as whole
            numbers, so that rounding noise of equal music gives equal keys.
    """
    return {
        "audio_key": _digest(
            window["pitch"],
            [round(seconds * 1e6) for seconds in window["onset_s"]],
            [round(seconds * 1e6) for seconds in window["duration_s"]],
        ),
        "sheet_key": _digest(
            window["pitch"],
            window["onset_tick"],
            window["duration_tick"],
            window["bar_tick"],
            window["meter_tick"],
            window["meter"],
            window["key_fifths"],
        ),
        "lyrics_key": _digest(window["syllable"], window["word"]),
    }


def source_key(song: Mapping[str, Any], notes: slice) -> str:
    """Return the content hash of a window as its source gives it: 16 hex digits.

    Windows with equal keys have the same pitches, notated durations, notated rests before each
    note (also before the first) and texts, none of it quantised, cut or normalised. For the
    lyrics-melody collection these are its discrete triples and its syllables.

    Args:
        song: a row of the songs table.
        notes: the notes of the window.
    """
    onsets, durations = song["onset_tick"], song["duration_tick"]
    rests = [
        onsets[index] - onsets[index - 1] - durations[index - 1] if index else 0
        for index in range(notes.start, notes.stop)
    ]
    return _digest(song["pitch"][notes], rests, durations[notes], song["text"][notes])
