"""The table of sources: what is fetched, from where, and how each copy is known to be right."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from ugaar.errors import ConfigError

KINDS = ("pypi", "url", "git")
RESOURCES = "resources"
"""Folder that fetched files lie in, relative to where the workflow runs."""

_HEX = re.compile(r"[0-9a-f]{8,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PATTERN = re.compile(r"[\w.,+-][\w.,+*/-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_ADDRESS = {
    "pypi": re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*"),
    "url": re.compile(r"https?://[^\s/]+/\S+"),
    "git": re.compile(r"(https?://[^\s/]+|file://)/\S+"),
}


@dataclass(frozen=True)
class Source:
    """One row of the table of sources.

    Attributes:
        name: what commands call it.
        kind: pypi, a wheel of the package index that pip is set up for; url, a single file; or
            git, some files of one commit, kept together as a zip archive.
        file: name of the file, here and in a mirror.
        address: the URL, the package's name, or the repository.
        version: the release or commit; git: all 40 digits.
        paths: git: the files wanted, patterns separated by spaces (see `wanted`). url:
            `<name of a git source>:<path>` where that source holds the same file, else empty.
        files: git: how many files that is; else empty.
        bytes: size, as text; git: of all files before packing; empty where unknown.
        sha256: 64 hex digits; fewer, at least 8, where only the start is known. git: the digest of
            the files' names and contents, see `ugaar.sources.fetch_archive.Content`.
        licence: of the file; empty where none is stated.
        cite: the publication to cite; empty where none is known.
        note: what it is for.
    """

    name: str
    kind: str
    file: str
    address: str
    version: str
    paths: str
    files: str
    bytes: str
    sha256: str
    licence: str
    cite: str
    note: str

    @property
    def patterns(self) -> list[str]:
        """The wanted files of a git source."""
        return self.paths.split()

    @property
    def n_bytes(self) -> int | None:
        """Size in bytes, None where unknown."""
        return int(self.bytes) if self.bytes else None


def resource_path(source: Source) -> str:
    """Return where the workflow keeps a source, relative to its working folder."""
    return f"{RESOURCES}/{source.file}"


def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*)", pattern)
    wild = {"**/": "(?:[^/]+/)*", "*": "[^/]*"}
    return re.compile("".join(wild.get(part, re.escape(part)) for part in parts))


def in_order(names: Iterable[str]) -> list[str]:
    """Return names in the order of their UTF-8 bytes."""
    return sorted(names, key=str.encode)


def wanted(names: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """Return the names that at least one pattern means, in the order of their bytes.

    Args:
        names: paths with forward slashes.
        patterns: paths; `*` stands for any part of one name, `**/` for any number of folders.
    """
    compiled = [_compiled(pattern) for pattern in patterns]
    return in_order(name for name in names if any(one.fullmatch(name) for one in compiled))


def read_sources(path: Path) -> dict[str, Source]:
    """Read the table of sources: name -> row.

    Raises:
        ConfigError: the file is missing, or a row is malformed.
    """
    columns = [field.name for field in fields(Source)]
    try:
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            rows = list(reader)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    if reader.fieldnames != columns:
        raise ConfigError(f"{path}: columns {reader.fieldnames}, expected {columns}")
    sources: dict[str, Source] = {}
    for number, row in enumerate(rows, start=2):
        where = f"{path}, line {number}"
        if None in row or None in row.values():
            raise ConfigError(f"{where}: expected {len(columns)} columns separated by tabs")
        source = Source(**row)
        problem = _problem_of(source, sources)
        if problem:
            raise ConfigError(f"{where}: {problem}")
        sources[source.name] = source
    _check_parts(path, sources)
    return sources


def _problem_of(source: Source, earlier: dict[str, Source]) -> str | None:
    """Say what is wrong with a row, None where nothing is."""
    if source.kind not in KINDS:
        return f"kind {source.kind!r}, expected one of {', '.join(KINDS)}"
    if source.name in earlier:
        return f"{source.name!r} appears twice"
    if Path(source.file).name != source.file or source.file.startswith("."):
        return f"{source.file!r} is not the name of a file"
    if any(source.file == other.file for other in earlier.values()):
        return f"two sources have the file {source.file!r}"
    if not _ADDRESS[source.kind].fullmatch(source.address):
        return f"address {source.address!r} is none of kind {source.kind}"
    if not _HEX.fullmatch(source.sha256):
        return f"sha256 {source.sha256!r} is not 8 to 64 hex digits"
    if source.bytes and not source.bytes.isdecimal():
        return f"bytes {source.bytes!r} is not a number"
    if source.kind == "git":
        return _problem_of_git(source)
    if source.paths and not source.bytes:
        return "a file that a git source also holds needs bytes"
    return f"files is for kind git only, found {source.files!r}" if source.files else None


def _problem_of_git(source: Source) -> str | None:
    if not _COMMIT.fullmatch(source.version):
        return f"version {source.version!r} is not a commit of 40 hex digits"
    if not _SHA256.fullmatch(source.sha256):
        return f"sha256 {source.sha256!r} is not 64 hex digits"
    if not source.patterns:
        return "kind git needs paths"
    for pattern in source.patterns:
        if not _PATTERN.fullmatch(pattern) or ".." in pattern:
            return f"path {pattern!r}, expected names, / and *, inside the repository"
    if not (source.files.isdecimal() and source.bytes):
        return "kind git needs files and bytes"
    if not source.file.endswith(".zip"):
        return f"file {source.file!r} of kind git does not end in .zip"
    return None


def _check_parts(path: Path, sources: dict[str, Source]) -> None:
    for source in sources.values():
        if source.kind == "git" or not source.paths:
            continue
        whole, _, part = source.paths.partition(":")
        known = whole in sources and sources[whole].kind == "git"
        if not known or not wanted([part], sources[whole].patterns):
            raise ConfigError(
                f"{path}: {source.name}: paths {source.paths!r} names no file of a git source"
            )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
