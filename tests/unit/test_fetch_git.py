"""Guards against a repository that moved, lies, is cut off or wants to run something."""

import http.server
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import zipfile

import pytest
from fetch_sources import (
    FILES,
    HASTY,
    commit_all,
    digest_of,
    git,
    git_source,
    make_repository,
    read_zip,
    write_files,
)

from ugaar.errors import DataError, ToolError
from ugaar.sources.fetch import fetch
from ugaar.sources.fetch_git import Repository
from ugaar.sources.fetch_process import run
from ugaar.sources.fetch_retry import UnavailableError

BACKEND = "http-backend"


@pytest.fixture
def origin(tmp_path):
    """A repository; returns its folder and the commit with the wanted files."""
    folder = tmp_path / "origin"
    return folder, make_repository(folder)


class _Backend(http.server.BaseHTTPRequestHandler):
    """Serves repositories over HTTP by git's own CGI program."""

    protocol_version = "HTTP/1.0"

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.server.failures:
            self.server.failures.pop()
            self.send_error(503)
            return
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("Content-Length") or 0)
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(
            ["git", BACKEND], env=environment, input=self.rfile.read(length), capture_output=True
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: self.server.cut_after])
        self.server.sent += len(body)

    def do_POST(self):
        self.do_GET()


@pytest.fixture
def web(tmp_path):
    """A web server of the repositories in the test's folder."""
    if subprocess.run(["git", BACKEND], capture_output=True).returncode == 1:
        pytest.skip("this git has no http-backend")
    with http.server.ThreadingHTTPServer(("localhost", 0), _Backend) as server:
        server.root = tmp_path
        server.failures, server.cut_after, server.sent = [], None, 0
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        server.address = f"http://localhost:{server.server_port}/origin/.git"
        yield server
        server.shutdown()
        thread.join()


def test_wanted_files_of_the_commit_come_packed(tmp_path, origin):
    folder, commit = origin
    fetch(git_source(folder.as_uri(), commit), tmp_path / "out" / "a.zip", None)
    assert read_zip(tmp_path / "out" / "a.zip") == FILES
    assert os.listdir(tmp_path / "out") == ["a.zip"]


def test_web_server_sends_the_commit_and_the_wanted_files_alone(tmp_path, origin, web):
    folder, _ = origin
    write_files(folder, {"other/large.bin": os.urandom(200_000)})
    source = git_source(web.address, commit_all(folder))
    fetch(source, tmp_path / "a.zip", None, patience=HASTY)
    assert read_zip(tmp_path / "a.zip") == FILES
    assert 0 < web.sent < 20_000


def test_server_without_partial_transfer_serves_as_well(tmp_path, origin):
    folder, commit = origin
    git(folder, "config", "uploadpack.allowFilter", "false")
    fetch(git_source(folder.as_uri(), commit), tmp_path / "a.zip", None)
    assert read_zip(tmp_path / "a.zip") == FILES


def test_archive_is_the_same_bytes_each_time(tmp_path, origin):
    folder, commit = origin
    source = git_source(folder.as_uri(), commit)
    fetch(source, tmp_path / "a.zip", None)
    time.sleep(0.01)
    fetch(source, tmp_path / "b.zip", None)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == sorted(FILES)
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_branch_that_moved_on_changes_nothing(tmp_path, origin):
    folder, commit = origin
    write_files(folder, {"songs/a.npy": b"newer", "songs/new.npy": b"more"})
    commit_all(folder)
    fetch(git_source(folder.as_uri(), commit), tmp_path / "a.zip", None)
    assert read_zip(tmp_path / "a.zip") == FILES


def test_commit_that_is_gone_is_an_error_that_names_it(tmp_path, origin):
    folder, commit = origin
    shutil.rmtree(folder / ".git")
    git(folder, "init", "--quiet")
    write_files(folder, {"new": b""})
    commit_all(folder)
    with pytest.raises(DataError, match=f"commit {commit} cannot be had.*UGAAR_MIRROR"):
        fetch(git_source(folder.as_uri(), commit), tmp_path / "a.zip", None, patience=HASTY)
    assert not (tmp_path / "a.zip").exists()


def test_commit_with_other_content_than_the_digest_is_refused(tmp_path, origin):
    folder, _ = origin
    write_files(folder, {"songs/a.npy": b"ONE"})
    source = git_source(folder.as_uri(), commit_all(folder))
    with pytest.raises(DataError, match=f"expected {digest_of(FILES)}"):
        fetch(source, tmp_path / "a.zip", None)
    assert not (tmp_path / "a.zip").exists()


def test_commit_with_fewer_files_is_refused(tmp_path, origin):
    folder, _ = origin
    (folder / "songs" / "a.npy").unlink()
    source = git_source(folder.as_uri(), commit_all(folder))
    with pytest.raises(DataError, match="3 files of 10 bytes, expected 4 of 13"):
        fetch(source, tmp_path / "a.zip", None)


def test_tree_or_tag_in_place_of_a_commit_is_refused(tmp_path, origin):
    folder, commit = origin
    tree = git(folder, "rev-parse", f"{commit}^{{tree}}")
    with pytest.raises(DataError, match=tree):
        fetch(git_source(folder.as_uri(), tree), tmp_path / "a.zip", None, patience=HASTY)


def test_links_are_not_followed(tmp_path, origin):
    folder, _ = origin
    (tmp_path / "secret.npy").write_bytes(b"secret")
    (folder / "songs" / "link.npy").symlink_to("../../secret.npy")
    fetch(git_source(folder.as_uri(), commit_all(folder)), tmp_path / "a.zip", None)
    assert read_zip(tmp_path / "a.zip") == FILES


