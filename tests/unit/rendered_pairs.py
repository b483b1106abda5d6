"""Tiny rendered windows with a known relation between sheet and sound, for encoder tests."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from ugaar.parquet_files import write_table
from ugaar.tables import AUDIO, SHEET, SPLIT, WINDOWS

RATE_HZ = 22050
NOTES = 20


def draw_strip(pitches: np.ndarray, step_px: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Return a strip (160, width) with a blot at a height for each pitch, and blot centres."""
    centres = 100.0 + step_px * np.arange(len(pitches)) + 8.0
    strip = np.full((160, 200 + step_px * len(pitches)), 255, dtype=np.uint8)
    strip[60:101:10, 90:-90] = 0
    for x, pitch in zip(centres.astype(int), pitches, strict=True):
        y = 120 - 5 * (int(pitch) - 60)
        strip[y - 4 : y + 5, x - 6 : x + 7] = 0
    return strip, centres


def sound(pitches: np.ndarray, length_s: float = 0.4) -> tuple[np.ndarray, np.ndarray]:
    """Return a clip of decaying sines and its onsets in seconds."""
    time = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    notes = [
        0.4 * np.exp(-4.0 * time) * np.sin(2 * np.pi * 440.0 * 2 ** ((p - 69) / 12) * time)
        for p in pitches
    ]
    return np.concatenate(notes).astype(np.float32), length_s * np.arange(len(pitches))


def write_pairs(folder: Path, n: int = 12, valid: int = 4, shards: int = 1) -> None:
    """Write windows, split, audio/ and sheet/ tables of random melodies.

    Args:
        folder: where the tables go.
        n: number of windows; the last `valid` of them are the validation fold.
        valid: number of validation windows.
        shards: number of files in audio/ and sheet/.
    """
    random = np.random.default_rng(7)
    windows, split, audio, sheet = [], [], [], []
    for number in range(n):
        pitches = random.integers(60, 73, NOTES)
        name = f"{number:012x}"
        strip, centres = draw_strip(pitches)
        clip, onsets = sound(pitches)
        flac, png = io.BytesIO(), io.BytesIO()
        soundfile.write(flac, clip, RATE_HZ, format="FLAC")
        Image.fromarray(strip).save(png, format="PNG")
        lists = {name: [] for name in ("bar_tick", "meter_tick", "meter", "syllable", "word")}
        windows.append(
            lists
            | {
                "window_id": f"{name}-0",
                "song_id": name,
                "index": 0,
                "collection": "test",
                "language": "en",
                "pitch": pitches.tolist(),
                "onset_s": onsets.tolist(),
                "duration_s": [0.4] * NOTES,
                "onset_tick": [],
                "duration_tick": [],
                "key_fifths": 0,
                "quantise_error_s": 0.0,
                "audio_key": f"a{name}",
                "sheet_key": f"5{name}",
                "lyrics_key": f"c{name}",
                "source_key": f"d{name}",
            }
        )
        split.append(
            {
                "window_id": f"{name}-0",
                "song_id": name,
                "collection": "test",
                "group": name,
                "group_size": 1,
                "fold": "valid" if number >= n - valid else "train",
                "protocol": "song-disjoint",
            }
        )
        audio.append(
            {
                "audio_key": f"a{name}",
                "flac": flac.getvalue(),
                "sample_rate_hz": RATE_HZ,
                "n_samples": len(clip),
                "duration_s": len(clip) / RATE_HZ,
                "onset_s": onsets.tolist(),
                "rms": 0.1,
                "peak": 0.4,
                "flatness": 0.0,
            }
        )
        sheet.append(
            {
                "sheet_key": f"5{name}",
                "png": png.getvalue(),
                "width_px": strip.shape[1],
                "height_px": 160,
                "staff_y_px": 80.0,
                # The first note is tied: its second head lies to the right.
                "note_index": [0, 0, *range(1, NOTES)],
                "notehead_x_px": [centres[0], centres[0] + 15.0, *centres[1:]],
            }
        )
    write_table(folder / "windows.parquet", WINDOWS, windows)
    write_table(folder / "split.parquet", SPLIT, split)
    for shard in range(shards):
        name = f"shard-{shard}.parquet"
        write_table(folder / "audio" / name, AUDIO, audio[shard::shards])
        write_table(folder / "sheet" / name, SHEET, sheet[shard::shards])
