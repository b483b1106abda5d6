"""Vectors of a table as a NumPy matrix, CSV or plain Parquet, each row with its identifiers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from ugaar import snippet_tables, tables, version_tables
from ugaar.atomic import atomic_path
from ugaar.errors import DataError
from ugaar.parquet_files import check, metadata_of
from ugaar.snippet_tables import SYSTEM_CODES
from ugaar.tables import (
    EMBEDDINGS,
    FEATURES_AUDIO,
    FEATURES_AUDIO_FRAMES,
    FEATURES_LYRICS,
    FEATURES_SHEET,
    SKIPGRAM,
    Table,
)

ALL_TABLES = (
    *tables.TABLES.values(),
    *snippet_tables.TABLES.values(),
    *version_tables.TABLES.values(),
)
VECTOR_TABLES = (
    FEATURES_AUDIO,
    FEATURES_AUDIO_FRAMES,
    FEATURES_SHEET,
    FEATURES_LYRICS,
    EMBEDDINGS,
    SKIPGRAM,
    SYSTEM_CODES,
)
FORMATS = ("npy", "csv", "parquet")
_ROWS_AT_A_TIME = 1024


@dataclass(frozen=True)
class Part:
    """Rows that share a file, because their vectors have one length.

    Attributes:
        space: the space of the embeddings table that they are from, None for all rows.
        rows: their number.
        length: numbers in each vector.
    """

    space: str | None
    rows: int
    length: int


class _Writer(Protocol):
    def write(self, ids: pa.Table, vectors: np.ndarray) -> None: ...


def table_of(path: Path) -> Table:
    """Return the declaration of the vector table in a Parquet file.

    Raises:
        DataError: the file is missing or no Parquet, or its table holds no vectors.
    """
    try:
        schema = pq.read_schema(path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: missing; run the stage that makes it") from error
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: not a readable Parquet file ({error})") from error
    found = [table for table in ALL_TABLES if table.column_names == schema.names]
    for table in found:
        if table in VECTOR_TABLES:
            check(table, schema, path)
            return table
    kind = f"a {found[0].name} table" if found else "no table of this workflow"
    raise DataError(
        f"{path}: {kind}, which has no vectors to export; give one of "
        f"{', '.join(table.name for table in VECTOR_TABLES)} (pandas.read_parquet opens any table)"
    )


def export_vectors(path: Path, column: str, form: str, folder: Path, name: str) -> list[Path]:
    """Write one vector column of a table, with the identifiers of its rows.

    npy writes a float32 matrix and a CSV of identifiers, row by row alike; csv one column for each
    dimension; parquet a plain list column. A JSON file beside them says what the vectors are.
    Embeddings whose spaces differ in dimensions (CCA) get a file for each space.

    Args:
        path: a Parquet file of one of `VECTOR_TABLES`.
        column: its vector column, `embedding` or `codes`.
        form: npy, csv or parquet.
        folder: where the files go.
        name: what they are called, without a suffix.

    Returns:
        The files, in the order they were written.

    Raises:
        DataError: the table is another one, lacks the column, or holds vectors of unequal length.
    """
    declared = table_of(path)
    vectors = [one.name for one in declared.columns if _is_vector(one.type)]
    if column not in vectors:
        raise DataError(
            f"{path}: the {declared.name} table has no vectors {column!r}; "
            f"choose --column {' or '.join(vectors)}"
        )
    written: list[Path] = []
    ids = [one for one in declared.column_names if one not in vectors]
    for part in _parts(path, declared, column):
        stem = folder / (name if part.space is None else f"{name}_{part.space}")
        with _writer(stem, form, part, ids, column) as (writer, files):
            for rows, matrix in _blocks(path, part, ids, column):
                writer.write(rows, matrix)
        written += files
        description = {
            "table": declared.name,
            "column": column,
            "rows": part.rows,
            "dimensions": part.length,
            "identifiers": ids,
            **metadata_of(path),
        }
        with atomic_path(stem.with_name(f"{stem.name}.json")) as temporary:
            temporary.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
        written.append(stem.with_name(f"{stem.name}.json"))
    return written


def _is_vector(kind: pa.DataType | None) -> bool:
    return kind is None or kind == pa.list_(pa.float32())


def _parts(path: Path, declared: Table, column: str) -> list[Part]:
    """Return the groups of rows that share a file: all, or those of each space."""
    with pq.ParquetFile(path) as opened:
        kind = opened.schema_arrow.field(column).type
        if pa.types.is_fixed_size_list(kind):
            return [Part(None, opened.metadata.num_rows, kind.list_size)]
        counts: dict[tuple[str, int], int] = {}
        for batch in opened.iter_batches(_ROWS_AT_A_TIME, columns=["space", column]):
            lengths = pc.list_value_length(batch[column]).to_pylist()
            for key in zip(batch["space"].to_pylist(), lengths, strict=True):
                counts[key] = counts.get(key, 0) + 1
    spaces = sorted({space for space, _ in counts})
    if len(spaces) < len(counts):
        raise DataError(
            f"{path}: vectors of one space differ in length: "
            f"{', '.join(f'{space} {length}' for space, length in sorted(counts))}; train again"
        )
    if len({length for _, length in counts}) == 1:
        return [Part(None, sum(counts.values()), next(iter(counts))[1])]
    if not counts:
        raise DataError(f"{path}: the {declared.name} table has no rows")
    return [Part(space, count, length) for (space, length), count in sorted(counts.items())]


def _blocks(
    path: Path, part: Part, ids: list[str], column: str
) -> Iterator[tuple[pa.Table, np.ndarray]]:
    """Yield identifiers and vectors (rows, length) of a part, in the order of the file."""
    with pq.ParquetFile(path) as opened:
        for batch in opened.iter_batches(_ROWS_AT_A_TIME, columns=[*ids, column]):
            rows = pa.Table.from_batches([batch])
            if part.space is not None:
                rows = rows.filter(pc.equal(rows["space"], part.space))
            flat = rows[column].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            yield rows.select(ids).cast(_id_types(ids)), flat.reshape(len(rows), part.length)


class _NpyWriter:
    def __init__(self, matrix: IO[bytes], ids: pa.csv.CSVWriter, part: Part) -> None:
        # Written from front to back: the system kills a process that fills a disk through a memmap.
        np.lib.format.write_array_header_1_0(
            matrix,
            {"descr": "<f4", "fortran_order": False, "shape": (part.rows, part.length)},
        )
        self._matrix = matrix
        self._ids = ids

    def write(self, ids: pa.Table, vectors: np.ndarray) -> None:
        self._matrix.write(np.ascontiguousarray(vectors, dtype="<f4").data)
        self._matrix.flush()
        self._ids.write(ids)


class _CsvWriter:
    def __init__(self, rows: pa.csv.CSVWriter, names: list[str]) -> None:
        self._rows = rows
        self._names = names

    def write(self, ids: pa.Table, vectors: np.ndarray) -> None:
        for name, values in zip(self._names, np.ascontiguousarray(vectors.T), strict=True):
            ids = ids.append_column(name, pa.array(values))
        self._rows.write(ids)


class _ParquetWriter:
    def __init__(self, rows: pq.ParquetWriter, column: str) -> None:
        self._rows = rows
        self._column = column

    def write(self, ids: pa.Table, vectors: np.ndarray) -> None:
        starts = np.arange(len(vectors) + 1, dtype=np.int32) * vectors.shape[1]
        lists = pa.ListArray.from_arrays(starts, pa.array(vectors.ravel()))
        self._rows.write_table(ids.append_column(self._column, lists))


@contextmanager
def _writer(
    stem: Path, form: str, part: Part, ids: list[str], column: str
) -> Iterator[tuple[_Writer, list[Path]]]:
    """Open the files of one part; they appear when the block ends well."""
    types = _id_types(ids)
    with ExitStack() as opened:

        def temporary(suffix: str) -> Path:
            return opened.enter_context(atomic_path(stem.with_name(stem.name + suffix)))

        def csv(schema: pa.Schema) -> pa.csv.CSVWriter:
            return opened.enter_context(pyarrow.csv.CSVWriter(str(temporary(".csv")), schema))

        if form == "npy":
            matrix = opened.enter_context(temporary(".npy").open("wb"))
            yield _NpyWriter(matrix, csv(types), part), [_file(stem, ".npy"), _file(stem, ".csv")]
        elif form == "csv":
            names = [f"{column}_{number}" for number in range(part.length)]
            schema = pa.schema([*types, *(pa.field(name, pa.float32()) for name in names)])
            yield _CsvWriter(csv(schema), names), [_file(stem, ".csv")]
        elif form == "parquet":
            schema = pa.schema([*types, pa.field(column, pa.list_(pa.float32()))])
            rows = opened.enter_context(
                pq.ParquetWriter(temporary(".parquet"), schema, compression="zstd")
            )
            yield _ParquetWriter(rows, column), [_file(stem, ".parquet")]
        else:
            raise ValueError(f"format {form!r}; known: {', '.join(FORMATS)}")


def _file(stem: Path, suffix: str) -> Path:
    return stem.with_name(stem.name + suffix)


def _id_types(ids: list[str]) -> pa.Schema:
    declared: Mapping[str, Any] = {
        column.name: column.type for table in VECTOR_TABLES for column in table.columns
    }
    return pa.schema([pa.field(name, declared[name]) for name in ids])
