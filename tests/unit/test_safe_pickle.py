"""Guards against pickles that run code, and against refusing the harmless ones we must read."""

import io
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from ugaar.errors import DataError
from ugaar.sources import safe_pickle


class _Hostile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("protocol", range(5))
@pytest.mark.parametrize(
    "value",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.empty((0, 3)),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(["I", "né"], dtype=object),
        [{"a": np.float64(1.5)}, "text", b"\x00\xff", (1, None)],
    ],
    ids=["float32", "empty", "fortran", "object", "nested"],
)
def test_numpy_values_come_back_for_every_protocol_below_5(value, protocol):
    found = safe_pickle.load(io.BytesIO(pickle.dumps(value, protocol)))
    if isinstance(value, list):
        assert found == value
    else:
        np.testing.assert_array_equal(found, value)
        assert found.dtype == value.dtype


def test_python_2_array_is_read_with_latin1():
    # What Python 2's cPickle wrote, protocol 2: 8-bit strings instead of bytes.
    raw = struct.pack("<2f", 1.5, -2.0)
    blob = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R"
        b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x08" + raw + b"tb."
    )
    np.testing.assert_array_equal(safe_pickle.load(io.BytesIO(blob)), np.float32([1.5, -2.0]))


@pytest.mark.parametrize("protocol", range(6))
def test_hostile_pickle_is_refused_and_not_run(tmp_path, protocol):
    witness = tmp_path / "ran"
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps([_Hostile(witness)], protocol))
    with pytest.raises(DataError, match=r"model\.pkl: .*posix\.system"):
        safe_pickle.load(file)
    assert not witness.exists()


@pytest.mark.parametrize(
    "blob",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cbuiltins\ngetattr\n(cnumpy\ndtype\nS'type'\ntR.",
        b"\x80\x04\x8c\x05numpy\x8c\x0bdtype.names\x93.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy.f2py.crackfortran\nmyeval\n.",
    ],
    ids=["eval", "getattr", "dotted", "numpy.load", "numpy-gadget"],
)
def test_names_outside_the_list_are_refused(blob):
    with pytest.raises(DataError, match="not on the list of harmless names"):
        safe_pickle.load(io.BytesIO(blob))


def test_an_array_made_from_a_pickled_pointer_is_refused():
    # ndarray(shape, dtype=object, buffer=bytes) would read addresses from the file.
    blob = b"cnumpy\nndarray\n(K\x01\x85tR."
    with pytest.raises(DataError):
        safe_pickle.load(io.BytesIO(blob))


def _array(kind, shape, data):
    """The pickle of an array whose parts need not fit."""

    class Forged:
        def __reduce__(self):
            state = (1, shape, kind, False, data)
            rebuild = np.empty(0).__reduce__()[0]
            return rebuild, (np.ndarray, (0,), b"b"), state

    return pickle.dumps(Forged(), 3)


@pytest.mark.parametrize(
    ("kind", "shape", "data"),
    [
        (np.dtype([("pointer", "O")]), (1,), b"A" * 8),
        (np.dtype("V8"), (1,), b"A" * 8),
        (np.dtype("O"), (1,), b"A" * 8),
        (np.dtype("O"), (3,), ["one"]),
        (np.dtype("O"), (10**9,), []),
        (np.dtype("f8"), (-1,), b""),
        (np.dtype("f8"), (2,), b"A" * 8),
        (np.dtype("U100000"), (10**6,), b""),
    ],
    ids=["fields", "void", "bytes", "few", "huge", "negative", "short", "wide"],
)
def test_forged_arrays_are_refused(kind, shape, data):
    with pytest.raises(DataError, match="not a readable pickle"):
        safe_pickle.load(io.BytesIO(_array(kind, shape, data)))


def test_the_forger_makes_whole_arrays_too():
    found = safe_pickle.load(io.BytesIO(_array(np.dtype(">f4"), (2,), b"\x3f\x80\0\0" * 2)))
    assert found.tolist() == [1.0, 1.0]


def test_extra_names_become_the_stubs_given():
    class Stub:
        pass

    blob = b"ccollections\nOrderedDict\n)\x81}S'size'\nK\x07sb."
    found = safe_pickle.load(io.BytesIO(blob), extra={("collections", "OrderedDict"): Stub})
    assert isinstance(found, Stub)
    assert found.size == 7


@pytest.mark.parametrize("cut", [0, 1, 40, 100, 150])
def test_truncated_pickle_names_the_file(tmp_path, cut):
    file = tmp_path / "cut.pkl"
    file.write_bytes(pickle.dumps(np.arange(10.0), 2)[:cut])
    with pytest.raises(DataError, match=r"cut\.pkl"):
        safe_pickle.load(file)


def test_missing_file_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        safe_pickle.load(tmp_path / "none.pkl")


def test_released_sheet_encoder_parameters_are_read():
    mirror = os.environ.get("UGAAR_MIRROR")
    if not mirror:
        pytest.skip("UGAAR_MIRROR is not set: no copy of the released ASMCMR parameters")
    name = "params_all_split_mutopia_full_aug.pkl"
    found = safe_pickle.load(Path(mirror) / "weights" / name)
    arrays = list(found)
    assert sum(np.asarray(array).size for array in arrays) == 669_424
