"""The installer names exactly what is missing where it cannot install it."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("bash", "dirname", "grep", "basename", "id")


@pytest.fixture
def bare_machine(tmp_path):
    """A PATH with a shell and Python, without the external programs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in NEEDED:
        (folder / name).symlink_to(shutil.which(name))
    (folder / "python3").symlink_to(sys.executable)
    return folder


def _program(folder, name, text):
    file = folder / name
    file.unlink(missing_ok=True)
    file.write_text(f"#!{shutil.which('bash')}\n{text}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def _setup(folder, tmp_path, python="python3"):
    return subprocess.run(
        ["bash", str(ROOT / "envs/setup.sh"), python, str(tmp_path / "venv"), "none.txt"],
        env={"PATH": str(folder), "HOME": os.environ.get("HOME", "/")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )


def test_without_apt_the_packages_are_named(bare_machine, tmp_path):
    done = _setup(bare_machine, tmp_path)
    assert done.returncode == 1
    assert "no apt here" in done.stderr
    for package in ("lilypond", "timidity", "ghostscript"):
        assert package in done.stderr


def test_a_user_who_is_not_root_reads_the_command_to_type(bare_machine, tmp_path):
    _program(bare_machine, "apt-get", "exit 99")
    _program(bare_machine, "id", "echo 1000")
    done = _setup(bare_machine, tmp_path)
    assert done.returncode == 1
    assert "run: sudo apt-get install lilypond timidity ghostscript" in done.stderr


def test_only_missing_programs_are_named(bare_machine, tmp_path):
    for name in ("lilypond", "gs"):
        _program(bare_machine, name, "exit 0")
    done = _setup(bare_machine, tmp_path)
    assert "timidity" in done.stderr
    assert "lilypond" not in done.stderr


def test_root_with_apt_installs_them(bare_machine, tmp_path):
    _program(bare_machine, "id", "echo 0")
    _program(bare_machine, "apt-get", f'echo "apt $*" >> {tmp_path}/calls; exit 3')
    done = _setup(bare_machine, tmp_path)
    assert done.returncode == 3
    assert "apt update" in (tmp_path / "calls").read_text()


def test_an_old_or_missing_python_is_named(bare_machine, tmp_path):
    assert "python9 not found" in _setup(bare_machine, tmp_path, "python9").stderr
    _program(
        bare_machine, "oldpython", '[[ $1 == --version ]] && echo "Python 3.8.1" && exit 0; exit 1'
    )
    done = _setup(bare_machine, tmp_path, "oldpython")
    assert done.returncode == 1
    assert "Python 3.8.1 is too old" in done.stderr
