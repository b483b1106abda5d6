"""Running git and pip: argument lists, a time limit, and no process left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ugaar import disk
from ugaar.errors import ToolError
from ugaar.sources.fetch_retry import UnavailableError


def run(
    command: Sequence[str],
    limit_s: float,
    *,
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    stdout: Path | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end.

    Args:
        command: the program and its arguments; no shell reads them.
        limit_s: the program is killed with its children after so long, seconds.
        environment: its environment; that of this process where None.
        stdin: its standard input.
        stdout: file for its standard output; kept in memory where None.

    Returns:
        Exit code, standard output (empty where it went to a file) and messages.

    Raises:
        ToolError: the program is not installed.
        UnavailableError: it took too long.
        DiskFullError: it failed and says that the disk is full.
    """
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(open(stdout, "wb")) if stdout else subprocess.PIPE
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.PIPE,
                env=environment,
                # A group of its own: git's helpers outlive a git that is killed alone.
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise ToolError(
                f"{command[0]}: no such program; install it (Debian: apt-get install {command[0]})"
            ) from error
        try:
            found, messages = process.communicate(stdin, timeout=limit_s)
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(f"{command[0]} did not end in {limit_s:g} seconds") from error
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if process.returncode and disk.says_full(messages.decode("utf-8", "replace")):
        raise disk.full_meanwhile(command[0])
    return subprocess.CompletedProcess(command, process.returncode, found or b"", messages)


def last_line(messages: bytes) -> str:
    """Return the end of a program's messages, which says why it failed."""
    lines = messages.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else "no message"
