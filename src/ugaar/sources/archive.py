"""The files of a folder or of a zip archive, read one at a time; nothing is ever unpacked to disk.

An archive from elsewhere may name members outside itself, or hold a few bytes that swell to
gigabytes. Such a file is refused with a reason; the others can still be read.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Protocol

from ugaar.errors import ConfigError, DataError

_ENCRYPTED = 0x1
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)
"""What zipfile raises for damaged, encrypted or oddly compressed members."""


class UnusableFileError(Exception):
    """A file that gives no songs.

    Attributes:
        reason: a key of `ugaar.score.rejects.REMEDIES`.
        detail: what was found.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Collection(Protocol):
    """The files of a folder or of an archive.

    Attributes:
        names: sorted POSIX paths inside it, of the files that may be read.
        unsafe: (name, reason, detail) of those that are not.
    """

    names: list[str]
    unsafe: list[tuple[str, str, str]]

    def read(self, name: str, limit: int) -> bytes:
        """Return the content of a file.

        Args:
            name: one of `names`.
            limit: largest size, bytes.

        Raises:
            UnusableFileError: it is larger, or cannot be read.
        """


@contextmanager
def open_collection(path: Path) -> Iterator[Collection]:
    """Open a folder or a zip archive.

    Raises:
        ConfigError: there is neither.
        DataError: the file is damaged or no zip archive.
    """
    if path.is_dir():
        yield _Folder(path)
    elif path.is_file():
        try:
            archive = zipfile.ZipFile(path)
        except _UNREADABLE as error:
            raise DataError(f"{path}: damaged or no zip archive ({error}); get it again") from error
        with archive:
            yield Archive(archive)
    else:
        raise ConfigError(f"source.path: {path} not found; give a folder or a zip archive")


class _Folder:
    def __init__(self, root: Path) -> None:
        found = (path for path in root.rglob("*") if path.is_file())
        self._paths = {printable(path.relative_to(root).as_posix()): path for path in found}
        self.names = sorted(self._paths)
        self.unsafe: list[tuple[str, str, str]] = []

    def read(self, name: str, limit: int) -> bytes:
        path = self._paths[name]
        try:
            _check_size(path.stat().st_size, limit)
            return path.read_bytes()
        except OSError as error:
            detail = f"{type(error).__name__}: {error.strerror}"
            raise UnusableFileError("unreadable-file", detail) from error


class Archive:
    """The files of an open zip archive; see `Collection`.

    Sizes are those that the archive states: a member that swells beyond its own fails its
    checksum, and no more than the stated size is ever unpacked.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members: dict[str, zipfile.ZipInfo] = {}
        self.unsafe: list[tuple[str, str, str]] = []
        for member in archive.infolist():
            name = printable(member.filename)
            if not is_safe(member.orig_filename.removesuffix("/")):
                detail = "the name leads out of the archive's folder or is malformed"
                self.unsafe.append((name, "unsafe-name", detail))
            elif stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                self.unsafe.append((name, "unsafe-name", "a link or device, not a file"))
            elif name in self._members:
                self.unsafe.append(
                    (name, "duplicate-name", "twice in the archive; the first counts")
                )
            elif not member.is_dir():
                self._members[name] = member
        self.names = sorted(self._members)

    def read(self, name: str, limit: int) -> bytes:
        """Return the content of a member; see `Collection.read`."""
        member = self._members[name]
        _check_size(member.file_size, limit)
        if member.flag_bits & _ENCRYPTED:
            raise UnusableFileError("unreadable-file", "encrypted")
        try:
            return self._archive.read(member)
        except _UNREADABLE as error:
            detail = f"{type(error).__name__}: {error}"
            raise UnusableFileError("unreadable-file", detail) from error


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise UnusableFileError("too-large", f"{size} bytes, limit {limit}")


def is_safe(name: str) -> bool:
    """Tell whether a member's name stays inside the folder that its archive stands for."""
    parts = name.split("/")
    return (
        not any(ord(letter) < 32 for letter in name)
        and "\\" not in name
        and ":" not in parts[0]
        and not PurePosixPath(name).is_absolute()
        and not any(part in ("", ".", "..") for part in parts)
    )


def printable(name: str) -> str:
    """Return a file name with bytes that are no UTF-8 as escapes, so that tables can hold it."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
