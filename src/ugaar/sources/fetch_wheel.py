"""Getting a wheel from the package index that pip is set up for."""

from __future__ import annotations

import sys
from pathlib import Path

from ugaar.sources.fetch_process import last_line, run
from ugaar.sources.fetch_retry import Patience, UnavailableError
from ugaar.sources.fetch_table import Source


def download_wheel(source: Source, folder: Path, patience: Patience) -> Path:
    """Let pip download a wheel; nothing of it is installed or run.

    Args:
        source: the package, its version and the name of its wheel.
        folder: an empty folder to download to.
        patience: how long to try; pip repeats requests itself.

    Returns:
        The wheel.

    Raises:
        UnavailableError: pip cannot get it.
    """
    wanted = f"{source.address}=={source.version}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--no-input", "--quiet"]
    command += ["--timeout", f"{patience.silence_s:g}", "--retries", str(patience.attempts)]
    done = run([*command, "--dest", str(folder), wanted], patience.program_s)
    path = folder / source.file
    if done.returncode:
        raise UnavailableError(f"{wanted}: pip download failed ({last_line(done.stderr)})")
    if not path.is_file():
        found = ", ".join(sorted(item.name for item in folder.iterdir())) or "nothing"
        raise UnavailableError(f"{wanted}: pip downloaded {found} instead of {source.file}")
    return path
