"""Guards against unchecked, half-written or silently different files, and a wrong table."""

import resource
import signal
import threading
import time
from pathlib import Path

import pytest
from fetch_sources import (
    CONTENT,
    FILES,
    HASTY,
    SHA256,
    git_source,
    part_source,
    url_source,
    write_table_of,
    write_zip,
)

from ugaar import cli
from ugaar.errors import ConfigError, DataError
from ugaar.sources import fetch as fetching
from ugaar.sources.fetch import difference, fetch
from ugaar.sources.fetch_table import read_sources, resource_path, wanted

TABLE = Path(__file__).parents[2] / "config" / "sources.tsv"
COMMIT = "0123456789" * 4
SONGS = git_source("https://example.org/songs", COMMIT)


def test_wrong_checksum_names_both_and_leaves_nothing(tmp_path):
    (tmp_path / "net.bin").write_bytes(b"something else")
    with pytest.raises(DataError, match=f"wrong checksum: expected sha256 {SHA256}, found"):
        fetch(url_source(), tmp_path / "out" / "net.bin", tmp_path)
    assert list((tmp_path / "out").iterdir()) == []


def test_wrong_checksum_keeps_the_file_that_was_there(tmp_path):
    (tmp_path / "net.bin").write_bytes(b"bad copy")
    out = tmp_path / "out.bin"
    out.write_bytes(b"old")
    with pytest.raises(DataError, match="wrong checksum"):
        fetch(url_source(), out, tmp_path)
    assert out.read_bytes() == b"old"


def test_right_file_is_left_alone_and_a_changed_one_replaced(tmp_path):
    out = tmp_path / "out.bin"
    out.write_bytes(CONTENT)
    before = out.stat().st_mtime_ns
    fetch(url_source(), out, None, patience=HASTY)
    assert out.stat().st_mtime_ns == before
    out.write_bytes(CONTENT[:-1])
    (tmp_path / "net.bin").write_bytes(CONTENT)
    fetch(url_source(), out, tmp_path)
    assert out.read_bytes() == CONTENT


def test_known_start_of_a_checksum_is_checked_and_said(tmp_path, caplog):
    (tmp_path / "net.bin").write_bytes(CONTENT)
    fetch(url_source(sha256=SHA256[:8]), tmp_path / "a.bin", tmp_path)
    assert "only the first 8 digits" in caplog.text
    with pytest.raises(DataError, match="wrong checksum"):
        fetch(url_source(sha256="0" * 8), tmp_path / "b.bin", tmp_path)


def test_package_that_no_index_has_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    wheel = url_source(kind="pypi", address="musicnn", version="0.1.0")
    with pytest.raises(DataError, match=r"musicnn==0\.1\.0: pip download failed .*UGAAR_MIRROR"):
        fetch(wheel, tmp_path / "x.whl", None)


def test_place_that_cannot_be_written_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "net.bin").write_bytes(CONTENT)
    with pytest.raises(DataError, match=r"file/net\.bin: cannot be made"):
        fetch(url_source(), tmp_path / "file" / "net.bin", tmp_path)


def test_full_disk_is_one_clear_error_and_leaves_nothing(tmp_path):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "net.bin").write_bytes(CONTENT)
    out = tmp_path / "out" / "net.bin"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        # The largest file that this process may write stands for the space on the disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        with pytest.raises(DataError, match=r"net\.bin: cannot be made.*free space"):
            fetch(url_source(), out, mirror)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(out.parent.iterdir()) == []


def test_two_fetches_of_one_file_take_turns(tmp_path):
    out = tmp_path / "out" / "net.bin"
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "net.bin").write_bytes(CONTENT)
    with fetching._work_folder(out):
        second = threading.Thread(target=fetch, args=(url_source(), out, mirror))
        second.start()
        time.sleep(0.2)
        assert not out.exists()
    second.join()
    assert out.read_bytes() == CONTENT
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (url_source(kind="ftp"), "kind 'ftp'"),
        (url_source(sha256=""), "hex digits"),
        (url_source(sha256="xyz"), "hex digits"),
        (url_source(file="../net.bin"), "not the name of a file"),
        (url_source(file=".."), "not the name of a file"),
        (url_source(file="one.bin"), "two sources have the file"),
        (url_source(name="one"), "appears twice"),
        (url_source(note="a\tb"), "separated by tabs"),
        (url_source(bytes="8k"), "bytes '8k'"),
        (url_source(files="3"), "files is for kind git only"),
        (url_source(address="file:///etc/passwd"), "address"),
        (url_source(kind="pypi", address="--index-url=x"), "address"),
        (git_source("ssh://example.org/songs", COMMIT), "address"),
        (git_source("ext::sh -c x", COMMIT), "address"),
        (git_source("https://example.org/songs", "main"), "40 hex digits"),
        (git_source("https://example.org/songs", COMMIT, sha256=SHA256[:8]), "64 hex digits"),
        (git_source("https://example.org/songs", COMMIT, paths=""), "needs paths"),
        (git_source("https://example.org/songs", COMMIT, paths="../x"), "inside the repository"),
        (git_source("https://example.org/songs", COMMIT, paths="/x"), "inside the repository"),
        (git_source("https://example.org/songs", COMMIT, files=""), "needs files and bytes"),
        (git_source("https://example.org/songs", COMMIT, file="x.tar"), r"end in \.zip"),
    ],
)
def test_malformed_row_is_named_by_line(tmp_path, row, message):
    first = url_source(name="one", file="one.bin")
    table = write_table_of(tmp_path / "sources.tsv", first, row)
    with pytest.raises(ConfigError, match=f"line 3.*{message}"):
        read_sources(table)


