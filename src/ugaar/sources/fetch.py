"""Getting the files named in the table of sources, each checked before it is used.

Copies at hand (a mirror) are asked first. Nothing that fails its check gets to its place, an
interrupted fetch is taken up by the next, and a file that is right already is left alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ugaar.atomic import atomic_path
from ugaar.errors import DataError
from ugaar.sources.fetch_archive import content_of
from ugaar.sources.fetch_git import pack_remote
from ugaar.sources.fetch_mirror import copy_from_mirror
from ugaar.sources.fetch_retry import Patience, UnavailableError
from ugaar.sources.fetch_table import Source, read_sources, sha256_of
from ugaar.sources.fetch_url import download
from ugaar.sources.fetch_wheel import download_wheel

__all__ = ["Source", "difference", "fetch", "read_sources"]

WORK_FOLDER = ".fetch"
"""Folder beside the fetched files for what is not finished."""


def difference(source: Source, path: Path) -> str | None:
    """Say in what a file differs from what the table of sources promises.

    Args:
        source: the promise.
        path: the file, which must be there.

    Returns:
        One clause; None where the file is right.
    """
    if source.kind == "git":
        try:
            found = content_of(path, source).digest
        except DataError as error:
            return str(error)
        if found != source.sha256:
            return f"{path}: the digest of its files is {found}, expected {source.sha256}"
        return None
    found = sha256_of(path)
    if not found.startswith(source.sha256):
        return (
            f"{path}: wrong checksum: expected sha256 {source.sha256}, found {found} "
            f"({path.stat().st_size} bytes, expected {source.bytes or 'unknown'})"
        )
    return None


def fetch(
    source: Source,
    out: Path,
    mirror: Path | None,
    sources: Mapping[str, Source] | None = None,
    patience: Patience | None = None,
) -> None:
    """Put a checked copy of a source at `out`, or leave `out` as it was.

    Args:
        source: what to get.
        out: the file to write; where it is right already, nothing is done.
        mirror: copies asked first: a folder (itself and its data/ and weights/) or a single file.
        sources: the whole table: a mirror's archive of one source may hold the file of another.
        patience: how long to try.

    Raises:
        DataError: no copy can be had, or it is not what the table promises.
    """
    try:
        with _work_folder(out) as work:
            if out.is_file() and difference(source, out) is None:
                logging.info("%s: there already, checked", out)
                return
            with atomic_path(out) as temporary:
                origin = _get(
                    source, temporary, mirror, sources or {}, work, patience or Patience()
                )
                # Checked after copying, so that what was checked is what is used.
                wrong = difference(source, temporary)
                if wrong:
                    raise DataError(
                        f"{origin}: {wrong.removeprefix(f'{temporary}: ')}. The copy is damaged or "
                        "another version; remove it or correct the table of sources"
                    )
    except OSError as error:
        raise DataError(
            f"{out}: cannot be made ({error}); check free space and permissions"
        ) from error
    if source.kind != "git" and len(source.sha256) < 64:
        logging.warning(
            "%s: only the first %d digits of its sha256 are known and were checked; it is %s",
            source.file,
            len(source.sha256),
            sha256_of(out),
        )
    logging.info("%s: from %s, checked", out, origin)


@contextlib.contextmanager
def _work_folder(out: Path) -> Iterator[Path]:
    """Yield the folder of one file's unfinished parts, for one process at a time."""
    work = out.parent / WORK_FOLDER / out.name
    with _locked(work / "lock"):
        for abandoned in work.glob("tmp*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        try:
            yield work
        finally:
            (work / "lock").unlink()
            # What is left in it is for the next attempt.
            with contextlib.suppress(OSError):
                work.rmdir()
                work.parent.rmdir()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that ends with the process, however that ends."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = open(path, "wb")  # noqa: SIM115 - closed below, or by the next round
        except FileNotFoundError:
            # Another process has just tidied up the folder.
            continue
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                logging.info("%s: another process fetches this file; waiting for it", path.parent)
                fcntl.flock(file, fcntl.LOCK_EX)
            # The holder before us may have removed the file that we waited for.
            if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                yield
                return


def _get(
    source: Source,
    out: Path,
    mirror: Path | None,
    sources: Mapping[str, Source],
    work: Path,
    patience: Patience,
) -> str:
    """Write a copy of a source, not yet checked, and return where it is from."""
    with tempfile.TemporaryDirectory(dir=work, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if mirror is not None:
            origin = copy_from_mirror(source, sources, mirror, folder, out, patience)
            if origin is not None:
                return origin
        try:
            if source.kind == "git":
                pack_remote(source, folder, out, patience)
            elif source.kind == "pypi":
                download_wheel(source, folder, patience).replace(out)
            else:
                # Named after the content, so that another version never continues it.
                part = work / f"{source.sha256[:16]}.part"
                for other in set(work.glob("*.part")) - {part}:
                    other.unlink()
                download(source, part, patience)
                part.replace(out)
        except UnavailableError as error:
            asked = f"{mirror} has no {source.file}; " if mirror else ""
            raise DataError(
                f"{asked}{error}. Check the connection, or get the file elsewhere and put it "
                "into a folder that config key mirror or UGAAR_MIRROR names"
            ) from error
    return source.address
