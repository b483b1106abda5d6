"""A full disk: one error that names the file and says what to do, whoever was writing."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ugaar.errors import DiskFullError

FULL = (errno.ENOSPC, errno.EDQUOT)
FULL_TEXTS = ("no space left on device", "disk quota exceeded", "disk full")

_AGAIN = "and run the same command again: what is finished is kept"

ROOM_BYTES = 1 << 20
"""A program that fails with less than this free is taken to have failed for lack of space: most say
so in no words that could be found."""


def is_full(error: OSError) -> bool:
    """Tell whether an error of the system means that a disk, or a quota on it, is full."""
    return error.errno in FULL


def says_full(messages: str) -> bool:
    """Tell whether a program's messages, which must be in English, speak of a full disk."""
    return any(text in messages.lower() for text in FULL_TEXTS)


def full_results(path: Path | str) -> DiskFullError:
    """Return the error for a file of the results."""
    return DiskFullError(f"{path}: the disk is full; free space in {Path(path).parent}, {_AGAIN}")


def full_meanwhile(what: str, folder: Path | None = None) -> DiskFullError:
    """Return the error for a file that is needed only while a command runs.

    Args:
        what: the file, or the program that writes it.
        folder: where; the folder of temporary files where None.
    """
    where = folder or f"{tempfile.gettempdir()} or set TMPDIR to a folder with more"
    return DiskFullError(f"{what}: the disk is full; free space in {where}, {_AGAIN}")


@contextmanager
def instead_of_full(error: DiskFullError) -> Iterator[None]:
    """Raise an error that names the file where the system's, raised in this block, seldom does."""
    try:
        yield
    except OSError as found:
        if is_full(found):
            raise error from found
        raise


def needs_room(folder: Path) -> None:
    """Ask the system for a little space in a folder, and give it back.

    Raises:
        OSError: there is none.
    """
    with tempfile.TemporaryFile(dir=folder) as file:
        os.posix_fallocate(file.fileno(), 0, ROOM_BYTES)
