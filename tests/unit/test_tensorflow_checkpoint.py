"""Guards the reader of TensorFlow checkpoints, on a bundle written here by the format's rules."""

import struct

import numpy as np
import pytest

from ugaar.errors import DataError
from ugaar.features.tensorflow_checkpoint import read_variables


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number, value):
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def block(entries):
    """Return a block with prefix compression and one restart, and its trailer."""
    body, last = b"", b""
    for key, value in entries:
        shared = 0
        while shared < min(len(last), len(key)) and last[shared] == key[shared]:
            shared += 1
        body += varint(shared) + varint(len(key) - shared) + varint(len(value))
        body += key[shared:] + value
        last = key
    return body + struct.pack("<2I", 0, 1) + b"\x00" + b"\x00" * 4


def bundle(variables):
    """Return the index and the data of a checkpoint."""
    types = {"float32": 1, "int64": 9}
    data, entries = b"", [(b"", field(1, 1))]
    for name, array in sorted(variables.items()):
        shape = b"".join(field(2, field(1, size)) for size in array.shape)
        message = field(1, types[str(array.dtype)]) + field(2, shape)
        if data:
            message += field(4, len(data))
        message += field(5, array.nbytes) + varint(6 << 3 | 5) + b"\x01\x02\x03\x04"
        entries.append((name.encode(), message))
        data += array.tobytes()
    first = block(entries)
    handle = varint(0) + varint(len(first) - 5)
    second = block([(b"z", handle)])
    footer = varint(0) + varint(0) + varint(len(first)) + varint(len(second) - 5)
    footer = footer.ljust(40, b"\x00") + struct.pack("<Q", 0xDB4775248B80FB57)
    return first + second + footer, data


VARIABLES = {
    "conv/bias": np.float32([1, -2]),
    "conv/kernel": np.arange(36, dtype=np.float32).reshape(3, 3, 2, 2),
    "global_step": np.array(300, dtype=np.int64),
    "scalar": np.array(0.5, dtype=np.float32),
}


def test_names_shapes_and_values_come_back():
    found = read_variables(*bundle(VARIABLES), "net")
    assert list(found) == sorted(VARIABLES)
    for name, array in VARIABLES.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].shape == array.shape


def test_truncated_data_names_the_variable():
    index, data = bundle(VARIABLES)
    with pytest.raises(DataError, match=r"net: .*scalar ends at byte"):
        read_variables(index, data[:-1], "net")


@pytest.mark.parametrize("cut", [0, 10, 47, 60])
def test_truncated_index_is_a_data_error(cut):
    index, data = bundle(VARIABLES)
    with pytest.raises(DataError, match="net: not a readable TensorFlow checkpoint"):
        read_variables(index[:cut], data, "net")


def test_compressed_index_is_refused():
    index, data = bundle({"a": VARIABLES["conv/bias"]})
    first_trailer = index.index(struct.pack("<2I", 0, 1)) + 8
    broken = index[:first_trailer] + b"\x01" + index[first_trailer + 1 :]
    with pytest.raises(DataError, match="compressed"):
        read_variables(broken, data, "net")
