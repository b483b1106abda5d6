"""Guards work on a full disk: one error that names the file, nothing half-written, rerun resumes.

The disk is a real one, a few megabytes in memory, filled but for some kilobytes.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import npy_songs
import numpy as np
import pytest
import yaml

from ugaar.cli import main
from ugaar.errors import DiskFullError
from ugaar.features.row_store import RowStore
from ugaar.parquet_files import read_table, write_table
from ugaar.tables import FEATURES_SHEET, SPLIT, WINDOWS

ROOT = Path(__file__).resolve().parents[2]
DISK_BYTES = 48 << 20
SHARDS = 24
"""The tests render one shard of so many: three windows."""


class Disk:
    """A disk of its own."""

    def __init__(self, folder):
        self.folder = folder

    def leave(self, kilobytes):
        """Fill the disk but for some space."""
        state = os.statvfs(self.folder)
        count = state.f_bavail * state.f_frsize - 1024 * kilobytes
        (self.folder / "filler").write_bytes(bytes(count))

    def clear(self):
        """Remove the filler."""
        (self.folder / "filler").unlink()


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a disk for the test is not permitted here")
    yield Disk(folder)
    # Lazily: a writer that failed keeps its file open until Python tidies up.
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def settings_of(*names, **changes):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["shards"] = SHARDS
    config["features"]["lyrics"]["epochs"] = 1
    config.update(changes)
    return json.dumps({name: config[name] for name in names})


def commands(songs, made, out):
    """Command lines by name, with their outputs; inputs are those in `made`."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    source = {**config["source"], "kind": "lmd-lyrics", "path": str(songs)}
    lyrics = {"lyrics": {**config["features"]["lyrics"], "epochs": 1, "min_count": 1}}
    sheet = {**config["sheet"], "clef": "treble"}
    windows = ["--windows", f"{made}/windows.parquet"]
    shard = [*windows, "--shard", "0"]
    return {
        "ingest": [
            *("ingest", "--settings", settings_of("source", "shards", source=source, shards=1)),
            *("--shard", "0", "--songs-out", f"{out}/shard.parquet"),
            *("--rejects-out", f"{out}/ingest-rejects.parquet"),
        ],
        "window": [
            *("window", "--settings", settings_of("window")),
            *("--songs", f"{made}/shard.parquet", "--rejects", f"{made}/ingest-rejects.parquet"),
            *("--songs-out", f"{out}/songs.parquet", "--windows-out", f"{out}/windows.parquet"),
            *("--rejects-out", f"{out}/window-rejects.parquet"),
        ],
        "render-audio": [
            *("render-audio", "--settings", settings_of("audio", "shards"), *shard),
            *("--out", f"{out}/audio.parquet", "--rejects-out", f"{out}/audio-rejects.parquet"),
        ],
        "render-sheet": [
            *("render-sheet", "--settings", settings_of("sheet", "shards", sheet=sheet), *shard),
            *("--out", f"{out}/sheet.parquet", "--rejects-out", f"{out}/sheet-rejects.parquet"),
        ],
        "features-lyrics": [
            *("features-lyrics", "--settings", settings_of("features", features=lyrics), *windows),
            *("--split", f"{made}/split.parquet"),
            *("--out", f"{out}/lyrics.parquet", "--model-out", f"{out}/skipgram.parquet"),
        ],
        "export": [
            *("export", f"{made}/features.parquet", "--format", "npy", "--column", "codes"),
            *("--out", str(out)),
        ],
    }


