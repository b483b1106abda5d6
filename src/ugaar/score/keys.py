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
