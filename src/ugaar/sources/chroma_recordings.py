"""Recordings given as chroma features: a folder or zip archive of .npz files, one a recording.

The format is that of github.com/fzalkow/music_indexing: `f_chroma` is 12 x T, one column of CENS
features a second, C first; `f_chroma_ax_time` has the T times. The file name tells the work and the
performance: `<composer>_<work>_<performance>.npz`.
"""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from ugaar.errors import DataError
from ugaar.progress import Progress
from ugaar.sources.archive import UNREADABLE, Files, UnsafeMemberError, member_bytes
from ugaar.sources.unusable import UnusableFileError

Rows = list[dict[str, Any]]

FRAME_S = 1.0
"""Time between two columns, seconds."""

_UNIT_TOLERANCE = 1e-3

REMEDIES: Mapping[str, str] = {
    "unreadable-file": "get the file again; it is damaged or cut short",
    "unsafe-file": "do not use the file; save the features again with numpy.savez",
    "duplicate-name": "remove or rename one of the files",
    "no-work-name": "name the file <composer>_<work>_<performance>.npz",
    "no-chroma": "store f_chroma (12 x T) and f_chroma_ax_time (T) with numpy.savez",
    "bad-chroma": "give 12 x T finite numbers of 0 or more, one column a second",
    "silent": "nothing to do; the recording holds no sound",
    "too-short": "lower versions.shingle_s, or use a longer recording",
}
"""Reasons for which a file gives no recording, each with its remedy."""


def read_recordings(path: Path, shingle_s: int) -> tuple[Rows, Rows]:
    """Read all recordings of a folder or zip archive.

    Args:
        path: the folder or archive.
        shingle_s: length of a shingle, seconds; a shorter recording gives none.

    Returns:
        Rows of the recordings table and rows of the rejects table, sorted by name.

    Raises:
        ConfigError: there is no such folder or file.
        DataError: it is no archive, holds no .npz file, or no usable one.
    """
    rows: dict[str, dict[str, Any]] = {}
    rejects: Rows = []
    with Files(path, (".npz",)) as files:
        progress = Progress(len(files.names))
        for name in files.names:
            try:
                row = _recording(files, name, shingle_s)
                if row["recording_id"] in rows or name in files.repeated:
                    raise UnusableFileError("duplicate-name", "another file has the same name")
                rows[row["recording_id"]] = row
            except UnusableFileError as error:
                rejects.append(_reject(name, error))
            progress.step()
    if not rows:
        raise DataError(
            f"{path}: none of {len(rejects)} files is usable; the first, {rejects[0]['path']}: "
            f"{rejects[0]['detail']}; {rejects[0]['remedy']}"
        )
    logging.info("%d recordings, %d rejects", len(rows), len(rejects))
    return [rows[name] for name in sorted(rows)], rejects


def names_of(path: str) -> tuple[str, str, str]:
    """Return the composer, the work (composer included) and the performance of a file name.

    Raises:
        UnusableFileError: the name has fewer than three parts.
    """
    parts = PurePosixPath(path).stem.split("_", 2)
    if len(parts) < 3 or not all(parts):
        raise UnusableFileError("no-work-name", f"{PurePosixPath(path).name!r} names no work")
    return parts[0], "_".join(parts[:2]), parts[2]


