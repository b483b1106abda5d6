"""Made-up inputs of the later stages, as large as asked: `benchmarks/scale.py` measures on them.

Songs have the length of those of the lyrics-melody collection; a tenth of them repeat another one.
Audio and sheet features share 16 directions, lyrics features are noise. Nothing is rendered.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from ugaar.parquet_files import open_table, read_table, write_table
from ugaar.tables import (
    AUDIO_PART,
    DIRECTIONS,
    EMBEDDINGS,
    MODALITIES,
    RANKS,
    REJECTS,
    SHEET_PART,
    SONGS,
    SPLIT,
    TICKS_PER_QUARTER,
    WINDOWS,
)

NOTES_A_WINDOW = 20
WINDOWS_A_SONG = 13
SHARDS = 8
REPEATED_SHARE = 0.1
VOCABULARY = 5000
LATENT = 16
AUDIO_SIZE, FRAMES = 512, 6
CROPS, CODE_SIZE = 100, 32
EMBEDDING_SIZE = 128
SEEDS = 5
_BLOCK = 512


def make_songs(folder: Path, n_windows: int) -> None:
    """Write songs that give `n_windows` windows, and an empty rejects table."""
    chance = np.random.default_rng(0)
    syllables = np.array([f"s{number}" for number in range(VOCABULARY)])
    weights = 1.0 / np.arange(1, VOCABULARY + 1)
    weights /= weights.sum()
    n_songs = -(-n_windows // WINDOWS_A_SONG)
    earlier: list[dict] = []
    with open_table(folder / "songs-in.parquet", SONGS) as table:
        rows = []
        for number in range(n_songs):
            left = n_windows - number * WINDOWS_A_SONG
            notes = NOTES_A_WINDOW * min(left, WINDOWS_A_SONG)
            if earlier and chance.random() < REPEATED_SHARE:
                song = dict(earlier[int(chance.integers(len(earlier)))])
                song = {key: value[:notes] for key, value in song.items()}
            else:
                song = _song(chance, syllables, weights, notes)
                earlier.append(song)
            rows.append(_row(number, song))
            if len(rows) == _BLOCK:
                table.write(rows)
                rows = []
        if rows:
            table.write(rows)
    write_table(folder / "rejects-in.parquet", REJECTS, [])


def _song(
    chance: np.random.Generator, syllables: np.ndarray, weights: np.ndarray, notes: int
) -> dict[str, list]:
    sixteenths = chance.choice([1, 2, 2, 4, 4, 8], size=notes)
    onset = np.concatenate(([0], np.cumsum(sixteenths)[:-1])) * (TICKS_PER_QUARTER // 4)
    duration = sixteenths * (TICKS_PER_QUARTER // 4)
    text = syllables[chance.choice(VOCABULARY, size=notes, p=weights)].tolist()
    seconds = 0.5 / TICKS_PER_QUARTER
    return {
        "pitch": np.clip(60 + np.cumsum(chance.integers(-3, 4, size=notes)), 40, 90).tolist(),
        "onset_tick": onset.tolist(),
        "duration_tick": duration.tolist(),
        "onset_s": (onset * seconds).tolist(),
        "duration_s": (duration * seconds).tolist(),
        "syllable": text,
        "word": text,
        "text": text,
    }


def _row(number: int, song: dict[str, list]) -> dict:
    """Return a row of the songs table; columns that no later stage reads are empty."""
    empty = {column.name: [] if pa.types.is_list(column.type) else "" for column in SONGS.columns}
    about = {
        "song_id": f"{number:012x}",
        "source": "made-up",
        "collection": str(number % 16),
        "path": f"song-{number}",
        "timing": "notated",
        "n_notes": len(song["pitch"]),
    }
    return empty | about | {name: values for name, values in song.items() if name in empty}


def make_features(folder: Path) -> None:
    """Write the audio and sheet parts of the windows, in shards."""
    chance = np.random.default_rng(1)
    mixing = {
        "audio": chance.normal(size=(LATENT, AUDIO_SIZE)).astype(np.float32),
        "sheet": chance.normal(size=(LATENT, CODE_SIZE)).astype(np.float32),
    }
    windows = read_table(folder / "windows.parquet", WINDOWS, ["audio_key", "sheet_key"])
    for modality, table, column, metadata in (
        ("audio", AUDIO_PART, "embedding", {"encoder": "made-up"}),
        ("sheet", SHEET_PART, "codes", {"encoder": "made-up"}),
    ):
        length = AUDIO_SIZE if modality == "audio" else CROPS * CODE_SIZE
        keys = sorted(set(windows[f"{modality}_key"].to_pylist()))
        for shard in range(SHARDS):
            own = keys[shard::SHARDS]
            path = folder / f"{modality}-{shard}.parquet"
            with open_table(path, table, {column: length}, metadata) as writer:
                for start in range(0, len(own), _BLOCK):
                    writer.write(_part(modality, own[start : start + _BLOCK], mixing, chance))


def _part(
    modality: str, keys: list[str], mixing: dict[str, np.ndarray], chance: np.random.Generator
) -> dict:
    pieces = FRAMES if modality == "audio" else CROPS
    # The latent of a melody follows from its key, so that sound and picture share it.
    latent = np.stack(
        [np.random.default_rng(int(key[:8], 16)).normal(size=LATENT) for key in keys]
    ).astype(np.float32)
    means = latent @ mixing[modality]
    noise = chance.standard_normal((len(keys), pieces, means.shape[1]), dtype=np.float32)
    vectors = means[:, None] + noise
    if modality == "sheet":
        vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
        return {"sheet_key": keys, "codes": _lists(vectors.reshape(len(keys), -1))}
    n = len(keys) * pieces
    return {
        "audio_key": np.repeat(keys, pieces).tolist(),
        "frame": np.tile(np.arange(pieces, dtype=np.int32), len(keys)),
        "time_s": np.tile(np.arange(pieces, dtype=np.float32), len(keys)),
        "embedding": _lists(vectors.reshape(n, -1)),
    }


def _lists(rows: np.ndarray) -> pa.FixedSizeListArray:
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])


def make_embeddings(folder: Path) -> None:
    """Write a split with every window in the test fold, their embeddings, and ranks of 5 seeds."""
    chance = np.random.default_rng(2)
    windows = read_table(folder / "windows.parquet", WINDOWS, ["window_id", "song_id"])
    ids = windows["window_id"].to_pylist()
    n = len(ids)
    write_table(
        folder / "all-test.parquet",
        SPLIT,
        {
            "window_id": ids,
            "song_id": windows["song_id"].to_pylist(),
            "collection": [""] * n,
            "group": [""] * n,
            "group_size": np.ones(n, dtype=np.int32),
            "fold": ["test"] * n,
            "protocol": ["published"] * n,
        },
    )
    hidden = chance.standard_normal((n, EMBEDDING_SIZE), dtype=np.float32)
    metadata = {"similarity": "euclidean", "method": "baseline", "seed": "0"}
    with open_table(folder / "embeddings.parquet", EMBEDDINGS, metadata=metadata) as table:
        for modality in MODALITIES:
            points = hidden + chance.standard_normal(hidden.shape, dtype=np.float32)
            starts = np.arange(n + 1, dtype=np.int32) * EMBEDDING_SIZE
            table.write(
                {
                    "window_id": ids,
                    "space": ["common"] * n,
                    "modality": [modality] * n,
                    "embedding": pa.ListArray.from_arrays(starts, pa.array(points.ravel())),
                }
            )
    with open_table(folder / "ranks.parquet", RANKS, metadata={"fold": "test"}) as table:
        for rows in _ranks(chance, ids):
            table.write(rows)


def _ranks(chance: np.random.Generator, ids: list[str]) -> Iterator[dict]:
    n = len(ids)
    for seed in range(SEEDS):
        for direction in DIRECTIONS:
            yield {
                "protocol": ["published"] * n,
                "method": ["baseline"] * n,
                "seed": np.full(n, seed, dtype=np.int32),
                "direction": [direction] * n,
                "window_id": ids,
                "n_better": chance.integers(n, size=n, dtype=np.int32),
                "n_tied": np.ones(n, dtype=np.int32),
                "gallery_size": np.full(n, n, dtype=np.int32),
            }
