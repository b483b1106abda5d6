"""Media of many pieces as one array on disk, mapped into memory where it is read.

A store is a .npy file, whose rows are columns of strips or frames of spectrograms, and a Parquet
index that says which rows are whose. Writing holds one piece at a time; reading holds nothing but
the index, and the operating system keeps what is read often.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ugaar.atomic import atomic_path
from ugaar.errors import DataError
from ugaar.parquet_files import metadata_of, read_table, write_table
from ugaar.tables import Table

_BLOCK_BYTES = 1 << 24


@dataclass(frozen=True)
class Layout:
    """What a store will hold, known before its media are decoded.

    Attributes:
        n_rows: rows of each medium by its key.
        key_of: key of each piece's medium; pieces with equal content share one.
        width: length of a row.
        dtype: type of its values.
    """

    n_rows: Mapping[str, int]
    key_of: Mapping[str, str]
    width: int
    dtype: DTypeLike

    def first_rows(self) -> tuple[dict[str, int], int]:
        """Return the first row of each medium, in the order of keys, and the number of rows."""
        first, total = {}, 0
        for key in sorted(self.n_rows):
            first[key] = total
            total += self.n_rows[key]
        return first, total


def write_store(
    path: Path,
    index: Path,
    declared: Table,
    layout: Layout,
    media: Iterable[tuple[str, NDArray]],
    metadata: Mapping[str, str],
) -> None:
    """Write a store; its bytes do not depend on the order in which the media come.

    Args:
        path: the .npy file.
        index: its index.
        declared: STRIP_INDEX or SPECTROGRAM_INDEX.
        layout: what is written.
        media: each key of the layout once, with its rows (n, width).
        metadata: of the index; sha256 is added.

    Raises:
        DataError: a medium is missing or of another length than the layout says.
        DiskFullError: the disk is full.
    """
    first, total = layout.first_rows()
    header = _header(total, layout)
    missing = set(first)
    with atomic_path(path) as temporary:
        # Writing through a map would end the process on a full disk; a file raises an error.
        with temporary.open("wb") as file:
            file.write(header)
            for key, rows in media:
                if key not in missing or rows.shape != (layout.n_rows[key], layout.width):
                    raise DataError(
                        f"{path}: {key} has shape {rows.shape}, expected "
                        f"({layout.n_rows.get(key, 0)}, {layout.width}) once; render it again"
                    )
                missing.remove(key)
                content = np.ascontiguousarray(rows, dtype=layout.dtype)
                file.seek(len(header) + first[key] * content[:1].nbytes)
                file.write(content.data)
        if missing:
            raise DataError(f"{path}: no medium of {sorted(missing)[:3]}; render them again")
        found = _new_hash((total, layout.width), layout.dtype)
        # Read, not mapped: pages of a map count as this process's memory.
        with temporary.open("rb") as file:
            file.seek(len(header))
            while block := file.read(_BLOCK_BYTES):
                found.update(block)
    pieces = sorted(layout.key_of)
    rows_of_pieces = {
        "piece_id": pieces,
        "first_row": [first[layout.key_of[piece]] for piece in pieces],
        "n_rows": [layout.n_rows[layout.key_of[piece]] for piece in pieces],
    }
    write_table(
        index, declared, rows_of_pieces, metadata=dict(metadata) | {"sha256": found.hexdigest()}
    )


def _header(n_rows: int, layout: Layout) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer,
        {
            "descr": np.lib.format.dtype_to_descr(np.dtype(layout.dtype)),
            "fortran_order": False,
            "shape": (n_rows, layout.width),
        },
    )
    return buffer.getvalue()


def _new_hash(shape: tuple[int, ...], dtype: DTypeLike) -> hashlib._Hash:
    return hashlib.sha256(f"{shape} {np.dtype(dtype).str}".encode())


def array_digest(array: NDArray) -> str:
    """Return a hash of an array's shape, type and values, read in blocks (it may be mapped)."""
    found = _new_hash(array.shape, array.dtype)
    rows = max(1, _BLOCK_BYTES // max(1, array[:1].nbytes))
    for first in range(0, len(array), rows):
        found.update(np.ascontiguousarray(array[first : first + rows]).data)
    return found.hexdigest()


@dataclass(frozen=True)
class Store:
    """A mapped array and where each piece lies in it.

    Attributes:
        rows: the array, mapped for reading.
        piece_id: pieces, sorted, shape (n_pieces,).
        first: first row of each, int64, shape (n_pieces,).
        stop: row after its last, int64, shape (n_pieces,).
        metadata: of the index: sha256 of the rows; front_end and tempo of spectrograms.
    """

    rows: NDArray
    piece_id: NDArray[np.str_]
    first: NDArray[np.int64]
    stop: NDArray[np.int64]
    metadata: dict[str, str]

    def rows_of(self, pieces: NDArray[np.str_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return first row and row after the last of pieces that are all in the store."""
        places = np.searchsorted(self.piece_id, pieces)
        return self.first[places], self.stop[places]


def open_store(path: Path, index: Path, declared: Table) -> Store:
    """Open a store for reading; nothing of it is read yet but its index.

    Args:
        path: the .npy file.
        index: its index.
        declared: STRIP_INDEX or SPECTROGRAM_INDEX.

    Raises:
        DataError: a file is missing, unreadable or does not fit the other.
    """
    table = read_table(index, declared).sort_by("piece_id")
    first, count = (table[name].to_numpy() for name in ("first_row", "n_rows"))
    try:
        rows = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise DataError(f"{path}: missing; run the stage that makes it") from error
    except (ValueError, EOFError) as error:
        raise DataError(f"{path}: not a readable .npy file ({error}); delete it") from error
    metadata = metadata_of(index)
    listed = int((first + count).max(initial=0))
    if len(rows) != listed or "sha256" not in metadata:
        raise DataError(
            f"{path}: {len(rows)} rows, but {index} lists {listed}; delete both and let the "
            "workflow make them again"
        )
    piece_id = table["piece_id"].to_numpy().astype(np.str_)
    return Store(rows, piece_id, first, first + count, metadata)
