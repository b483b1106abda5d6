"""Getting the files named in the table of sources, each checked before it is used.

A local folder of copies (a mirror) is asked first. Nothing that fails its check gets to its place.
"""

from __future__ import annotations

import csv
import hashlib
import logging
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass, fields
from pathlib import Path

from ugaar.errors import ConfigError, DataError
from ugaar.tables import atomic_path

KINDS = ("pypi", "url")
MIRROR_FOLDERS = ("", "data", "weights")
_TIMEOUT_S = 60
_ATTEMPT_LIMIT_S = 1800
_HEX = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True)
class Source:
    """One row of the table of sources.

    Attributes:
        name: what commands call it.
        kind: pypi, a wheel of the package index that pip is set up for; or url.
        file: name of the file.
        address: the URL, or the package's name.
        version: the release or commit.
        sha256: 64 hex digits; fewer, at least 8, where only the start is known.
        bytes: size, as text; empty where unknown.
        licence: of the file; empty where none is stated.
        note: what it is for.
    """

    name: str
    kind: str
    file: str
    address: str
    version: str
    sha256: str
    bytes: str
    licence: str
    note: str


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
        if source.kind not in KINDS:
            raise ConfigError(f"{where}: kind {source.kind!r}, expected one of {', '.join(KINDS)}")
        if not _HEX.fullmatch(source.sha256):
            raise ConfigError(f"{where}: sha256 {source.sha256!r} is not 8 to 64 hex digits")
        if Path(source.file).name != source.file or not source.file:
            raise ConfigError(f"{where}: {source.file!r} is not the name of a file")
        if source.name in sources:
            raise ConfigError(f"{where}: {source.name!r} appears twice")
        sources[source.name] = source
    return sources


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(path: Path, source: Source, origin: str) -> None:
    found = sha256_of(path)
    if not found.startswith(source.sha256):
        raise DataError(
            f"{origin}: wrong checksum: expected sha256 {source.sha256}, found {found} "
            f"({path.stat().st_size} bytes, expected {source.bytes or 'unknown'}). The copy is "
            "damaged or another version; remove it or correct the table of sources"
        )
    if len(source.sha256) < 64:
        logging.warning(
            "%s: only the first %d digits of its sha256 are known and were checked; it is %s",
            source.file,
            len(source.sha256),
            found,
        )


def _in_mirror(source: Source, mirror: Path) -> Path | None:
    for folder in MIRROR_FOLDERS:
        copy = mirror / folder / source.file
        if copy.is_file():
            return copy
    return None


def _download_url(source: Source, folder: Path) -> Path:
    path = folder / source.file
    try:
        with urllib.request.urlopen(source.address, timeout=_TIMEOUT_S) as reply:
            with open(path, "wb") as file:
                shutil.copyfileobj(reply, file)
            announced = reply.headers.get("Content-Length")
    except (OSError, urllib.error.URLError, ValueError) as error:
        raise DataError(f"{source.address}: not available ({error})") from error
    if announced is not None and path.stat().st_size != int(announced):
        raise DataError(
            f"{source.address}: cut off after {path.stat().st_size} of {announced} bytes"
        )
    return path


def _download_wheel(source: Source, folder: Path) -> Path:
    """Let pip get the wheel from whatever package index it is set up for; nothing is installed."""
    wanted = f"{source.address}=={source.version}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--quiet", "--dest", str(folder), wanted]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ATTEMPT_LIMIT_S)
    except subprocess.TimeoutExpired as error:
        raise DataError(
            f"{wanted}: pip download did not end in {_ATTEMPT_LIMIT_S} seconds"
        ) from error
    path = folder / source.file
    if done.returncode or not path.is_file():
        message = (done.stderr.strip().splitlines() or ["no file of the expected name"])[-1]
        raise DataError(f"{wanted}: pip download failed ({message})")
    return path


def fetch(source: Source, out: Path, mirror: Path | None) -> None:
    """Put a checked copy of a source at `out`, or leave `out` as it was.

    Args:
        source: what to get.
        out: the file to write.
        mirror: folder of copies asked first, itself and its data/ and weights/ folders.

    Raises:
        DataError: no copy can be had, or its checksum is wrong.
    """
    with tempfile.TemporaryDirectory(prefix="fetch-") as folder, atomic_path(out) as temporary:
        copy = _in_mirror(source, mirror) if mirror else None
        if copy is not None:
            origin = str(copy)
        else:
            download = _download_wheel if source.kind == "pypi" else _download_url
            try:
                copy = download(source, Path(folder))
            except DataError as error:
                asked = f"{mirror} has no {source.file}; " if mirror else ""
                raise DataError(
                    f"{asked}{error}. Check the connection, or get the file elsewhere and put it "
                    "into a folder that config key mirror or UGAAR_MIRROR names"
                ) from error
            origin = source.address
        # Checked after copying, so that what was checked is what is used.
        shutil.copyfile(copy, temporary)
        _check(temporary, source, origin)
        logging.info("%s: from %s, checked", out, origin)
