"""Small tables that look like those of a real run, for tests and benchmarks."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from ugaar.parquet_files import write_table
from ugaar.tables import (
    AUDIO,
    EMBEDDINGS,
    FUNNEL,
    GROUND_TRUTH,
    HISTORY,
    MODALITIES,
    SHEET,
    SONGS,
    SPLIT,
    TICKS_PER_QUARTER,
    WINDOWS,
    Table,
)

NOTES = 20
LETTERS = ["be", "er", "et", "la", "mi", "ne", "no", "re", "sa", "te", "ta", "vo"]
PUBLIC = "johnson_j_r/lift_every_voice.xml"


def _empty_row(table: Table) -> dict:
    """Return a row with a neutral value in each column."""
    row: dict = {}
    for column in table.columns:
        if pa.types.is_list(column.type):
            row[column.name] = []
        elif pa.types.is_string(column.type):
            row[column.name] = ""
        else:
            row[column.name] = 0
    return row


def write_windows(folder: Path, n: int = 30, test: int = 12, n_texts: int | None = None) -> None:
    """Write songs, windows and split tables.

    Args:
        folder: where the tables go.
        n: number of windows, one a song; the last `test` of them are the test fold.
        test: number of test windows.
        n_texts: number of different lyrics; one a window where None.
    """
    random = np.random.default_rng(5)
    songs, windows, split = [], [], []
    for number in range(n):
        song_id = f"{number:012x}"
        text = number % (n_texts or n)
        beats = random.choice([0.5, 1.0, 1.0, 2.0], NOTES)
        onset = np.concatenate(([0.0], np.cumsum(beats)[:-1]))
        notes = {
            "pitch": (60 + random.integers(0, 15, NOTES)).tolist(),
            "onset_s": (onset * 0.6).tolist(),
            "duration_s": (beats * 0.6).tolist(),
            "onset_tick": (onset * TICKS_PER_QUARTER).astype(int).tolist(),
            "duration_tick": (beats * TICKS_PER_QUARTER).astype(int).tolist(),
            "syllable": [LETTERS[(text + k) % len(LETTERS)] for k in range(NOTES)],
            "word": [LETTERS[(text + k) % len(LETTERS)] for k in range(NOTES)],
        }
        collection = "johnson_j_r" if number % 3 == 0 else "bach"
        path = PUBLIC if number % 3 == 0 else f"bach/bwv{number}.mxl"
        songs.append(
            _empty_row(SONGS)
            | notes
            | {
                "song_id": song_id,
                "source": "music21",
                "collection": collection,
                "path": path,
                "title": f"Song {number}",
                "language": "en",
            }
        )
        windows.append(
            _empty_row(WINDOWS)
            | notes
            | {
                "window_id": f"{song_id}-0",
                "song_id": song_id,
                "collection": collection,
                "language": "en",
                "key_fifths": 0,
                "audio_key": f"a{number:015x}",
                "sheet_key": f"5{number:015x}",
                "lyrics_key": f"c{text:015x}",
            }
        )
        split.append(
            {
                "window_id": f"{song_id}-0",
                "song_id": song_id,
                "collection": collection,
                "group": song_id,
                "group_size": 1,
                "fold": "test" if number >= n - test else "train",
                "protocol": "song-disjoint",
            }
        )
    write_table(folder / "songs.parquet", SONGS, songs)
    write_table(folder / "windows.parquet", WINDOWS, windows)
    write_table(folder / "split.parquet", SPLIT, split)


def write_embeddings(
    path: Path,
    ids: list[str],
    *,
    method: str = "ugaar",
    seed: int = 0,
    noise: float = 1.0,
    spaces: tuple[str, ...] = ("common",),
    similarity: str = "euclidean",
    dimensions: int = 16,
) -> None:
    """Write embeddings: one hidden point a window, seen with noise in each modality."""
    random = np.random.default_rng([seed, 11])
    hidden = np.random.default_rng(3).normal(size=(len(ids), dimensions))
    rows = []
    for space in spaces:
        for modality in MODALITIES if space == "common" else space.split("-"):
            loud = noise * (4.0 if modality == "lyrics" else 1.0)
            seen = hidden + loud * random.normal(size=hidden.shape)
            rows += [
                {"window_id": window, "space": space, "modality": modality, "embedding": vector}
                for window, vector in zip(ids, seen.astype(np.float32).tolist(), strict=True)
            ]
    metadata = {"method": method, "seed": str(seed), "similarity": similarity}
    write_table(path, EMBEDDINGS, rows, metadata=metadata)


def write_history(path: Path, method: str, seed: int) -> None:
    """Write a training history that falls and rises as real ones do."""
    random = np.random.default_rng([seed, len(method)])
    rows = []
    phases = {
        "asmcmr": [("training", 400, 50)],
        "baseline": [("discriminator", 60, 1)],
        "baseline-gan": [("adversarial", 30, 1)],
        "ugaar": [("adversarial", 30, 1)],
    }
    for phase, last, step in phases[method]:
        for epoch in range(step, last + 1, step):
            share = epoch / last
            values = {
                "train_loss": 2.0 * np.exp(-3 * share) + 0.02 * random.normal(),
                "valid_mrr": 0.3 * (1 - np.exp(-4 * share)) + 0.01 * random.normal(),
            }
            rows += [
                {
                    "method": method,
                    "seed": seed,
                    "phase": phase,
                    "epoch": epoch,
                    "metric": metric,
                    "value": float(value),
                }
                for metric, value in values.items()
            ]
    write_table(path, HISTORY, rows)


def write_funnel(path: Path) -> None:
    """Write a funnel with losses at every step."""
    steps = [
        ("files", "kept", 507),
        ("files", "no-lyrics", 4),
        ("files", "unreadable", 1),
        ("songs", "kept", 1180),
        ("songs", "too-few-notes", 321),
        ("windows", "kept", 2878),
        ("windows", "silence-over-limit", 61),
        ("windows", "long-note", 12),
        ("rendered", "kept", 2871),
        ("rendered", "engraving-failed", 7),
        ("train", "kept", 2041),
        ("valid", "kept", 350),
        ("test", "kept", 480),
    ]
    rows = [{"step": step, "reason": reason, "count": count} for step, reason, count in steps]
    write_table(path, FUNNEL, rows)


def write_ground_truth(path: Path, n_components: int = 32) -> None:
    """Write a ground truth whose metadata hold falling canonical correlations."""
    correlations = np.linspace(0.97, 0.05, n_components) ** 1.3
    rows = [
        {
            "window_id": "000000000000-0",
            "neighbour_id": "000000000000-0",
            "position": 1,
            "distance": 0.0,
            "protocol": "song-disjoint",
        }
    ]
    metadata = {"correlations": json.dumps(correlations.tolist())}
    write_table(path, GROUND_TRUTH, rows, metadata=metadata)


def write_media(folder: Path, keys: list[tuple[str, str]]) -> None:
    """Write a shard of audio clips and a shard of sheet strips.

    Args:
        folder: gets audio/shard-0.parquet and sheet/shard-0.parquet.
        keys: (audio_key, sheet_key) of each window.
    """
    import soundfile
    from PIL import Image, ImageDraw

    audio, sheet = [], []
    rate, length_s = 22050, 12.0
    for number, (audio_key, sheet_key) in enumerate(keys):
        time = np.arange(int(rate * length_s)) / rate
        step = (time / 0.6).astype(int)
        pitch = 60 + np.random.default_rng(number).integers(0, 12, 21)[step]
        signal = 0.3 * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time)
        signal *= np.exp(-4 * (time % 0.6))
        buffer = io.BytesIO()
        soundfile.write(buffer, signal, rate, format="FLAC", subtype="PCM_16")
        audio.append(
            {
                "audio_key": audio_key,
                "flac": buffer.getvalue(),
                "sample_rate_hz": rate,
                "n_samples": len(signal),
                "duration_s": length_s,
                "onset_s": [0.6 * k for k in range(NOTES)],
                "rms": 0.1,
                "peak": 0.3,
                "flatness": 0.001,
            }
        )
        image = Image.new("L", (900, 160), 255)
        brush = ImageDraw.Draw(image)
        for line in range(5):
            brush.line([(100, 66 + 7 * line), (800, 66 + 7 * line)], fill=0)
        heads = [130 + 33 * k for k in range(NOTES)]
        for k, head in enumerate(heads):
            top = 76 - 4 * (k % 5)
            brush.ellipse([head - 5, top, head + 5, top + 7], fill=0)
        buffer = io.BytesIO()
        image.save(buffer, format="PNG")
        sheet.append(
            {
                "sheet_key": sheet_key,
                "png": buffer.getvalue(),
                "width_px": 900,
                "height_px": 160,
                "staff_y_px": 80.0,
                "note_index": list(range(NOTES)),
                "notehead_x_px": [float(head) for head in heads],
            }
        )
    write_table(folder / "audio" / "shard-0.parquet", AUDIO, audio)
    write_table(folder / "sheet" / "shard-0.parquet", SHEET, sheet)
