"""Sorted tables joined in order of a key, in batches: memory does not grow with the tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ugaar.errors import DataError
from ugaar.parquet_files import TableWriter, read_table
from ugaar.tables import Table


class _Rows:
    """The rows of a file, handed out in order."""

    def __init__(self, file: pq.ParquetFile, batch_size: int) -> None:
        self._batches = file.iter_batches(batch_size=batch_size)
        self._ready = pa.Table.from_batches([], schema=file.schema_arrow)

    def take(self, count: int) -> pa.Table:
        """Return the next rows."""
        while len(self._ready) < count:
            self._ready = pa.concat_tables(
                [self._ready, pa.Table.from_batches([next(self._batches)])]
            )
        taken, self._ready = self._ready.slice(0, count), self._ready.slice(count)
        return taken


def merged(
    paths: Sequence[Path | str], declared: Table, key: str, batch_size: int
) -> Iterator[pa.Table]:
    """Yield the rows of several sorted tables as one sorted table, cut into batches.

    The key columns alone are held in memory as a whole.

    Args:
        paths: Parquet files, each sorted by the key.
        declared: their declaration.
        key: name of a text column; each of its values occurs once.
        batch_size: rows in a batch; the last may have fewer.

    Raises:
        DataError: a file is missing, not the declared table or not sorted, or a value occurs
            twice.
    """
    keys = [read_table(path, declared, [key])[key].to_pylist() for path in paths]
    for path, found in zip(paths, keys, strict=True):
        if found != sorted(found):
            raise DataError(f"{path}: rows are not sorted by {key}; run the stage that makes it")
    order = sorted((value, number) for number, found in enumerate(keys) for value in found)
    for (before, _), (after, _) in pairwise(order):
        if before == after:
            raise DataError(f"{key} {after} occurs twice; is a file given twice? ({paths})")
    source = np.array([number for _, number in order], dtype=np.int64)
    with ExitStack() as stack:
        files = [
            _Rows(stack.enter_context(pq.ParquetFile(path)), min(batch_size, 64)) for path in paths
        ]
        for start in range(0, len(source), batch_size):
            counts = np.bincount(source[start : start + batch_size], minlength=len(paths))
            parts = [
                rows.take(int(count)) for rows, count in zip(files, counts, strict=True) if count
            ]
            batch = pa.concat_tables(parts).sort_by(key)
            yield batch.replace_schema_metadata(None)


class RowGroups:
    """Gathers rows for a table, so that small batches do not become small row groups.

    Args:
        writer: an open table.
        schema: its schema.
        size: rows that are gathered before they are written.
    """

    def __init__(self, writer: TableWriter, schema: pa.Schema, size: int) -> None:
        self._writer, self._schema, self._size = writer, schema, size
        self._parts: list[pa.Table] = []

    def add(self, rows: list[dict]) -> None:
        """Append rows."""
        self._parts.append(pa.Table.from_pylist(rows, schema=self._schema))
        if sum(map(len, self._parts)) >= self._size:
            self.flush()

    def flush(self) -> None:
        """Write what is gathered."""
        if self._parts:
            self._writer.write(pa.concat_tables(self._parts))
        self._parts = []
