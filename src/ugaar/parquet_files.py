"""Parquet files of the declared tables: written atomically, checked when they are read.

A file is held against its declaration on both ways, so a wrong column fails where it is made
rather than three stages later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ugaar import disk
from ugaar.atomic import atomic_path
from ugaar.errors import DataError
from ugaar.tables import Table


def check(declared: Table, found: pa.Schema, where: Path | str) -> None:
    """Raise `DataError` unless the schema found has exactly the declared columns and types."""
    if found.names != declared.column_names:
        missing = [name for name in declared.column_names if name not in found.names]
        extra = [name for name in found.names if name not in declared.column_names]
        raise DataError(
            f"{where}: not a {declared.name} table (missing columns {missing}, "
            f"unknown columns {extra}); delete it and let the workflow make it again"
        )
    for column in declared.columns:
        kind = found.field(column.name).type
        fits = (
            pa.types.is_fixed_size_list(kind) and kind.value_type == pa.float32()
            if column.type is None
            else kind == column.type
        )
        if not fits:
            raise DataError(
                f"{where}: column {column.name!r} of the {declared.name} table is {kind}, "
                f"expected {column.type or 'a fixed-size list of float32'}"
            )


class TableWriter:
    """Writes a table batch by batch, so that memory does not grow with the table."""

    def __init__(self, path: Path, schema: pa.Schema, final: Path | str) -> None:
        self._schema = schema
        self._final = final
        with disk.instead_of_full(disk.full_results(self._final)):
            self._writer = pq.ParquetWriter(path, schema, compression="zstd")

    def write(self, rows: pa.Table | list[dict] | dict) -> None:
        """Append rows: an Arrow table, a list of row dicts or a dict of columns."""
        if isinstance(rows, list):
            rows = pa.Table.from_pylist(rows, schema=self._schema)
        elif isinstance(rows, dict):
            rows = pa.table(rows, schema=self._schema)
        with disk.instead_of_full(disk.full_results(self._final)):
            self._writer.write_table(rows.cast(self._schema))

    def close(self) -> None:
        """Finish the file."""
        with disk.instead_of_full(disk.full_results(self._final)):
            self._writer.close()

    def abandon(self) -> None:
        """Close the unfinished file, whatever becomes of it."""
        # On a full disk this fails as well, and would hide the error that came first.
        with suppress(OSError):
            self._writer.close()


@contextmanager
def open_table(
    path: Path | str,
    declared: Table,
    vector_lengths: dict[str, int] | None = None,
    metadata: dict[str, str] | None = None,
) -> Iterator[TableWriter]:
    """Open a declared table for writing in batches; the file appears when the block ends well.

    Args:
        path: the Parquet file.
        declared: its declaration.
        vector_lengths: length of each vector column (column name -> length).
        metadata: text put into the file's metadata, such as the encoder's name.

    Yields:
        A writer whose `write` takes rows.
    """
    schema = declared.schema(vector_lengths).with_metadata(metadata)
    with atomic_path(path) as temporary:
        writer = TableWriter(temporary, schema, path)
        try:
            yield writer
        except BaseException:
            writer.abandon()
            raise
        writer.close()


def write_table(
    path: Path | str,
    declared: Table,
    rows: pa.Table | list[dict] | dict,
    vector_lengths: dict[str, int] | None = None,
    metadata: dict[str, str] | None = None,
) -> None:
    """Write a whole table at once; see `open_table`."""
    with open_table(path, declared, vector_lengths, metadata) as writer:
        writer.write(rows)


def _files_of(path: Path) -> list[Path]:
    """Return a file, or the finished Parquet files of a folder (unfinished: leading dot)."""
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.glob("*.parquet") if not file.name.startswith("."))


def read_table(path: Path | str, declared: Table, columns: Iterable[str] | None = None) -> pa.Table:
    """Read a declared table, or some of its columns, from a file or a folder of shards.

    Args:
        path: a Parquet file, or a folder whose Parquet files are read in the order of names.
        declared: its declaration.
        columns: names of the columns to read; all where None.

    Returns:
        The Arrow table; file metadata such as the encoder's name stays in its schema.

    Raises:
        DataError: the file is missing, no Parquet, or not the declared table.
    """
    files = _files_of(Path(path))
    if not files:
        raise DataError(f"{path}: no Parquet file in this folder; run the stage that makes it")
    parts = []
    for file in files:
        try:
            with pq.ParquetFile(file) as opened:
                check(declared, opened.schema_arrow, file)
                parts.append(opened.read(columns=list(columns) if columns else None))
        except FileNotFoundError as error:
            raise DataError(f"{file}: missing; run the stage that makes it") from error
        except pa.ArrowInvalid as error:
            raise DataError(f"{file}: not a readable Parquet file ({error}); delete it") from error
    return pa.concat_tables(parts)


def iterate_table(
    path: Path | str, declared: Table, columns: Iterable[str] | None = None, batch_size: int = 64
) -> Iterator[list[dict]]:
    """Yield lists of row dicts in file order, for tables too large to hold (media).

    Args:
        path: a Parquet file, or a folder of them.
        declared: its declaration.
        columns: names of the columns to read; all where None.
        batch_size: number of rows in each list.
    """
    for file in _files_of(Path(path)):
        with pq.ParquetFile(file) as opened:
            check(declared, opened.schema_arrow, file)
            for batch in opened.iter_batches(
                batch_size=batch_size, columns=list(columns) if columns else None
            ):
                yield batch.to_pylist()


def metadata_of(path: Path | str) -> dict[str, str]:
    """Return the text metadata of a Parquet file, without Arrow's own entries."""
    found = pq.read_schema(path).metadata or {}
    return {
        key.decode(): value.decode()
        for key, value in found.items()
        if not key.startswith(b"ARROW:")
    }
