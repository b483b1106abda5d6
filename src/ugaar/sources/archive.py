"""The files of a folder or of a zip archive, read one at a time; nothing is ever unpacked to disk.

An archive from elsewhere may name members outside itself, or hold a few bytes that swell to
gigabytes. Such a member is refused by name; the others can still be read.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PureWindowsPath
from types import TracebackType

from ugaar.errors import ConfigError, DataError

MEMBER_LIMIT = 64 * 2**20
"""Largest file that is read, bytes: far beyond any score or song, far below the memory of a job."""

UNREADABLE = (OSError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error)
"""By these the zip reader and the disk report a damaged file."""

_ENCRYPTED = 0x1


class UnsafeMemberError(Exception):
    """A file that is not read; its text says why."""


def is_inside(name: str) -> bool:
    """Tell whether a member's name stays inside the folder that its archive is unpacked in."""
    return (
        not any(ord(letter) < 32 or "\ud800" <= letter <= "\udfff" for letter in name)
        # Whoever unpacks it may do so on Windows.
        and "\\" not in name
        and not PureWindowsPath(name).drive
        # An absolute name, and none at all, begin with an empty part.
        and not any(part in ("", ".", "..") for part in name.split("/"))
    )


def member_bytes(archive: zipfile.ZipFile, name: str, limit: int = MEMBER_LIMIT) -> bytes:
    """Return the content of a member.

    Args:
        archive: an open archive.
        name: the member.
        limit: largest size, bytes. The size that the archive states is checked: no more than that
            is ever unpacked, and a member that swells beyond it fails its checksum.

    Raises:
        UnsafeMemberError: the name leaves the archive, or the member is too large, encrypted, or
            a link.
        zipfile.BadZipFile: the member is damaged.
        KeyError: there is no such member.
    """
    member = archive.getinfo(name)
    if not is_inside(member.orig_filename):
        raise UnsafeMemberError(f"member {name!r} leads out of its folder or is malformed")
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        raise UnsafeMemberError(f"member {name!r} is a link or device, not a file")
    if member.flag_bits & _ENCRYPTED:
        raise UnsafeMemberError(f"member {name!r} is encrypted")
    if member.file_size > limit:
        raise UnsafeMemberError(f"member {name!r} has {member.file_size} bytes, limit {limit}")
    # `archive.read` would inflate all of a member that states too small a size.
    with archive.open(member) as opened:
        return opened.read(limit + 1)


class Files:
    """The files of a folder, or of a zip archive, that end in one of some suffixes.

    Args:
        path: the folder or archive.
        suffixes: lower-case endings such as `.mxl`.

    Attributes:
        names: sorted POSIX paths inside the folder or archive. Bytes of a file name that are no
            UTF-8 are written as escapes, so that tables can hold it.
        repeated: names that an archive holds more than once; the last one is read.

    Raises:
        ConfigError: there is no such folder or file.
        DataError: the file is no zip archive, or holds no file that ends so.
    """

    def __init__(self, path: Path, suffixes: Sequence[str]) -> None:
        self._archive: zipfile.ZipFile | None = None
        self._paths: Mapping[str, Path] = {}
        self.repeated: frozenset[str] = frozenset()
        endings = tuple(suffixes)
        if path.is_dir():
            found = (file for file in path.rglob("*") if file.name.lower().endswith(endings))
            self._paths = {
                _printable(file.relative_to(path).as_posix()): file
                for file in found
                if file.is_file()
            }
            self.names = sorted(self._paths)
        elif path.is_file():
            try:
                self._archive = zipfile.ZipFile(path)
            except (zipfile.BadZipFile, NotImplementedError) as error:
                raise DataError(f"{path}: neither a folder nor a zip archive ({error})") from error
            members = Counter(
                name for name in self._archive.namelist() if name.lower().endswith(endings)
            )
            self.names = sorted(members)
            self.repeated = frozenset(name for name, count in members.items() if count > 1)
        else:
            raise ConfigError(f"source.path: {path} not found; give a folder or a zip archive")
        if not self.names:
            self.close()
            raise DataError(f"{path}: no file that ends in {', '.join(endings)}; see source.path")

    def read(self, name: str, limit: int = MEMBER_LIMIT) -> bytes:
        """Return the content of a file.

        Args:
            name: one of `names`.
            limit: largest size, bytes.

        Raises:
            UnsafeMemberError: it is too large, or a member that should not be read.
            zipfile.BadZipFile: it is a damaged member.
            OSError: it cannot be read.
        """
        if self._archive is not None:
            return member_bytes(self._archive, name, limit)
        path = self._paths[name]
        size = path.stat().st_size
        if size > limit:
            raise UnsafeMemberError(f"file of {size} bytes, limit {limit}")
        return path.read_bytes()

    def close(self) -> None:
        """Close the archive."""
        if self._archive is not None:
            self._archive.close()

    def __enter__(self) -> Files:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
