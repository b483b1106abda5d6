"""Zip archives of the files of a git source: checked names, one digest, the same bytes each time.

The digest does not depend on the packing, so files from git, from an unpacked copy and from an
archive packed elsewhere are compared alike.
"""

from __future__ import annotations

import hashlib
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ugaar.errors import DataError
from ugaar.sources.archive import is_inside
from ugaar.sources.fetch_table import Source, in_order, wanted

_TIME = (1980, 1, 1, 0, 0, 0)
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What zipfile raises for damaged, encrypted or oddly compressed members."""


@dataclass(frozen=True)
class Content:
    r"""What an archive holds, however it is packed.

    Attributes:
        digest: SHA-256 of the text that `sha256sum` prints for the files in the order of their
            names' bytes: `find * -type f | LC_ALL=C sort | tr '\n' '\0' | xargs -0 sha256sum`.
        files: how many files.
        bytes: their size together.
    """

    digest: str
    files: int
    bytes: int


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive; damage met in the block is an error that names it.

    Raises:
        DataError: it is damaged or no zip archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except _UNREADABLE as error:
        raise DataError(f"{path}: damaged or no zip archive ({error}); remove it") from error


def members_of(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the files of an archive by name; folders are left out.

    Raises:
        DataError: a name leads out of the archive's folder or appears twice, or a member is a link.
    """
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = member.filename
        if not is_inside(member.orig_filename.removesuffix("/")):
            raise DataError(
                f"{archive.filename}: the name {name!r} leads out of its folder or is malformed; "
                "do not unpack this archive"
            )
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise DataError(f"{archive.filename}: {name!r} is a link or device, not a file")
        if member.is_dir():
            continue
        if name in members:
            raise DataError(f"{archive.filename}: {name!r} appears twice")
        members[name] = member
    return members


def check_size(source: Source, files: int, size: int, where: str) -> None:
    """Compare the number and size of files with the table, before anything is read.

    Raises:
        DataError: they differ.
    """
    if (files, size) != (int(source.files), source.n_bytes):
        raise DataError(
            f"{where}: {files} files of {size} bytes, expected {source.files} of {source.bytes}: "
            f"not the files of {source.name} at commit {source.version[:10]}"
        )


def content_of(path: Path, source: Source) -> Content:
    """Return what an archive holds.

    Args:
        path: a zip archive.
        source: gives the size that it must have: a bomb is refused unread.

    Raises:
        DataError: no readable zip archive, a dangerous name, or another size.
    """
    digest = hashlib.sha256()
    with open_archive(path) as archive:
        members = members_of(archive)
        total = sum(member.file_size for member in members.values())
        check_size(source, len(members), total, str(path))
        for name in in_order(members):
            with archive.open(members[name]) as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
            digest.update(f"{found}  {name}\n".encode())
    return Content(digest.hexdigest(), len(members), total)


def pack(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write a zip archive whose bytes depend on nothing but the files.

    Args:
        path: the archive.
        files: names and contents, in the order that they are to be stored.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in files:
            member = zipfile.ZipInfo(name, _TIME)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(member, content)


def holds(path: Path, patterns: list[str]) -> bool:
    """Tell whether a file is a zip archive in which every pattern means some file."""
    try:
        with open_archive(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
    except DataError:
        return False
    return all(wanted(names, [pattern]) for pattern in patterns)


def copy_wanted(path: Path, source: Source, out: Path) -> None:
    """Copy an archive, without the files that are not wanted.

    Raises:
        DataError: no readable zip archive, or the wanted files are not there.
    """
    with open_archive(path) as archive:
        members = members_of(archive)
        names = wanted(list(members), source.patterns)
        check_size(source, len(names), sum(members[name].file_size for name in names), str(path))
        if len(names) < len(members):
            pack(out, ((name, archive.read(members[name])) for name in names))
            return
    # The archive holds just what is wanted: its own packing is kept.
    shutil.copyfile(path, out)


def copy_member(path: Path, name: str, source: Source, out: Path) -> None:
    """Copy one member of an archive to a file.

    Args:
        path: a zip archive that has the member.
        name: the member.
        source: gives the size that it must have.
        out: the file to write.

    Raises:
        DataError: no readable zip archive, a dangerous name, or another size.
    """
    with open_archive(path) as archive:
        member = members_of(archive)[name]
        if member.file_size != source.n_bytes:
            raise DataError(
                f"{path}: {name} has {member.file_size} bytes, expected {source.bytes}; the "
                "archive is damaged or another version"
            )
        out.write_bytes(archive.read(member))


def pack_folder(folder: Path, names: list[str], source: Source, out: Path) -> None:
    """Pack the wanted files of an unpacked copy.

    Args:
        folder: the copy.
        names: wanted files, relative, in the order of their bytes.
        source: gives the size that they must have.
        out: the archive to write.

    Raises:
        DataError: the size differs, or a file cannot be read.
    """
    try:
        size = sum((folder / name).stat().st_size for name in names)
        check_size(source, len(names), size, str(folder))
        pack(out, ((name, (folder / name).read_bytes()) for name in names))
    except PermissionError as error:
        raise DataError(f"{error.filename}: cannot be read ({error.strerror})") from error


def names_in_folder(folder: Path, patterns: list[str]) -> list[str]:
    """Return the wanted files below a folder in the order of their bytes; links are left out."""
    top = folder.resolve()
    found: set[str] = set()
    for pattern in patterns:
        for path in folder.glob(pattern):
            name = path.relative_to(folder).as_posix()
            # Resolved, because a folder on the way may be a link as well.
            if is_inside(name) and path.is_file() and path.resolve() == top / name:
                found.add(name)
    return in_order(found)
