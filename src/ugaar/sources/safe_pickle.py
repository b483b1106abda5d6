"""Reading other people's pickles without running their code.

A pickle is a program: it may call any importable function. This reader resolves only the names on
an allow-list, which by default rebuild numpy arrays and nothing else, and refuses the file at the
first other name.
"""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from ugaar.errors import DataError

_PLAIN_TYPE = re.compile(r"[biufcSUO]\d{0,6}")
_BYTE_ORDERS = ("<", ">", "=", "|")


class _ArrayName:
    """Stands for the class `numpy.ndarray`, which a pickle names but must not call itself."""


class _PlainType:
    """Stands for `numpy.dtype`: numbers, text or objects, never the structures of fields.

    numpy believes what a pickle says of a type's insides (its size, whether it holds objects), so
    a forged one makes numpy follow any bytes as pointers. Only name and byte order are taken.
    """

    def __init__(self, name: object, *_: object) -> None:
        if not isinstance(name, str) or not _PLAIN_TYPE.fullmatch(name):
            raise pickle.UnpicklingError(f"an array of type {name!r}")
        self._name = name
        self._order: Any = "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] not in _BYTE_ORDERS or any(part is not None for part in state[2:5]):
            raise pickle.UnpicklingError("an array of a structured type")
        self._order = state[1]

    def resolve(self) -> np.dtype[Any]:
        """Return the type itself."""
        return np.dtype(self._name).newbyteorder(self._order)


class _CheckedArray(np.ndarray):
    """An array that takes its content from a pickle only if sizes agree."""

    def __setstate__(self, state: Any) -> None:  # noqa: ANN401 - whatever the pickle says
        shape, kind, fortran, data = state[-4:]
        if not isinstance(kind, _PlainType) or any(
            not isinstance(size, int) or size < 0 for size in shape
        ):
            raise pickle.UnpicklingError("an array without plain type and shape")
        plain = kind.resolve()
        expected = list if plain.hasobject else (bytes, str)
        if not isinstance(data, expected):
            raise pickle.UnpicklingError(f"an array of {plain} made of a {type(data).__name__}")
        size = math.prod(shape) * (1 if plain.hasobject else plain.itemsize)
        if len(data) != size:
            raise pickle.UnpicklingError(f"{len(data)} items or bytes of an array, {size} expected")
        content: Any = (1, tuple(shape), plain, bool(fortran), data)
        super().__setstate__(content)


def _empty_array(_name: object, _shape: object, _typecode: object) -> _CheckedArray:
    return np.ndarray.__new__(_CheckedArray, (0,), np.int8)


def _scalar(kind: object, data: object = b"") -> Any:  # noqa: ANN401
    raw = data.encode("latin-1") if isinstance(data, str) else data
    plain = kind.resolve() if isinstance(kind, _PlainType) else None
    if plain is None or plain.hasobject or not isinstance(raw, bytes) or not raw:
        raise pickle.UnpicklingError("a scalar that is no number or text")
    return np.frombuffer(raw, dtype=plain, count=1)[0]


def _no_bytes() -> bytes:
    # How Python 3 writes empty bytes for protocol 2.
    return b""


def _encode(text: str, encoding: str) -> bytes:
    # Python 3 writes bytes for protocol 2 as latin-1 text; any other codec is not data.
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"text encoded as {encoding!r}")
    return text.encode("latin-1")


NUMPY_GLOBALS: Mapping[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _ArrayName,
    ("numpy", "dtype"): _PlainType,
    ("numpy.core.multiarray", "_reconstruct"): _empty_array,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy._core.multiarray", "_reconstruct"): _empty_array,
    ("numpy._core.multiarray", "scalar"): _scalar,
    ("_codecs", "encode"): _encode,
    ("__builtin__", "bytes"): _no_bytes,
}


class _AllowListUnpickler(pickle.Unpickler):
    def __init__(
        self, file: IO[bytes], encoding: str, allowed: Mapping[tuple[str, str], Any], where: str
    ) -> None:
        super().__init__(file, encoding=encoding)
        self._allowed = allowed
        self._where = where

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - whatever the name means
        try:
            return self._allowed[module, name]
        except KeyError:
            raise DataError(
                f"{self._where}: the pickle asks for {module}.{name}, which is not on the list of "
                "harmless names; nothing of it was run. Check where the file comes from"
            ) from None


def load(
    source: Path | str | IO[bytes],
    *,
    encoding: str = "latin1",
    extra: Mapping[tuple[str, str], Any] | None = None,
) -> Any:  # noqa: ANN401 - a pickle holds anything
    """Read a pickle that may name nothing but numpy's array parts and the `extra` names.

    Args:
        source: a file, or an open binary file at the start of the pickle.
        encoding: how 8-bit strings of Python 2 are decoded; numpy arrays need latin1.
        extra: further names as (module, name) -> the class or function that stands for it. Give
            stub classes, not the real ones: the pickle makes instances and puts state into them.

    Returns:
        The object in the pickle.

    Raises:
        DataError: the pickle names anything else, is damaged, or cannot be read.
    """
    if isinstance(source, (str, Path)):
        try:
            with open(source, "rb") as file:
                return load(file, encoding=encoding, extra=extra)
        except OSError as error:
            raise DataError(f"{source}: cannot be read ({error.strerror})") from error
    where = str(getattr(source, "name", "pickle"))
    allowed = {**NUMPY_GLOBALS, **(extra or {})}
    try:
        return _AllowListUnpickler(source, encoding, allowed, where).load()
    except (
        pickle.UnpicklingError,
        ArithmeticError,
        AttributeError,
        EOFError,
        ImportError,
        LookupError,
        MemoryError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise DataError(
            f"{where}: not a readable pickle ({type(error).__name__}: {error}); fetch it again"
        ) from error
