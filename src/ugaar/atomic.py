"""Files that appear whole or not at all: a killed job leaves the old file, the new one or none."""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ugaar import disk


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`, moved onto it on success and removed on failure.

    Args:
        path: the final file; its folder is made where it is missing.

    Yields:
        A path with the same suffix, in the same folder, for the caller to write.

    Raises:
        DiskFullError: the disk is full.
    """
    final = Path(path)
    with disk.instead_of_full(disk.full_results(final)):
        final.parent.mkdir(parents=True, exist_ok=True)
        # A killed job could not remove its unfinished file; no other job writes the same one.
        for abandoned in final.parent.glob(f".{glob.escape(final.name)}.*"):
            abandoned.unlink(missing_ok=True)
        handle, name = tempfile.mkstemp(
            dir=final.parent, prefix=f".{final.name}.", suffix=final.suffix
        )
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            mask = os.umask(0)
            os.umask(mask)
            temporary.chmod(0o666 & ~mask)
            temporary.replace(final)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
