"""Reading the weights in a TensorFlow checkpoint with numpy alone.

A checkpoint ("tensor bundle") is two files. The index is a sorted string table as in LevelDB: a
footer points to an index block, that to data blocks, and these map each variable's name to a
protocol-buffer message with type, shape and place. The data file holds the arrays one after
another, little-endian, row-major.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from ugaar.errors import DataError

_FOOTER_BYTES = 48
_TABLE_MAGIC = 0xDB4775248B80FB57
_BLOCK_TRAILER_BYTES = 5  # compression type and checksum
_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8"}  # numbers of TensorFlow's DataType
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types of protocol buffers


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the variable-length integer at `place` and the place after it."""
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7


def _block(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of one block of a sorted string table."""
    block = table[offset : offset + size]
    if table[offset + size] != 0:
        raise ValueError("compressed index")
    (n_restarts,) = struct.unpack_from("<I", block, size - 4)
    end = size - 4 * (n_restarts + 1)
    place, key = 0, b""
    while place < end:
        shared, place = _varint(block, place)
        unshared, place = _varint(block, place)
        n_value, place = _varint(block, place)
        key = key[:shared] + block[place : place + unshared]
        place += unshared
        yield key, block[place : place + n_value]
        place += n_value


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the field numbers and values of a protocol-buffer message."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        value: int | bytes
        if tag & 7 == _VARINT:
            value, place = _varint(message, place)
        elif tag & 7 == _BYTES:
            size, place = _varint(message, place)
            value, place = message[place : place + size], place + size
        elif tag & 7 in (_FIXED32, _FIXED64):
            size = 4 if tag & 7 == _FIXED32 else 8
            value = int.from_bytes(message[place : place + size], "little")
            place += size
        else:
            raise ValueError(f"wire type {tag & 7}")
        yield tag >> 3, value


def _shape(message: bytes) -> tuple[int, ...]:
    """Return the shape in a TensorShapeProto."""
    sizes = []
    for number, dimension in _fields(message):
        if number == 2 and isinstance(dimension, bytes):
            sizes.append(next((int(value) for key, value in _fields(dimension) if key == 1), 0))
    return tuple(sizes)


def _entries(index: bytes) -> Iterator[tuple[str, dict[int, int | bytes]]]:
    """Yield each variable's name and the fields of its BundleEntryProto."""
    footer = index[-_FOOTER_BYTES:]
    if len(footer) < _FOOTER_BYTES or struct.unpack("<Q", footer[-8:])[0] != _TABLE_MAGIC:
        raise ValueError("no table footer")
    place = 0
    for _ in range(2):  # the handle of the meta-index is skipped
        _, place = _varint(footer, place)
    offset, place = _varint(footer, place)
    size, _ = _varint(footer, place)
    for _, handle in _block(index, offset, size):
        block_offset, place = _varint(handle, 0)
        block_size, _ = _varint(handle, place)
        for key, message in _block(index, block_offset, block_size):
            if key:  # the empty key holds the bundle's header
                yield key.decode("utf-8"), dict(_fields(message))


def read_variables(index: bytes, data: bytes, where: str) -> dict[str, np.ndarray]:
    """Return the numeric variables of a checkpoint with one data file.

    Args:
        index: content of the `.index` file.
        data: content of the `.data-00000-of-00001` file.
        where: name of the checkpoint for errors.

    Returns:
        Variable name -> array; convolution kernels are (height, width, in, out).

    Raises:
        DataError: the bytes are no such checkpoint, or are cut off.
    """
    variables = {}
    try:
        for name, fields in _entries(index):
            dtype = _DTYPES.get(int(fields.get(1, 0)))
            if dtype is None:
                continue
            shape = _shape(bytes(fields.get(2, b"")))  # type: ignore[arg-type]
            offset, size = int(fields.get(4, 0)), int(fields.get(5, 0))
            if offset + size > len(data):
                raise ValueError(f"{name} ends at byte {offset + size} of {len(data)}")
            variables[name] = np.frombuffer(data[offset : offset + size], dtype).reshape(shape)
    except (IndexError, ValueError, struct.error) as error:
        raise DataError(
            f"{where}: not a readable TensorFlow checkpoint ({error}); fetch it again"
        ) from error
    return variables
