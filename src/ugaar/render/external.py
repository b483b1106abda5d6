"""Running external programs: argument lists only, a time limit, and errors a person can act on."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from ugaar import disk
from ugaar.errors import ToolError

POLL_S = 0.01
READ_WAIT_S = 0.2
MAX_MESSAGE_BYTES = 1 << 20
VERSION_TIMEOUT_S = 30.0
ENGLISH = {"LC_ALL": "C.UTF-8", "LANGUAGE": ""}
"""We look for errors in messages, so they must not be translated."""


@dataclass(frozen=True)
class Program:
    """An external program: its command, what to call it, and how to get it.

    Attributes:
        command: name on the search path, or a path to the program.
        name: its name for people.
        remedy: what to install where it is missing.
        version_arguments: arguments that make it print its version.
    """

    command: str
    name: str
    remedy: str
    version_arguments: tuple[str, ...] = ("--version",)


TIMIDITY = Program("timidity", "TiMidity++", "install it (Debian: apt-get install timidity)")
LILYPOND = Program("lilypond", "LilyPond", "install it (Debian: apt-get install lilypond)")
GHOSTSCRIPT = Program("gs", "Ghostscript", "install it (Debian: apt-get install ghostscript)")


def locate(program: Program) -> str:
    """Return the full path of a program.

    Raises:
        ToolError: it is not installed.
    """
    found = shutil.which(program.command)
    if found is None:
        raise ToolError(f"{program.name}: no program {program.command!r} found; {program.remedy}")
    return found


def version(program: Program) -> str:
    """Return the first line in which a program states its version.

    Raises:
        ToolError: it is missing, does not start or hangs.
    """
    path = locate(program)
    try:
        done = subprocess.run(
            [path, *program.version_arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=VERSION_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(
            f"{program.name}: {path} does not run ({error}); {program.remedy}"
        ) from error
    lines = (done.stdout + done.stderr).decode("utf-8", "replace").strip().splitlines()
    if done.returncode != 0 or not lines:
        said = lines[0] if lines else "nothing"
        raise ToolError(
            f"{program.name}: {path} {' '.join(program.version_arguments)} failed with exit code "
            f"{done.returncode} and said: {said}; {program.remedy}"
        )
    return lines[0].strip()


class Running:
    """A started program in its own process group, with a watch on its progress.

    Args:
        program: what is run, for messages.
        process: the started process.
        folder: its working folder.
        messages: file that its messages go to.
        stall_s: longest time without progress, seconds.
    """

    def __init__(
        self,
        program: Program,
        process: subprocess.Popen[bytes],
        folder: Path,
        messages: IO[bytes],
        stall_s: float,
    ) -> None:
        self.process = process
        self._program = program
        self._folder = folder
        self._messages = messages
        self._stall_s = stall_s
        self._last_progress = time.monotonic()
        self.stalled = False

    def progressed(self) -> None:
        """Restart the watch: something was finished."""
        self._last_progress = time.monotonic()

    def ended(self) -> bool:
        """Tell whether the program has ended; one that made no progress for too long is killed."""
        if self.process.poll() is not None:
            return True
        if time.monotonic() - self._last_progress > self._stall_s:
            self.stalled = True
            self.kill()
            return True
        return False

    def wait_until(self, condition: Callable[[], bool]) -> bool:
        """Wait for a condition; return whether it held before the program ended."""
        while not condition():
            if self.ended():
                return condition()
            time.sleep(POLL_S)
        self.progressed()
        return True

    def wait(self) -> None:
        """Wait for the end."""
        while not self.ended():
            time.sleep(POLL_S)

    def write(self, content: bytes) -> None:
        """Write to standard input at once; a program that has ended takes no notice."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(content)
            self.process.stdin.flush()

    def read(self, count: int) -> bytes:
        """Read from standard output: `count` bytes, fewer only when the program has ended."""
        assert self.process.stdout is not None
        parts: list[bytes] = []
        while count > 0:
            ready, _, _ = select.select([self.process.stdout], [], [], READ_WAIT_S)
            if not ready:
                if self.ended():
                    break
                continue
            part = os.read(self.process.stdout.fileno(), count)
            if not part:
                self.wait()
                break
            self.progressed()
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def kill(self) -> None:
        """Kill the program with all its children and reap it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def messages(self) -> str:
        """Return what the program wrote so far, but for what went through a pipe."""
        # Read without moving the position: the program writes through the same open file.
        descriptor = self._messages.fileno()
        size = os.fstat(descriptor).st_size
        first = max(0, size - MAX_MESSAGE_BYTES)
        return os.pread(descriptor, size - first, first).decode("utf-8", "replace").strip()

    def check_disk(self, *, failed: bool) -> None:
        """See to it that an item is not blamed for a full disk.

        Args:
            failed: whether something went wrong with it. Programs may end on a full disk without a
                word, or go on with a file cut short and only say so.

        Raises:
            DiskFullError: the program's messages speak of a full disk.
            OSError: there is no space left in its folder.
        """
        if disk.says_full(self.messages()):
            raise disk.full_meanwhile(self._program.name)
        if failed:
            disk.needs_room(self._folder)

    def complaint(self) -> str:
        """Say in one line how the program ended, with the end of its messages.

        Raises:
            DiskFullError: it said so, which no other item would survive.
            OSError: it did not, but there is no space left.
        """
        self.check_disk(failed=True)
        said = self.messages()
        last = " | ".join(line.strip() for line in said.splitlines()[-3:])[-400:]
        if self.stalled:
            how = f"{self._program.name} finished nothing for {self._stall_s:g} s and was stopped"
        elif self.process.returncode and self.process.returncode < 0:
            how = f"{self._program.name} was killed by signal {-self.process.returncode}"
        else:
            how = f"{self._program.name} ended with exit code {self.process.returncode}"
        return f"{how}: {last}" if last else how


@contextmanager
def start(
    program: Program,
    arguments: Sequence[str],
    *,
    folder: Path,
    stall_s: float,
    environment: Mapping[str, str] | None = None,
    piped: bool = False,
) -> Iterator[Running]:
    """Run a program in a folder for the length of a `with` block; it never outlives the block.

    Args:
        program: the program.
        arguments: its arguments; no shell is involved.
        folder: working folder.
        stall_s: it is killed, children included, after so long without progress, seconds.
        environment: the environment; the caller's where None. Messages are in English always, and
            temporary files go to the folder, so that none outlives it.
        piped: whether standard input and output are pipes for `write` and `read`.

    Yields:
        The running program.

    Raises:
        ToolError: it is missing or does not start.
    """
    path = locate(program)
    with _message_file(folder) as messages:
        try:
            process = subprocess.Popen(
                [path, *arguments],
                cwd=folder,
                env={
                    **(os.environ if environment is None else environment),
                    **ENGLISH,
                    "TMPDIR": str(folder),
                },
                stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                stdout=subprocess.PIPE if piped else messages,
                stderr=messages,
                process_group=0,
            )
        except OSError as error:
            raise ToolError(f"{program.name}: {path} does not start ({error})") from error
        running = Running(program, process, folder, messages, stall_s)
        try:
            yield running
        finally:
            running.kill()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):
                        pipe.close()


def _message_file(folder: Path) -> IO[bytes]:
    """Open a file without a name.

    In memory where the system can: a full disk would swallow the very message that says so.
    """
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("messages"), "w+b")
    return tempfile.TemporaryFile(dir=folder)


def _terminated(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


@contextmanager
def workspace() -> Iterator[Path]:
    """Yield a temporary folder that is removed at the end, also when the job is terminated.

    Raises:
        DiskFullError: the disk is full.
    """
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _terminated) if in_main else None
    try:
        with (
            disk.instead_of_full(disk.full_meanwhile("temporary files of this job")),
            tempfile.TemporaryDirectory(prefix="ugaar-") as folder,
        ):
            yield Path(folder)
    finally:
        if in_main:
            signal.signal(signal.SIGTERM, before)