def test_nothing_of_the_repository_changes_or_runs(tmp_path, origin):
    folder, _ = origin
    ran = tmp_path / "ran"
    template = tmp_path / "template" / "hooks"
    template.mkdir(parents=True)
    for hook in ("post-checkout", "reference-transaction"):
        (template / hook).write_text(f"#!/bin/sh\ntouch {ran}\n")
        (template / hook).chmod(stat.S_IRWXU)
    write_files(folder, {".gitattributes": b"* text eol=crlf\n*.npy filter=evil\n"})
    write_files(folder, {"list.json": b"{\n}"})
    files = FILES | {"list.json": b"{\n}"}
    commit = commit_all(folder)
    source = git_source(
        folder.as_uri(), commit, sha256=digest_of(files), bytes=str(sum(map(len, files.values())))
    )
    with pytest.MonkeyPatch.context() as patch:
        settings = {"init.templateDir": tmp_path / "template", "filter.evil.smudge": f"touch {ran}"}
        settings["core.hooksPath"] = template
        patch.setenv("GIT_CONFIG_COUNT", str(len(settings)))
        for number, (key, value) in enumerate(settings.items()):
            patch.setenv(f"GIT_CONFIG_KEY_{number}", key)
            patch.setenv(f"GIT_CONFIG_VALUE_{number}", str(value))
        # As inside a hook of the user's own repository.
        patch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
        fetch(source, tmp_path / "a.zip", None)
    assert read_zip(tmp_path / "a.zip") == files
    assert not ran.exists()


def test_other_protocols_are_closed(tmp_path, origin):
    folder, commit = origin
    own = tmp_path / "own.git"
    git(tmp_path, "init", "--quiet", "--bare", str(own))
    repository = Repository(own, "https", HASTY)
    git(own, "config", "protocol.ext.allow", "always")
    git(own, "config", "protocol.file.allow", "always")
    for number, address in enumerate((f"ext::touch {tmp_path}/ran", folder.as_uri())):
        repository.call("remote", "add", f"r{number}", address)
        with pytest.raises(UnavailableError, match="not allowed"):
            repository.fetch(f"r{number}", commit)
    assert not (tmp_path / "ran").exists()


def test_server_that_recovers_is_asked_again(tmp_path, origin, web):
    web.failures = [503]
    fetch(git_source(web.address, origin[1]), tmp_path / "a.zip", None, patience=HASTY)
    assert read_zip(tmp_path / "a.zip") == FILES


def test_cut_off_transfer_is_an_error_and_the_next_fetch_works(tmp_path, origin, web):
    source = git_source(web.address, origin[1])
    web.cut_after = 120
    with pytest.raises(DataError, match="cannot be had"):
        fetch(source, tmp_path / "a.zip", None, patience=HASTY)
    assert not (tmp_path / "a.zip").exists()
    web.cut_after = None
    fetch(source, tmp_path / "a.zip", None, patience=HASTY)
    assert read_zip(tmp_path / "a.zip") == FILES


@pytest.mark.parametrize("address", ["http://localhost:9/songs", "file:///no/such/folder"])
def test_unreachable_repository_is_an_error_that_names_the_mirror(tmp_path, address):
    with pytest.raises(DataError, match=f"{address}.*cannot be had.*UGAAR_MIRROR"):
        fetch(git_source(address, "0" * 40), tmp_path / "a.zip", None, patience=HASTY)


def test_repository_that_asks_for_a_password_fails_without_waiting(tmp_path):
    class Locked(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.send_header("Content-Length", "0")
            self.end_headers()

    with http.server.ThreadingHTTPServer(("localhost", 0), Locked) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        source = git_source(f"http://localhost:{server.server_port}/songs", "0" * 40)
        try:
            with pytest.raises(DataError, match="could not read Username"):
                fetch(source, tmp_path / "a.zip", None, patience=HASTY)
        finally:
            server.shutdown()


FETCH = """
import signal, sys
# A shell starts commands in the background with SIGINT ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path[:0] = sys.argv[4:]
from pathlib import Path
from fetch_sources import git_source
from ugaar.sources import fetch_git
from ugaar.sources.fetch import fetch
pack = fetch_git.pack
def stop(out, files):
    pack(out, files)
    print("packed", flush=True)
    sys.stdin.read()
fetch_git.pack = stop
fetch(git_source(sys.argv[1], sys.argv[2]), Path(sys.argv[3]), None)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_fetch_leaves_no_file_and_can_be_repeated(tmp_path, origin, how):
    folder, commit = origin
    out = tmp_path / "out" / "a.zip"
    process = subprocess.Popen(
        [sys.executable, "-c", FETCH, folder.as_uri(), commit, str(out), *sys.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        assert process.stdout.readline() == b"packed\n"
        process.send_signal(how)
    assert not out.exists()
    fetch(git_source(folder.as_uri(), commit), out, None)
    assert read_zip(out) == FILES
    assert os.listdir(out.parent) == ["a.zip"]


def test_program_that_hangs_is_killed_with_its_children(tmp_path):
    command = ["bash", "-c", f"(sleep 2; touch {tmp_path}/late) & wait"]
    with pytest.raises(UnavailableError, match=r"did not end in 0\.3 seconds"):
        run(command, 0.3)
    time.sleep(2)
    assert not (tmp_path / "late").exists()


def test_missing_program_is_named_with_its_remedy():
    with pytest.raises(ToolError, match="no-such-git: no such program; install it"):
        run(["no-such-git"], 1)
