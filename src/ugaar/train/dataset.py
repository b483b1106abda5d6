"""Feature tables joined on the windows that every modality has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ugaar.errors import DataError
from ugaar.parquet_files import read_table
from ugaar.tables import FEATURES_AUDIO, FEATURES_LYRICS, FEATURES_SHEET, SPLIT, WINDOWS

MODALITY_PAIRS = (("audio", "sheet"), ("audio", "lyrics"), ("sheet", "lyrics"))
"""Pairs of modalities, each of which is two directions of retrieval."""

DECLARED = {"audio": FEATURES_AUDIO, "sheet": FEATURES_SHEET, "lyrics": FEATURES_LYRICS}


@dataclass(frozen=True)
class Features:
    """Mean feature vectors of windows that are present in every modality, sorted by id.

    Attributes:
        window_id: (n,) window ids, ascending.
        fold: (n,) train, valid or test.
        vectors: modality -> (n, d) float32 rows.
        content: modality -> (n,) content numbers; equal numbers mean equal sound, image or text.
    """

    window_id: NDArray[np.str_]
    fold: NDArray[np.str_]
    vectors: dict[str, NDArray[np.float32]]
    content: dict[str, NDArray[np.intp]]

    def __len__(self) -> int:
        return len(self.window_id)

    def take(self, *folds: str) -> Features:
        """Return the windows of the named folds, order kept.

        Raises:
            DataError: no window is in these folds.
        """
        rows = np.flatnonzero(np.isin(self.fold, folds))
        if not len(rows):
            raise DataError(
                f"no window with all modalities in fold {' or '.join(folds)}; "
                "see the rejects and split tables, and use more data"
            )
        return Features(
            self.window_id[rows],
            self.fold[rows],
            {modality: vectors[rows] for modality, vectors in self.vectors.items()},
            {modality: numbers[rows] for modality, numbers in self.content.items()},
        )


def load_features(
    paths: Mapping[str, Path | str], split: Path | str, windows: Path | str | None = None
) -> Features:
    """Read and join feature tables.

    Args:
        paths: modality -> its feature table.
        split: the split table.
        windows: the windows table, for content keys; where None, `content` is empty.

    Returns:
        The windows that all tables have.

    Raises:
        DataError: a feature is not finite, an id is repeated, or no window is in all tables.
    """
    folds = read_table(split, SPLIT, ["window_id", "fold"])
    fold_of = dict(zip(folds["window_id"].to_pylist(), folds["fold"].to_pylist(), strict=True))
    ids: dict[str, NDArray[np.str_]] = {}
    rows: dict[str, NDArray[np.float32]] = {}
    for modality, path in paths.items():
        ids[modality], rows[modality] = _read_vectors(path, modality)
    common = set(fold_of).intersection(*(set(found.tolist()) for found in ids.values()))
    if not common:
        raise DataError(
            f"no window is in all of {', '.join(str(path) for path in [*paths.values(), split])}; "
            "were they made by the same run?"
        )
    window_id = np.array(sorted(common))
    return Features(
        window_id=window_id,
        fold=np.array([fold_of[key] for key in window_id.tolist()]),
        vectors={m: rows[m][_positions(ids[m], window_id)] for m in paths},
        content={} if windows is None else _content(windows, window_id, tuple(paths)),
    )


def _read_vectors(path: Path | str, modality: str) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
    table = read_table(path, DECLARED[modality], ["window_id", "embedding"])
    window_id = np.array(table["window_id"].to_pylist(), dtype=np.str_)
    if len(set(window_id.tolist())) < len(window_id):
        raise DataError(f"{path}: a window_id occurs twice; delete the file and make it again")
    column = table["embedding"].combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # pyarrow returns this for tables without rows
        column = pa.concat_arrays(column.chunks)
    size = table.schema.field("embedding").type.list_size
    vectors = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, size)
    broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(broken):
        raise DataError(
            f"{path}: {len(broken)} {modality} features are not finite, first of window "
            f"{window_id[broken[0]]}; delete the file and make it again"
        )
    return window_id, np.ascontiguousarray(vectors, dtype=np.float32)


def _positions(found: NDArray[np.str_], wanted: NDArray[np.str_]) -> NDArray[np.intp]:
    order = np.argsort(found, kind="stable")
    return order[np.searchsorted(found[order], wanted)]


def _content(
    windows: Path | str, window_id: NDArray[np.str_], modalities: tuple[str, ...]
) -> dict[str, NDArray[np.intp]]:
    names = [f"{modality}_key" for modality in modalities]
    table = read_table(windows, WINDOWS, ["window_id", *names])
    found = np.array(table["window_id"].to_pylist(), dtype=np.str_)
    missing = sorted(set(window_id.tolist()) - set(found.tolist()))
    if missing:
        raise DataError(
            f"{windows}: {len(missing)} windows with features are missing here, "
            f"first {missing[0]}; were the files made by the same run?"
        )
    rows = _positions(found, window_id)
    return {
        modality: np.unique(
            np.array(table[name].to_pylist(), dtype=np.str_)[rows], return_inverse=True
        )[1]
        for modality, name in zip(modalities, names, strict=True)
    }