def parse(data: bytes) -> tuple[NDArray[np.float32], int]:
    """Read the chroma vectors of a recording from the bytes of a .npz file.

    A column of another length is made a unit vector, since CENS features are unit vectors by
    definition and their scale means nothing. A silent (all-zero) column becomes the vector with
    twelve equal entries: no pitch class stands out.

    Returns:
        (T, 12) unit vectors, one a second, and the number of columns that were changed.

    Raises:
        UnusableFileError: the file is damaged, hostile, or holds no such features.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            chroma, times = (
                _array(archive, f"{name}.npy") for name in ("f_chroma", "f_chroma_ax_time")
            )
    except UnsafeMemberError as error:
        raise UnusableFileError("unsafe-file", str(error)) from error
    except UNREADABLE as error:
        raise UnusableFileError("unreadable-file", str(error)) from error
    return check(chroma, times)


def check(chroma: NDArray, times: NDArray) -> tuple[NDArray[np.float32], int]:
    """Return (T, 12) unit vectors and the number of columns changed; see `parse`.

    Args:
        chroma: (12, T) energies of the pitch classes, 0 or more.
        times: (T,) times, seconds, one second apart.
    """
    if chroma.ndim != 2 or chroma.shape[0] != 12 or times.shape != chroma.shape[1:]:
        raise UnusableFileError(
            "bad-chroma", f"features of shape {chroma.shape} with times of shape {times.shape}"
        )
    if chroma.dtype.kind not in "fiu" or times.dtype.kind not in "fiu":
        raise UnusableFileError("bad-chroma", f"values of type {chroma.dtype}, {times.dtype}")
    values, seconds = chroma.T.astype(np.float64), times.astype(np.float64)
    wrong = ~np.isfinite(values).all(axis=1) | (values < 0).any(axis=1)
    if wrong.any():
        raise UnusableFileError(
            "bad-chroma",
            f"{int(wrong.sum())} columns with values that are negative or no numbers, "
            f"the first is column {int(np.argmax(wrong))}",
        )
    if not np.allclose(np.diff(seconds), FRAME_S, atol=0.05):
        raise UnusableFileError("bad-chroma", "columns are not one second apart")
    lengths = np.linalg.norm(values, axis=1)
    silent = lengths == 0
    if silent.all():
        raise UnusableFileError("silent", f"{len(values)} columns, all of them zero")
    changed = int((np.abs(lengths - 1) > _UNIT_TOLERANCE).sum())
    values[silent], lengths[silent] = 1.0, np.sqrt(12.0)
    return (values / lengths[:, None]).astype(np.float32), changed


def _array(archive: zipfile.ZipFile, name: str) -> NDArray:
    if name not in archive.namelist():
        raise UnusableFileError("no-chroma", f"no array {name.removesuffix('.npy')}")
    file = io.BytesIO(member_bytes(archive, name))
    try:
        version = npy_format.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise UnusableFileError("unreadable-file", f"version {version} of the .npy format")
        header = getattr(npy_format, f"read_array_header_{version[0]}_0")
        shape, column_major, kind = header(file)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise UnusableFileError("unreadable-file", f"{name}: {error}") from error
    if kind.hasobject:
        raise UnusableFileError("unsafe-file", f"{name} holds Python objects")
    content = file.read()
    # A header may promise far more than the file holds.
    if len(content) != int(np.prod(shape, dtype=object)) * kind.itemsize:
        raise UnusableFileError("unreadable-file", f"{name}: not the size of shape {shape}")
    return np.frombuffer(content, kind).reshape(shape, order="F" if column_major else "C")


def _recording(files: Files, name: str, shingle_s: int) -> dict[str, Any]:
    collection, work, performer = names_of(name)
    try:
        data = files.read(name)
    except UnsafeMemberError as error:
        raise UnusableFileError("unsafe-file", str(error)) from error
    except UNREADABLE as error:
        raise UnusableFileError("unreadable-file", str(error)) from error
    chroma, changed = parse(data)
    if len(chroma) < shingle_s:
        raise UnusableFileError("too-short", f"{len(chroma)} s; a shingle has {shingle_s} s")
    return {
        "recording_id": PurePosixPath(name).stem,
        "work": work,
        "collection": collection,
        "performer": performer,
        "path": name,
        "n_frames": len(chroma),
        "n_mended": changed,
        "chroma": chroma.ravel(),
    }


def _reject(name: str, error: UnusableFileError) -> dict[str, str]:
    return {
        "stage": "ingest-versions",
        "level": "file",
        "item": name,
        "path": name,
        "reason": error.reason,
        "detail": error.detail,
        "remedy": REMEDIES[error.reason],
    }
