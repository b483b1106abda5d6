"""Feature tables of made-up windows: audio and sheet share a melody, all three share a style."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ugaar.parquet_files import write_table
from ugaar.tables import FEATURES_AUDIO, FEATURES_LYRICS, FEATURES_SHEET, SPLIT, WINDOWS, Table

SIZES = {"audio": 40, "sheet": 32, "lyrics": 20}


def make_vectors(n: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Return modality -> (n, d) float32 features with a decaying spectrum, audio not negative."""
    chance = np.random.default_rng(seed)
    style = chance.normal(size=(n, 3))
    melody = chance.normal(size=(n, 16)) * 0.85 ** np.arange(16)
    latent = {"audio": (melody, style), "sheet": (melody, style), "lyrics": (style,)}
    vectors = {}
    for modality, size in SIZES.items():
        mixed = np.zeros((n, size))
        for part in latent[modality]:
            mixed += part @ chance.normal(size=(part.shape[1], size))
        mixed += 0.5 * chance.normal(size=(n, size))
        mixed *= 0.93 ** np.arange(size)
        vectors[modality] = mixed.astype(np.float32)
    vectors["audio"] = np.maximum(vectors["audio"], 0)
    return vectors


def write_features(folder: Path, n: int = 500, seed: int = 0, twins: int = 0) -> dict[str, Path]:
    """Write windows, split and feature tables; the last `twins` windows repeat the first ones."""
    ids = [f"{number:012x}-0" for number in range(n)]
    vectors = make_vectors(n, seed)
    source = np.arange(n)
    if twins:
        source[-twins:] = np.arange(twins)
    vectors = {modality: rows[source] for modality, rows in vectors.items()}
    folds = np.array(["train", "train", "train", "valid", "test"])[np.arange(n) % 5].tolist()
    paths = {name: folder / f"{name}.parquet" for name in (*SIZES, "windows", "split")}
    keys = {f"{m}_key": [f"{m[0]}{number:04d}" for number in source] for m in SIZES}
    filled = {"window_id": ids, "song_id": [key[:12] for key in ids], **keys}
    write_table(paths["windows"], WINDOWS, _filled(WINDOWS, n, filled))
    filled = {"window_id": ids, "fold": folds, "protocol": ["song-disjoint"] * n}
    write_table(paths["split"], SPLIT, _filled(SPLIT, n, filled))
    for modality, declared in (
        ("audio", FEATURES_AUDIO),
        ("sheet", FEATURES_SHEET),
        ("lyrics", FEATURES_LYRICS),
    ):
        lengths = {"embedding": SIZES[modality], "codes": 1}
        columns = {"window_id": ids, "embedding": list(vectors[modality])}
        write_table(
            paths[modality],
            declared,
            _filled(declared, n, columns, lengths),
            vector_lengths=lengths,
        )
    return paths


def _filled(
    declared: Table, n: int, columns: dict, lengths: dict[str, int] | None = None
) -> list[dict]:
    """Return n rows with empty values where `columns` has none."""
    schema = declared.schema(lengths or {})
    empty = {}
    for name in declared.column_names:
        kind = str(schema.field(name).type)
        if kind.startswith("fixed_size_list"):
            empty[name] = [0.0] * (lengths or {})[name]
        elif kind.startswith("list"):
            empty[name] = []
        else:
            empty[name] = "" if kind == "string" else 0
    return [
        {**empty, **{name: values[row] for name, values in columns.items()}} for row in range(n)
    ]
