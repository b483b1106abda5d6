"""Vectors on disk while a stage joins them: memory does not grow with the collection."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ugaar import disk
from ugaar.parquet_files import check
from ugaar.tables import Table

BYTES_AT_A_TIME = 2**23
"""Vectors held while a table is read or written."""


class RowStore:
    """float32 rows of one length, appended in order and read back anywhere.

    They lie in a file without a name, which vanishes with the process, however that ends.

    Args:
        folder: an existing folder on a disk with room for them.
        length: numbers in a row.
    """

    def __init__(self, folder: Path, length: int) -> None:
        self.length = length
        self._folder = folder
        with self._named():
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115

    def _named(self) -> AbstractContextManager[None]:
        return disk.instead_of_full(
            disk.full_meanwhile("the vectors that are joined", self._folder)
        )

    def append(self, rows: NDArray[np.float32]) -> None:
        """Add rows (n, length) at the end."""
        with self._named():
            self._file.write(np.ascontiguousarray(rows, dtype=np.float32).data)

    def read(self, first: int, after: int) -> NDArray[np.float32]:
        """Return the rows from `first` to the one before `after`, shape (after - first, length)."""
        with self._named():
            self._file.flush()
        size = 4 * self.length
        found = os.pread(self._file.fileno(), (after - first) * size, first * size)
        return np.frombuffer(found, dtype=np.float32).reshape(after - first, self.length)

    def close(self) -> None:
        """Give the disk space back."""
        # What is not written yet may find the disk full; nobody needs it any more.
        with suppress(OSError):
            self._file.close()


def rows_at_a_time(length: int) -> int:
    """Return how many vectors of a length are held together."""
    return max(1, BYTES_AT_A_TIME // (4 * length))


def read_vectors(
    path: Path, declared: Table, column: str, others: list[str]
) -> Iterator[tuple[pa.RecordBatch, NDArray[np.float32]]]:
    """Yield the other columns and the vectors (rows, length) of a table, batch by batch."""
    with pq.ParquetFile(path) as opened:
        check(declared, opened.schema_arrow, path)
        length = opened.schema_arrow.field(column).type.list_size
        for batch in opened.iter_batches(rows_at_a_time(length), columns=[*others, column]):
            flat = batch[column].flatten().to_numpy(zero_copy_only=False)
            yield batch.select(others), flat.reshape(-1, length)


def as_lists(rows: NDArray) -> pa.FixedSizeListArray:
    """Return rows (n, length) as an Arrow column of float32 vectors."""
    flat = np.ascontiguousarray(rows, dtype=np.float32).ravel()
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), rows.shape[1])
