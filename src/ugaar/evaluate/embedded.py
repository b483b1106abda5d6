"""The embeddings of one trained method, as matrices in one order of windows.

The vectors are read when they are asked for, one space and modality at a time: they are the largest
thing that `evaluate` holds.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ugaar.errors import DataError
from ugaar.evaluate.ranks import SIMILARITIES
from ugaar.parquet_files import metadata_of, read_table
from ugaar.tables import DIRECTIONS, EMBEDDINGS

ROWS_AT_A_TIME = 4096
"""Rows that Parquet decodes together: a whole column would lie in memory twice."""


def spaces_of_directions(parts: Collection[tuple[str, str]]) -> dict[str, str]:
    """Return the space that each direction is ranked in: `common`, or that of its pair.

    Args:
        parts: the (space, modality) pairs that there are.
    """
    found = {}
    for direction in DIRECTIONS:
        query, gallery = direction.split("-to-")
        for space in ("common", f"{query}-{gallery}", f"{gallery}-{query}"):
            if (space, query) in parts and (space, gallery) in parts:
                found[direction] = space
                break
    return found


class EmbeddedWindows:
    """An embeddings table: which spaces it has, and the vectors of chosen windows.

    Args:
        path: Parquet file of the embeddings table. Its metadata names the method, the seed and the
            similarity.

    Raises:
        DataError: not an embeddings table, or its metadata lack one of these entries.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = path
        table = read_table(path, EMBEDDINGS, ["window_id", "space", "modality"])
        metadata = metadata_of(path)
        missing = [name for name in ("method", "seed", "similarity") if name not in metadata]
        if missing:
            raise DataError(
                f"{path}: metadata lack {', '.join(missing)}; train the method again to write them"
            )
        self.method = metadata["method"]
        self.seed = int(metadata["seed"])
        self.similarity = metadata["similarity"]
        if self.similarity not in SIMILARITIES:
            raise DataError(
                f"{path}: similarity {self.similarity!r} is unknown; "
                f"known: {', '.join(SIMILARITIES)}"
            )
        self._ids: dict[tuple[str, str], list[str]] = {}
        for row in (
            table.group_by(["space", "modality"], use_threads=False).aggregate([]).to_pylist()
        ):
            chosen = _belongs(table, row["space"], row["modality"])
            ids = table["window_id"].filter(chosen).to_pylist()
            self._ids[row["space"], row["modality"]] = ids

    def spaces(self) -> dict[str, str]:
        """Return the space that each direction is ranked in: `common`, or that of its pair."""
        found = spaces_of_directions(self._ids)
        if not found:
            raise DataError(
                f"{self.path}: no direction can be ranked; the spaces and modalities are "
                f"{sorted(self._ids)}, expected common or a pair such as audio-sheet"
            )
        return found

    def windows(self) -> set[str]:
        """Return the windows that are present in every space and modality of the file."""
        return set.intersection(*map(set, self._ids.values()))

    def vectors(self, space: str, modality: str, windows: Sequence[str]) -> np.ndarray:
        """Return the embeddings of windows in one space and modality.

        Args:
            space: name of the space.
            modality: audio, sheet or lyrics.
            windows: N identifiers, all present.

        Returns:
            (N, d) float32, in the order of `windows`.
        """
        ids = self._ids[space, modality]
        if len(set(ids)) < len(ids):
            raise DataError(
                f"{self.path}: a window has several rows in space {space!r}, modality {modality!r};"
                " train the method again"
            )
        place = {window: row for row, window in enumerate(windows)}
        target = np.array([place.get(window, -1) for window in ids], dtype=np.intp)
        found = np.empty((len(windows), 0), dtype=np.float32)
        lengths: set[int] = set()
        done = 0
        with pq.ParquetFile(self.path) as opened:
            columns = ["space", "modality", "embedding"]
            for batch in opened.iter_batches(ROWS_AT_A_TIME, columns=columns):
                chosen = batch.filter(_belongs(batch, space, modality))["embedding"]
                lengths.update(pc.list_value_length(chosen).unique().to_pylist())
                if len(lengths) > 1:
                    raise DataError(
                        f"{self.path}: embeddings of different lengths {sorted(lengths)} in space "
                        f"{space!r}, modality {modality!r}; train the method again"
                    )
                if not len(chosen):
                    continue
                rows = chosen.flatten().to_numpy(zero_copy_only=False).reshape(len(chosen), -1)
                if not done:
                    found = np.full((len(windows), rows.shape[1]), np.nan, dtype=np.float32)
                own = target[done : done + len(rows)]
                found[own[own >= 0]] = rows[own >= 0]
                done += len(rows)
        return found


def _belongs(rows: pa.Table | pa.RecordBatch, space: str, modality: str) -> pa.Array:
    return pc.and_(pc.equal(rows["space"], space), pc.equal(rows["modality"], modality))