def files_in(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Songs, and for each command the files that it writes with all the space it wants."""
    folder = tmp_path_factory.mktemp("undisturbed")
    songs, made = folder / "songs", folder / "made"
    songs.mkdir()
    made.mkdir()
    for number in range(24):
        draw = random.Random(number)
        text = [draw.choice("bdfklm") + draw.choice("aeiou") for _ in range(60)]
        continuous, discrete, _ = npy_songs.parts(60, text)
        for note in discrete:
            note[0] = float(draw.randint(60, 72))
        song = npy_songs.npy(continuous, discrete, text)
        (songs / f"{number:02}.npy").write_bytes(song)
    codes = np.random.default_rng(0).normal(size=(3000, 64)).astype(np.float32)
    rows = {
        "window_id": [f"w{number}" for number in range(len(codes))],
        "protocol": ["published"] * len(codes),
        "codes": list(codes),
        "embedding": list(codes[:, :2]),
    }
    write_table(made / "features.parquet", FEATURES_SHEET, rows, {"codes": 64, "embedding": 2})
    found = {}
    for name, command in commands(songs, made, made).items():
        before = set(made.iterdir())
        assert main(command) == 0, name
        found[name] = {file.name: file.read_bytes() for file in set(made.iterdir()) - before}
        if name == "window":
            _write_split(made)
    return songs, made, found


def _write_split(made):
    windows = read_table(made / "windows.parquet", WINDOWS, ["window_id", "song_id"]).to_pylist()
    rows = [
        {
            **window,
            "collection": "tests",
            "group": window["song_id"],
            "group_size": 1,
            "fold": "train",
            "protocol": "song-disjoint",
        }
        for window in windows
    ]
    write_table(made / "split.parquet", SPLIT, rows)


def fails_once(command, caplog, capfd):
    """Run a command that must fail, and return what it says: one error."""
    caplog.clear()
    assert main(command) == 1
    return said_once(caplog, capfd)


def said_once(caplog, capfd):
    """Return what a command that has failed said: one error."""
    (error,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert error.exc_info is None
    # What Python says of errors that nobody can catch any more comes here.
    assert capfd.readouterr().err == ""
    return error.getMessage()


@pytest.mark.parametrize("share", [0, 0.4, 0.9])
@pytest.mark.parametrize(
    "name", ["ingest", "window", "render-audio", "render-sheet", "features-lyrics", "export"]
)
def test_full_disk_of_results(disk, undisturbed, caplog, capfd, name, share):
    songs, made, expected = undisturbed
    out = disk.folder / "results"
    out.mkdir()
    command = commands(songs, made, out)[name]
    disk.leave(int(share * sum(map(len, expected[name].values())) / 1024))
    said = fails_once(command, caplog, capfd)
    assert "the disk is full; free space in" in said
    assert said.split(":")[0] in {str(out / file) for file in expected[name]}
    # Whole files of the command may be there; parts of files never are.
    assert all(expected[name][file] == content for file, content in files_in(out).items())
    disk.clear()
    assert main(command) == 0
    assert files_in(out) == expected[name]


@pytest.mark.parametrize("kilobytes", [16, 130, 700])
@pytest.mark.parametrize("name", ["render-audio", "render-sheet"])
def test_full_disk_of_temporary_files(
    disk, undisturbed, tmp_path, monkeypatch, caplog, capfd, name, kilobytes
):
    songs, made, expected = undisturbed
    temporary, out = disk.folder / "tmp", tmp_path / "results"
    temporary.mkdir()
    out.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    command = commands(songs, made, out)[name]
    disk.leave(kilobytes)
    caplog.clear()
    # How much a tool needs at once varies by a few kilobytes from run to run, so what is said is
    # of the very run that failed.
    if main(command):
        said = said_once(caplog, capfd)
        assert f"the disk is full; free space in {temporary} or set TMPDIR" in said
        assert files_in(out) == {}
        disk.clear()
        assert main(command) == 0
    # Never a clip or strip that is missing or cut short because the disk was full.
    assert files_in(out) == expected[name]
    assert list(temporary.iterdir()) == []


def test_least_space_is_too_little_for_a_clip(disk, undisturbed, monkeypatch, caplog, capfd):
    songs, made, _ = undisturbed
    monkeypatch.setattr(tempfile, "tempdir", str(disk.folder))
    disk.leave(60)
    out = made.parent / "none"
    said = fails_once(commands(songs, made, out)["render-audio"], caplog, capfd)
    assert said.startswith("TiMidity++: the disk is full")


def test_exit_code_of_the_program(disk, undisturbed):
    songs, made, _ = undisturbed
    disk.leave(8)
    command = commands(songs, made, disk.folder / "results")["window"]
    done = subprocess.run(
        [sys.executable, "-m", "ugaar", *command],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"ERROR {disk.folder}/results/" in line
    assert line.endswith("run the same command again: what is finished is kept")


def test_full_disk_where_vectors_are_joined(disk):
    store = RowStore(disk.folder, 1024)
    disk.leave(100)
    with pytest.raises(DiskFullError, match="vectors that are joined: the disk is full"):
        store.append(np.zeros((40, 1024), np.float32))
    store.close()
    disk.clear()
    assert list(disk.folder.iterdir()) == []


def test_other_errors_of_the_system_are_not_hidden(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        write_table(tmp_path / "file" / "split.parquet", SPLIT, [])
