"""Copies at hand: a mirror is a folder of files, archives, clones or unpacked copies, or one file.

A copy that is found must be right: a changed file under the expected name is an error, never a
reason to look elsewhere.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ugaar.errors import ConfigError
from ugaar.settings import mirror_folder
from ugaar.sources.fetch_archive import (
    copy_member,
    copy_wanted,
    holds,
    names_in_folder,
    pack_folder,
)
from ugaar.sources.fetch_git import pack_clone
from ugaar.sources.fetch_retry import Patience
from ugaar.sources.fetch_table import Source, wanted

FOLDERS = ("", "data", "weights")
"""Where files are looked for inside a mirror."""


def existing_mirror(settings: Mapping[str, Any]) -> Path | None:
    """Return the folder or file of local copies, None where none is set.

    Raises:
        ConfigError: it does not exist.
    """
    mirror = mirror_folder(settings)
    if mirror is not None and not mirror.exists():
        raise ConfigError(
            f"mirror: {mirror} is not a folder or file; correct the key or UGAAR_MIRROR"
        )
    return mirror


def copy_from_mirror(
    source: Source,
    sources: Mapping[str, Source],
    mirror: Path,
    folder: Path,
    out: Path,
    patience: Patience,
) -> str | None:
    """Copy a source from a mirror; the caller checks its checksum.

    Args:
        source: what to get.
        sources: the whole table, to look into the archives of other sources.
        mirror: a folder, or a single file.
        folder: an empty folder to work in.
        out: the file to write.
        patience: for git, which reads clones.

    Returns:
        Where the copy is from; None where the mirror has none.

    Raises:
        DataError: the copy is damaged or another version.
    """
    if source.kind == "git":
        return _archive(source, mirror, out) or _repository(source, mirror, folder, out, patience)
    copy = _named(source.file, mirror)
    if copy is not None:
        shutil.copyfile(copy, out)
        return str(copy)
    return _part(source, sources, mirror, out) if source.paths else None


def _named(file: str, mirror: Path) -> Path | None:
    if mirror.is_file():
        return mirror if mirror.name == file else None
    places = (mirror / folder / file for folder in FOLDERS)
    return next((place for place in places if place.is_file()), None)


def _archive_of(source: Source, mirror: Path) -> Path | None:
    """Return the archive of a git source: by its name, or a single file that holds its files."""
    found = _named(source.file, mirror)
    if found is None and mirror.is_file() and holds(mirror, source.patterns):
        return mirror
    return found


def _archive(source: Source, mirror: Path, out: Path) -> str | None:
    archive = _archive_of(source, mirror)
    if archive is None:
        return None
    copy_wanted(archive, source, out)
    return str(archive)


def _copies(source: Source, mirror: Path) -> Iterator[Path]:
    """Yield the folders that may be a clone or an unpacked copy of a git source."""
    repository = source.address.rstrip("/").rpartition("/")[2].removesuffix(".git")
    names = ["", source.name, source.file.removesuffix(".zip"), repository]
    # The name of the folder in an archive that code hosts make of a commit.
    names += [f"{repository}-{source.version}", f"{repository}.git"]
    for folder in FOLDERS:
        for name in dict.fromkeys(names):
            if (mirror / folder / name).is_dir():
                yield mirror / folder / name


def _repository(
    source: Source, mirror: Path, folder: Path, out: Path, patience: Patience
) -> str | None:
    for copy in _copies(source, mirror):
        if pack_clone(source, copy, folder, out, patience):
            return f"{copy}, commit {source.version}"
        names = names_in_folder(copy, source.patterns)
        if all(wanted(names, [pattern]) for pattern in source.patterns):
            pack_folder(copy, names, source, out)
            return str(copy)
    return None


def _part(source: Source, sources: Mapping[str, Source], mirror: Path, out: Path) -> str | None:
    """Copy a file that is also a member of a git source."""
    name, _, member = source.paths.partition(":")
    if name not in sources:
        return None
    whole = sources[name]
    archive = _named(whole.file, mirror) or (mirror if mirror.is_file() else None)
    if archive and holds(archive, [member]):
        copy_member(archive, member, source, out)
        return f"{archive}, {member}"
    for copy in _copies(whole, mirror):
        if names_in_folder(copy, [member]):
            shutil.copyfile(copy / member, out)
            return str(copy / member)
    return None
