"""Reading other people's pickles without running their code.

A pickle is a program: it may call any importable function. This reader resolves only the names on
an allow-list, which by default rebuild numpy arrays and nothing else, and refuses the file at the
first other name.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy._core.multiarray import _reconstruct, scalar

from ugaar.errors import DataError


class _ArrayName:
    """Stands for the class `numpy.ndarray`, which a pickle names but must not call itself."""


def _empty_array(_name: object, _shape: object, _typecode: object) -> Any:  # noqa: ANN401
    return _reconstruct(np.ndarray, (0,), b"b")


def _encode(text: str, encoding: str) -> bytes:
    # Python 3 writes bytes for protocol 2 as latin-1 text; any other codec is not data.
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"text encoded as {encoding!r}")
    return text.encode("latin-1")


NUMPY_GLOBALS: Mapping[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _ArrayName,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _empty_array,
    ("numpy.core.multiarray", "scalar"): scalar,
    ("numpy._core.multiarray", "_reconstruct"): _empty_array,
    ("numpy._core.multiarray", "scalar"): scalar,
    ("_codecs", "encode"): _encode,
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
