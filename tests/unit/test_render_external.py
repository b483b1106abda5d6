"""External programs: missing, failing, hanging, and batches that survive a bad item."""

import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from ugaar.errors import DiskFullError, ToolError
from ugaar.render import external
from ugaar.render.batch import Failure, StoppedError, run_isolated
from ugaar.render.external import Program, start, version, workspace


def tool(folder: Path, script: str) -> Program:
    path = folder / "tool"
    path.write_text("#!/bin/sh\n" + textwrap.dedent(script))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Program(str(path), "Tool", "install the tool")


def test_missing_program_names_the_remedy():
    with pytest.raises(ToolError, match="apt-get install nothing"):
        version(
            Program("no-such-program", "Nothing", "install it (Debian: apt-get install nothing)")
        )


def test_version_is_the_first_line(tmp_path):
    assert version(tool(tmp_path, "echo Tool 1.2; echo more")) == "Tool 1.2"


@pytest.mark.parametrize("script", ["echo broken library >&2; exit 127", "exit 0"])
def test_program_that_does_not_state_a_version(tmp_path, script):
    with pytest.raises(ToolError, match="install the tool"):
        version(tool(tmp_path, script))


def test_hanging_program_is_killed_with_its_children(tmp_path):
    program = tool(tmp_path, "sleep 60 & echo $! > child; wait")
    before = time.monotonic()
    with start(program, [], folder=tmp_path, stall_s=0.3) as running:
        running.wait()
        assert running.stalled
        assert "finished nothing for 0.3 s" in running.complaint()
    assert time.monotonic() - before < 5
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not _alive(child):
            break
        time.sleep(0.02)
    assert not _alive(child)


def _alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_progress_keeps_a_slow_program_alive(tmp_path):
    program = tool(tmp_path, "for i in 1 2 3 4; do sleep 0.2; touch file$i; done")
    with start(program, [], folder=tmp_path, stall_s=0.5) as running:
        for number in range(1, 5):
            assert running.wait_until((tmp_path / f"file{number}").exists)
        running.wait()
        assert not running.stalled


def test_complaint_holds_the_messages_and_reading_them_disturbs_nothing(tmp_path):
    program = tool(tmp_path, "echo first >&2; touch said; sleep 0.3; echo second >&2; exit 3")
    with start(program, [], folder=tmp_path, stall_s=10) as running:
        assert running.wait_until((tmp_path / "said").exists)
        assert running.messages() == "first"
        running.wait()
        assert running.complaint() == "Tool ended with exit code 3: first | second"


def test_full_disk_is_an_error_of_the_machine(tmp_path):
    program = tool(tmp_path, "echo 'write: No space left on device' >&2; exit 1")
    with start(program, [], folder=tmp_path, stall_s=10) as running:
        running.wait()
        with pytest.raises(DiskFullError, match=r"^Tool: the disk is full; free space in"):
            running.complaint()


def test_full_disk_while_we_write():
    with pytest.raises(DiskFullError, match=r"disk is full; .*TMPDIR"), workspace():
        Path("/dev/full").write_text("x")


def test_terminated_job_leaves_nothing_behind(tmp_path):
    program = tool(tmp_path, "touch started; sleep 60")
    code = f"""
import sys
from pathlib import Path
from ugaar.render.external import Program, start, workspace
with workspace() as folder:
    Path({str(tmp_path)!r}, "folder").write_text(str(folder))
    with start(Program({program.command!r}, "Tool", ""), [], folder=folder, stall_s=60) as running:
        Path({str(tmp_path)!r}, "pid").write_text(str(running.process.pid))
        running.wait()
"""
    job = subprocess.Popen([sys.executable, "-c", code])
    for _ in range(500):
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            break
        time.sleep(0.02)
    os.kill(job.pid, signal.SIGTERM)
    assert job.wait(timeout=10) == 128 + signal.SIGTERM
    assert not Path((tmp_path / "folder").read_text()).exists()
    assert not _alive(int((tmp_path / "pid").read_text()))


def attempts_of(bad, log):
    """Return an attempt that stops at bad items, as a tool that works in order does."""

    def attempt(items):
        log.append(list(items))
        for item in items:
            if item in bad:
                raise StoppedError(f"stopped at {item}")
            yield item * 10

    return attempt


def no_probe():
    raise AssertionError("the tool works, so there is no need to probe it")


def test_only_the_bad_items_are_lost():
    log = []
    found = list(run_isolated([1, 2, 3, 4, 5], attempts_of({2, 5}, log), no_probe, "failed"))
    assert found == [
        (1, 10),
        (2, Failure("failed", "stopped at 2")),
        (3, 30),
        (4, 40),
        (5, Failure("failed", "stopped at 5")),
    ]
    assert log == [[1, 2, 3, 4, 5], [2], [3, 4, 5], [5]]


def test_an_item_that_works_the_second_time_is_kept():
    tries = []

    def attempt(items):
        for item in items:
            tries.append(item)
            if item == 2 and tries.count(2) == 1:
                raise StoppedError("once")
            yield item

    assert list(run_isolated([1, 2, 3], attempt, no_probe, "failed")) == [(1, 1), (2, 2), (3, 3)]


def test_a_broken_tool_is_an_error_and_not_many_rejects():
    def probe():
        raise ToolError("broken")

    with pytest.raises(ToolError, match="broken"):
        list(run_isolated([1, 2], attempts_of({1, 2}, []), probe, "failed"))


def test_fewer_results_than_items_stop_the_batch():
    found = list(run_isolated([1], lambda items: iter(()), lambda: None, "failed"))
    assert found[0][1].reason == "failed"


def test_programs_are_those_of_the_environment():
    listed = (Path(__file__).parents[2] / "envs" / "apt.txt").read_text().split()
    for program in (external.TIMIDITY, external.LILYPOND, external.GHOSTSCRIPT):
        assert program.remedy.split("apt-get install ")[1].rstrip(")") in listed