@pytest.mark.parametrize("paths", ["songs:other.bin", "none:list.json", "net:list.json"])
def test_part_of_no_git_source_is_an_error(tmp_path, paths):
    rows = (SONGS, url_source(), url_source(name="part", file="part.bin", paths=paths))
    with pytest.raises(ConfigError, match=r"part: paths .* names no file of a git source"):
        read_sources(write_table_of(tmp_path / "sources.tsv", *rows))


def test_wrong_header_and_missing_table(tmp_path):
    (tmp_path / "a.tsv").write_text("name\tkind\n")
    with pytest.raises(ConfigError, match="expected"):
        read_sources(tmp_path / "a.tsv")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_sources(tmp_path / "none.tsv")


def test_rows_come_back_as_written(tmp_path):
    rows = (SONGS, url_source(), part_source())
    found = read_sources(write_table_of(tmp_path / "sources.tsv", *rows))
    assert tuple(found.values()) == rows
    assert resource_path(found["songs"]) == "resources/songs_kept.zip"


def test_shipped_table_is_valid_and_pins_what_runs_by_default():
    sources = read_sources(TABLE)
    assert len(sources["musicnn"].sha256) == 64
    assert {"lmd-lyrics", "openscore-lieder", "nottingham", "chroma-cens"} <= {
        name for name, row in sources.items() if row.kind == "git"
    }
    for row in sources.values():
        assert len(row.sha256) == 64 or "only the start of the sha256" in row.note
        assert row.cite
        assert row.licence or "no licence stated" in row.note


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("a/*.x", ["a/1.x"]),
        ("a/**/*.x", ["a/1.x", "a/b/2.x", "a/b/c/3.x"]),
        ("**/*.x", ["a/1.x", "a/b/2.x", "a/b/c/3.x", "d.x"]),
        ("d.x", ["d.x"]),
        ("a", []),
        ("d?x", []),
    ],
)
def test_patterns_mean_parts_of_names_and_folders(pattern, meant):
    names = ["d.x", "a/b/c/3.x", "a/1.x", "a/b/2.x", "a/1.xy", "dyx"]
    assert wanted(names, [pattern]) == meant


def test_names_are_in_the_order_of_their_bytes():
    assert wanted(["é", "z", "Z", "a/b", "a-b"], ["*", "a/*"]) == ["Z", "a-b", "a/b", "z", "é"]


def test_difference_is_none_for_the_right_files_alone(tmp_path):
    path = write_zip(tmp_path / "a.zip", FILES)
    assert difference(SONGS, path) is None
    write_zip(path, FILES | {"list.json": b"[]"})
    assert "the digest of its files is" in difference(SONGS, path)
    path.write_bytes(b"no zip")
    assert "no zip archive" in difference(SONGS, path)


def test_command_exits_with_2_for_an_unknown_name(tmp_path, caplog):
    table = write_table_of(tmp_path / "sources.tsv", url_source())
    files = ["--sources", str(table), "--out", str(tmp_path / "o")]
    assert cli.main(["fetch", "--settings", '{"mirror": null}', "--name", "nett", *files]) == 2
    assert "no source named 'nett'" in caplog.text


def test_command_takes_the_mirror_from_the_environment(tmp_path, monkeypatch):
    (tmp_path / "net.bin").write_bytes(CONTENT)
    monkeypatch.setenv("UGAAR_MIRROR", str(tmp_path))
    table = write_table_of(tmp_path / "sources.tsv", url_source())
    files = ["--sources", str(table), "--out", str(tmp_path / "out.bin")]
    assert cli.main(["fetch", "--settings", '{"mirror": null}', "--name", "net", *files]) == 0
    assert (tmp_path / "out.bin").read_bytes() == CONTENT


def test_mirror_that_does_not_exist_is_an_error(tmp_path, caplog):
    table = write_table_of(tmp_path / "sources.tsv", url_source())
    files = ["--sources", str(table), "--out", str(tmp_path / "out.bin")]
    settings = f'{{"mirror": "{tmp_path}/none"}}'
    assert cli.main(["fetch", "--settings", settings, "--name", "net", *files]) == 2
    assert "is not a folder or file" in caplog.text
