"""Guards against downloads that are cut off, changed, redirected or refused."""

import hashlib
import http.server
import socket
import threading
import time

import pytest
from fetch_sources import CONTENT, HASTY, SHA256, url_source

from ugaar.errors import DataError
from ugaar.sources.fetch import fetch
from ugaar.sources.fetch_url import _SafeRedirects

HALF = len(CONTENT) // 2


class Server(http.server.ThreadingHTTPServer):
    """Answers each request as the next of `answers` says; the last one is repeated."""

    answers = ("whole",)

    def __init__(self):
        super().__init__(("localhost", 0), _Handler)
        self.requests = []
        self.over = threading.Event()

    def handle_error(self, request, client_address):
        """Say nothing of clients that hang up."""

    @property
    def address(self):
        """Where it listens."""
        return f"http://localhost:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        requests = self.server.requests
        requests.append((self.path, self.headers.get("Range")))
        answers = self.server.answers
        getattr(self, answers[min(len(requests), len(answers)) - 1])()

    def send(self, code, content=b"", **headers):
        headers = {"Content_Length": str(len(content)), **headers}
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def whole(self):
        self.send(200, CONTENT)

    def piece(self):
        asked = self.headers.get("Range")
        if asked is None:
            return self.whole()
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        where = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
        return self.send(206, CONTENT[start:], Content_Range=where)

    def wrong_piece(self):
        self.send(206, CONTENT[1:], Content_Range=f"bytes 1-{len(CONTENT) - 1}/{len(CONTENT)}")

    def cut(self):
        self.send(200, CONTENT[:HALF], Content_Length=str(len(CONTENT)))

    def cut_chunk(self):
        self.protocol_version = "HTTP/1.1"
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n" % len(CONTENT) + CONTENT[:HALF])
        self.close_connection = True

    def changed(self):
        self.send(200, CONTENT[::-1])

    def changed_half(self):
        self.send(200, CONTENT[::-1][:HALF], Content_Length=str(len(CONTENT)))

    def longer(self):
        self.send(200, CONTENT + b"x")

    def endless(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(CONTENT + b"x" * 10_000_000)

    def moved(self):
        self.send(301, Location="/net.bin")

    def found(self):
        self.send(302, Location=f"{self.server.address}/elsewhere/net.bin")

    def round(self):
        self.send(302, Location=self.path)

    def to_file(self):
        self.send(302, Location="file:///etc/hostname")

    def absent(self):
        self.send(404)

    def failing(self):
        self.send(500)

    def busy(self):
        self.send(503, Retry_After="0")

    def beyond(self):
        self.send(416)

    def drop(self):
        self.connection.shutdown(socket.SHUT_RDWR)

    def slow(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        for start in range(0, len(CONTENT), HALF // 4):
            time.sleep(0.1)
            self.wfile.write(CONTENT[start : start + HALF // 4])

    def stalled(self):
        self.cut()
        self.wfile.flush()
        self.server.over.wait(10 * HASTY.silence_s)


@pytest.fixture
def server():
    with Server() as web:
        thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield web
        web.over.set()
        web.shutdown()
        thread.join()


@pytest.fixture
def get(server, tmp_path):
    """Fetch with the given answers of the server; returns what came and what was asked for."""

    def fetch_with(*answers, **changes):
        server.answers = answers
        server.requests.clear()
        out = tmp_path / "out" / "net.bin"
        fetch(url_source(address=f"{server.address}/net.bin", **changes), out, None, None, HASTY)
        assert out.read_bytes() == CONTENT
        assert list(out.parent.iterdir()) == [out]
        return server.requests

    return fetch_with


@pytest.fixture
def get_fails(get, tmp_path, server):
    """Fetch what cannot be had; returns the message and the number of requests."""

    def fetch_with(*answers, **changes):
        with pytest.raises(DataError) as caught:
            get(*answers, **changes)
        assert not (tmp_path / "out" / "net.bin").exists()
        return str(caught.value), len(server.requests)

    return fetch_with


def test_file_comes_whole(get):
    assert get("whole") == [("/net.bin", None)]


def test_cut_file_is_resumed_where_it_broke_off(get):
    assert get("cut", "piece") == [("/net.bin", None), ("/net.bin", f"bytes={HALF}-")]


@pytest.mark.parametrize("answers", [("cut", "whole"), ("cut_chunk", "whole"), ("cut", "slow")])
def test_server_without_ranges_sends_all_again(get, answers):
    assert len(get(*answers)) == 2


@pytest.mark.parametrize("answers", [("cut", "beyond", "whole"), ("cut", "wrong_piece", "whole")])
def test_refused_or_wrong_piece_is_a_fresh_start(get, answers):
    assert get(*answers)[2] == ("/net.bin", None)


def test_pieces_of_two_versions_are_fetched_again_in_one(get):
    assert [asked for _, asked in get("changed_half", "piece", "whole")] == [
        None,
        f"bytes={HALF}-",
        None,
    ]


@pytest.mark.parametrize("first", ["cut", "stalled", "cut_chunk"])
def test_interrupted_fetch_is_taken_up_by_the_next(get, get_fails, first):
    get_fails(first, "drop")
    assert get("piece")[0][1] == f"bytes={HALF}-"


def test_file_that_was_whole_when_the_process_died_is_not_asked_for_again(get, tmp_path):
    part = tmp_path / "out" / ".fetch" / "net.bin" / f"{SHA256[:16]}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)
    assert get("absent") == []


def test_cut_file_is_never_taken_for_the_whole(get_fails):
    message, asked = get_fails("cut")
    assert asked == HASTY.attempts
    assert f"broke off after {HALF} of {len(CONTENT)} bytes" in message
    assert "UGAAR_MIRROR" in message


def test_changed_file_is_refused_at_once(get_fails, tmp_path):
    message, asked = get_fails("changed")
    assert (asked, "wrong checksum" in message) == (1, True)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("answer", ["longer", "endless"])
def test_longer_file_is_refused_before_it_fills_the_disk(get_fails, answer):
    message, asked = get_fails(answer)
    assert f"{len(CONTENT)}" in message
    assert asked <= HASTY.attempts


def test_size_is_checked_only_where_it_is_known(get):
    get("whole", bytes="")


@pytest.mark.parametrize("answer", ["moved", "found"])
def test_redirects_are_followed(get, answer):
    assert len(get(answer, "whole")) == 2


@pytest.mark.parametrize("answer", ["round", "to_file"])
def test_redirects_to_nowhere_are_errors(get_fails, answer):
    assert "not available" in get_fails(answer)[0]


def test_redirects_from_encrypted_to_open_are_refused():
    import urllib.error
    import urllib.request

    request = urllib.request.Request("https://example.org/a")
    with pytest.raises(urllib.error.HTTPError, match="leads to http:"):
        _SafeRedirects().redirect_request(request, None, 302, "", {}, "http://example.org/a")


@pytest.mark.parametrize(
    "answers", [("failing", "whole"), ("busy", "busy", "whole"), ("drop", "whole")]
)
def test_passing_failures_are_tried_again(get, answers):
    assert len(get(*answers)) == len(answers)


def test_absent_file_is_asked_for_once(get_fails):
    message, asked = get_fails("absent")
    assert (asked, "HTTP 404" in message, "UGAAR_MIRROR" in message) == (1, True, True)


def test_lasting_failure_ends_after_all_attempts(get_fails):
    message, asked = get_fails("failing")
    assert (asked, "HTTP 500" in message) == (HASTY.attempts, True)


def test_slow_server_is_waited_for(get):
    assert len(get("slow")) == 1


def test_silent_server_is_left_and_asked_again(get):
    assert get("stalled", "piece")[1] == ("/net.bin", f"bytes={HALF}-")


def test_refused_connection_names_the_address_and_the_mirror(tmp_path):
    (tmp_path / "mirror").mkdir()
    with pytest.raises(DataError, match=r"mirror has no net\.bin; http://localhost:9/net\.bin"):
        fetch(url_source(), tmp_path / "net.bin", tmp_path / "mirror", None, HASTY)


def test_other_content_does_not_continue_an_old_part(get, get_fails, tmp_path):
    get_fails("cut", "drop", sha256=hashlib.sha256(b"other").hexdigest())
    assert get("piece")[0] == ("/net.bin", None)
