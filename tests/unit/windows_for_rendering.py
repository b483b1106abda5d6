"""Windows made by hand for the tests of rendering."""

import hashlib
from pathlib import Path

from ugaar.parquet_files import write_table
from ugaar.tables import TICKS_PER_QUARTER, WINDOWS

SECONDS_PER_QUARTER = 0.6


def window(pitches, quarters, name, **changes):
    """Return a window of notes that follow each other, at 100 quarter notes a minute."""
    starts = [sum(quarters[:index]) for index in range(len(quarters))]
    key = hashlib.sha256(name.encode()).hexdigest()
    row = {
        "window_id": f"{name}-000",
        "song_id": name,
        "index": 0,
        "collection": "tests",
        "language": "en",
        "pitch": list(pitches),
        "onset_s": [SECONDS_PER_QUARTER * start for start in starts],
        "duration_s": [SECONDS_PER_QUARTER * length for length in quarters],
        "onset_tick": [round(TICKS_PER_QUARTER * start) for start in starts],
        "duration_tick": [round(TICKS_PER_QUARTER * length) for length in quarters],
        "syllable": ["la"] * len(pitches),
        "word": ["la"] * len(pitches),
        "bar_tick": [4 * TICKS_PER_QUARTER * bar for bar in range(int(sum(quarters)) // 4 + 1)],
        "meter_tick": [0],
        "meter": ["4/4"],
        "key_fifths": 0,
        "quantise_error_s": 0.0,
        "audio_key": key,
        "sheet_key": key,
        "lyrics_key": key,
        "source_key": key,
    }
    return {**row, **changes}


def write_windows(path: Path, rows):
    """Write rows as a windows table and return its path."""
    write_table(path, WINDOWS, rows)
    return path
