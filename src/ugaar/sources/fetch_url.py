"""Downloading one file: resumed where it broke off, restarted where that went wrong."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path
from typing import IO

from ugaar.progress import Progress
from ugaar.sources.fetch_retry import Patience, UnavailableError, persist
from ugaar.sources.fetch_table import Source, sha256_of

_PART_BYTES = 1 << 18
_BEYOND_END = 416
_PASSING = (_BEYOND_END, 408, 425, 429, 500, 502, 503, 504)
"""HTTP states that may be over the next time."""


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from an encrypted connection to an open one."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.startswith("https://"):
            raise urllib.error.HTTPError(req.full_url, code, f"leads to {newurl}", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """Return an opener for http and https alone; the default one reads local files, too."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
        _SafeRedirects,
    ):
        opener.add_handler(handler())
    return opener


def download(source: Source, part: Path, patience: Patience) -> None:
    """Download a file by its URL; the caller checks its checksum.

    Args:
        source: what to get.
        part: the file to write. What is there already is taken for the start of an earlier attempt.
        patience: how long to try.

    Raises:
        UnavailableError: the file cannot be had whole.
    """
    resumed = persist(lambda: _attempt(source, part, patience), patience)
    if resumed and not sha256_of(part).startswith(source.sha256):
        # The pieces may be of different versions of the file: once more, in one piece.
        part.unlink()
        persist(lambda: _attempt(source, part, patience), patience)


def _attempt(source: Source, part: Path, patience: Patience) -> bool:
    """Ask once; return whether the file was put together of more than one piece."""
    start = part.stat().st_size if part.exists() else 0
    if start and start == source.n_bytes:
        return True
    request = urllib.request.Request(source.address, headers={"User-Agent": "ugaar"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    with _ask(request, part, patience.silence_s) as reply:
        if reply.status != http.client.PARTIAL_CONTENT:
            start = 0
        elif not reply.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            part.unlink()
            raise UnavailableError(f"{source.address}: asked from byte {start}, got another piece")
        _receive(reply, part, start, source)
    return bool(start)


def _ask(request: urllib.request.Request, part: Path, silence_s: float) -> http.client.HTTPResponse:
    try:
        return _opener().open(request, timeout=silence_s)
    except urllib.error.HTTPError as error:
        with contextlib.closing(error):
            if error.code == _BEYOND_END:
                # What we have is longer than the file: the next attempt asks for all of it.
                part.unlink(missing_ok=True)
            raise UnavailableError(
                f"{request.full_url}: not available (HTTP {error.code} {error.msg})",
                lasting=error.code not in _PASSING,
                after_s=_retry_after_s(error.headers),
            ) from error
    except (http.client.HTTPException, OSError) as error:
        reason = getattr(error, "reason", error)
        raise UnavailableError(
            f"{request.full_url}: not available ({reason})",
            lasting=isinstance(reason, ssl.SSLCertVerificationError),
        ) from error


def _receive(reply: http.client.HTTPResponse, part: Path, start: int, source: Source) -> None:
    """Write a reply to a file from byte `start` on, and check its length."""
    announced = reply.headers.get("Content-Length")
    total = start + int(announced) if announced else source.n_bytes
    if source.n_bytes is not None and announced and total != source.n_bytes:
        part.unlink(missing_ok=True)
        raise UnavailableError(
            f"{source.address}: {total} bytes, expected {source.n_bytes}: another version, or not "
            "the file",
            lasting=True,
        )
    progress = Progress(total - start) if total else None
    size = start
    with open(part, "r+b" if start else "wb") as file:
        file.seek(start)
        while piece := _next_piece(reply, source.address):
            size += len(piece)
            if total is not None and size > total:
                break
            file.write(piece)
            if progress:
                progress.step(len(piece))
    if total is not None and size != total:
        raise UnavailableError(f"{source.address}: broke off after {size} of {total} bytes")


def _next_piece(reply: http.client.HTTPResponse, address: str) -> bytes:
    try:
        return reply.read1(_PART_BYTES)
    except (http.client.HTTPException, OSError) as error:
        raise UnavailableError(f"{address}: broke off ({error or type(error).__name__})") from error


def _retry_after_s(headers: Message | None) -> float:
    """Return the wait that a server asks for in seconds; 0 for none, or for a date."""
    value = headers.get("Retry-After", "") if headers else ""
    return float(value) if value.isdecimal() else 0.0
