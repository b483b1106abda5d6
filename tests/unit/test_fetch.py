"""Guards against unchecked, half-written or silently different downloads."""

import functools
import hashlib
import http.server
import threading
from dataclasses import astuple, fields, replace
from pathlib import Path

import pytest

from ugaar import cli
from ugaar.errors import ConfigError, DataError
from ugaar.sources.fetch import Source, fetch, read_sources

CONTENT = b"weights " * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
TABLE = Path(__file__).parents[2] / "config" / "sources.tsv"


def source(**changes):
    row = Source("net", "url", "net.bin", "http://localhost:9/net.bin", "1", SHA256, "8000", "", "")
    return replace(row, **changes)


def write_table_of(path, *rows):
    names = [field.name for field in fields(Source)]
    path.write_text("".join("\t".join(line) + "\n" for line in (names, *map(astuple, rows))))
    return path


@pytest.fixture
def server(tmp_path):
    """A local web server; yields its address and folder."""
    folder = tmp_path / "www"
    folder.mkdir()
    (folder / "net.bin").write_bytes(CONTENT)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            if self.path != "/cut.bin":
                return super().do_GET()
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT[:100])

    with http.server.ThreadingHTTPServer(
        ("localhost", 0), functools.partial(Quiet, directory=folder)
    ) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield f"http://localhost:{web.server_port}", folder
        web.shutdown()
        thread.join()


@pytest.mark.parametrize("folder", ["", "data", "weights"])
def test_mirror_is_asked_first(tmp_path, folder):
    copy = tmp_path / "mirror" / folder / "net.bin"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(CONTENT)
    fetch(source(), tmp_path / "out" / "net.bin", tmp_path / "mirror")
    assert (tmp_path / "out" / "net.bin").read_bytes() == CONTENT


def test_url_is_fetched_and_checked(tmp_path, server):
    fetch(source(address=f"{server[0]}/net.bin"), tmp_path / "net.bin", None)
    assert (tmp_path / "net.bin").read_bytes() == CONTENT


def test_url_is_used_where_the_mirror_lacks_the_file(tmp_path, server):
    (tmp_path / "mirror").mkdir()
    fetch(source(address=f"{server[0]}/net.bin"), tmp_path / "net.bin", tmp_path / "mirror")
    assert (tmp_path / "net.bin").read_bytes() == CONTENT


def test_wrong_checksum_names_both_and_leaves_nothing(tmp_path, server):
    (server[1] / "net.bin").write_bytes(b"something else")
    with pytest.raises(DataError, match=f"wrong checksum: expected sha256 {SHA256}, found"):
        fetch(source(address=f"{server[0]}/net.bin"), tmp_path / "out" / "net.bin", None)
    assert list((tmp_path / "out").iterdir()) == []


def test_wrong_checksum_keeps_the_file_that_was_there(tmp_path):
    (tmp_path / "net.bin").write_bytes(b"bad copy")
    out = tmp_path / "out.bin"
    out.write_bytes(b"old")
    with pytest.raises(DataError, match="wrong checksum"):
        fetch(source(), out, tmp_path)
    assert out.read_bytes() == b"old"


@pytest.mark.parametrize("name", ["cut.bin", "absent.bin"])
def test_cut_or_absent_file_is_an_error_with_a_remedy(tmp_path, server, name):
    with pytest.raises(DataError, match="UGAAR_MIRROR"):
        fetch(source(address=f"{server[0]}/{name}"), tmp_path / "net.bin", None)
    assert not (tmp_path / "net.bin").exists()


def test_unreachable_address_is_an_error_that_names_the_mirror(tmp_path):
    (tmp_path / "mirror").mkdir()
    with pytest.raises(DataError, match=r"mirror has no net\.bin; http://localhost:9/net\.bin"):
        fetch(source(), tmp_path / "net.bin", tmp_path / "mirror")


def test_package_that_no_index_has_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(DataError, match=r"musicnn==0\.1\.0: pip download failed"):
        fetch(source(kind="pypi", address="musicnn", version="0.1.0"), tmp_path / "x.whl", None)


def test_known_start_of_a_checksum_is_checked_and_said(tmp_path, caplog):
    (tmp_path / "net.bin").write_bytes(CONTENT)
    fetch(source(sha256=SHA256[:8]), tmp_path / "a.bin", tmp_path)
    assert "only the first 8 digits" in caplog.text
    with pytest.raises(DataError, match="wrong checksum"):
        fetch(source(sha256="0" * 8), tmp_path / "b.bin", tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "ftp"}, "kind 'ftp'"),
        ({"sha256": ""}, "hex digits"),
        ({"sha256": "xyz"}, "hex digits"),
        ({"file": "../net.bin"}, "not the name of a file"),
        ({"note": "a\tb"}, "separated by tabs"),
    ],
)
def test_malformed_row_is_named_by_line(tmp_path, changes, message):
    table = write_table_of(tmp_path / "sources.tsv", source(name="ok"), source(**changes))
    with pytest.raises(ConfigError, match=f"line 3.*{message}"):
        read_sources(table)


def test_wrong_header_and_missing_table(tmp_path):
    (tmp_path / "a.tsv").write_text("name\tkind\n")
    with pytest.raises(ConfigError, match="expected"):
        read_sources(tmp_path / "a.tsv")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_sources(tmp_path / "none.tsv")


def test_shipped_table_is_valid_and_pins_what_runs_by_default():
    sources = read_sources(TABLE)
    assert len(sources["musicnn"].sha256) == 64
    for row in sources.values():
        assert len(row.sha256) == 64 or "only the start of the sha256" in row.note


def test_command_exits_with_2_for_an_unknown_name(tmp_path, caplog):
    table = write_table_of(tmp_path / "sources.tsv", source())
    files = ["--sources", str(table), "--out", str(tmp_path / "o")]
    assert cli.main(["fetch", "--settings", '{"mirror": null}', "--name", "nett", *files]) == 2
    assert "no source named 'nett'" in caplog.text


def test_command_takes_the_mirror_from_the_environment(tmp_path, monkeypatch):
    (tmp_path / "net.bin").write_bytes(CONTENT)
    monkeypatch.setenv("UGAAR_MIRROR", str(tmp_path))
    table = write_table_of(tmp_path / "sources.tsv", source())
    files = ["--sources", str(table), "--out", str(tmp_path / "out.bin")]
    assert cli.main(["fetch", "--settings", '{"mirror": null}', "--name", "net", *files]) == 0
    assert (tmp_path / "out.bin").read_bytes() == CONTENT


def test_mirror_that_is_no_folder_is_an_error(tmp_path, caplog):
    table = write_table_of(tmp_path / "sources.tsv", source())
    files = ["--sources", str(table), "--out", str(tmp_path / "out.bin")]
    settings = f'{{"mirror": "{tmp_path}/none"}}'
    assert cli.main(["fetch", "--settings", settings, "--name", "net", *files]) == 2
    assert "is not a folder" in caplog.text
