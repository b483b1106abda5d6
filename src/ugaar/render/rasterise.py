"""PostScript pages to greyscale pixels, many files through one Ghostscript process."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ugaar.errors import ToolError
from ugaar.render import external
from ugaar.render.batch import StoppedError

MEDIA = re.compile(rb"%%DocumentMedia: \S+ ([\d.]+) ([\d.]+)")
PAGES = re.compile(rb"%%Pages: 1\n")
DATA_FOLDER = re.compile(rb"/lilypond-datadir \(([^)]*)\) put")
HEADER_BYTES = 1000
ALPHA_BITS = 4
"""Anti-aliasing as LilyPond itself asks of Ghostscript."""


def rasterise(
    pages: Sequence[Path],
    dpi: float,
    folder: Path,
    stall_s: float,
    program: external.Program = external.GHOSTSCRIPT,
) -> Iterator[NDArray[np.uint8]]:
    """Draw PostScript files of one page each, in order, each at its own page size.

    Args:
        pages: the files, made by LilyPond.
        dpi: resolution.
        folder: working folder.
        stall_s: the process is stopped when it draws nothing for so long, seconds.
        program: Ghostscript.

    Yields:
        Images (height, width), 255 = white.

    Raises:
        StoppedError: the process ended or hung before the next page was drawn.
        ToolError: Ghostscript is missing or the disk is full.
    """
    arguments = [
        *("-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-sDEVICE=pgmraw", f"-r{dpi:g}"),
        *(f"-dTextAlphaBits={ALPHA_BITS}", f"-dGraphicsAlphaBits={ALPHA_BITS}"),
        *("-sstdout=%stderr", "-sOutputFile=%stdout"),
    ]
    fonts = None
    for page in pages:
        with page.open("rb") as opened:
            header = opened.read(HEADER_BYTES)
        media, data = MEDIA.search(header), DATA_FOLDER.search(header)
        if media is None or PAGES.search(header) is None:
            break
        if data is not None and fonts is None:
            fonts = data[1].decode()
            arguments.insert(0, f"--permit-file-read={fonts}/fonts/otf/")
        width, height = media[1].decode(), media[2].decode()
        arguments += ["-c", f"<</PageSize [{width} {height}]>> setpagedevice", "-f", str(page)]
    with external.start(
        program, arguments, folder=folder, stall_s=stall_s, stdout=subprocess.PIPE
    ) as process:
        for _ in pages:
            image = _read_image(process)
            if image is None:
                process.wait()
                raise StoppedError(process.complaint())
            yield image


def probe(
    folder: Path, stall_s: float, program: external.Program = external.GHOSTSCRIPT
) -> None:
    """Draw an empty page.

    Raises:
        ToolError: not even that works, so the fault is not in a window.
    """
    page = folder / "probe.ps"
    page.write_bytes(
        b"%!PS-Adobe-3.0\n%%DocumentMedia: any 10 10 80 () ()\n%%Pages: 1\nshowpage\n%%EOF\n"
    )
    try:
        for _ in rasterise([page], 72, folder, stall_s, program):
            pass
    except StoppedError as stop:
        raise ToolError(
            f"{program.name} cannot draw an empty page: {stop}; {program.remedy}"
        ) from stop


def _read_image(process: external.Running) -> NDArray[np.uint8] | None:
    """Read one binary PGM image from the stream; None when the stream ends before it does."""
    magic, size, depth = _line(process), _line(process), _line(process)
    if magic != b"P5" or depth != b"255":
        return None
    width, height = (int(part) for part in size.split())
    pixels = process.read(width * height)
    if len(pixels) < width * height:
        return None
    return np.frombuffer(pixels, np.uint8).reshape(height, width)


def _line(process: external.Running) -> bytes:
    """Read a line of a PGM header, comments left out."""
    line = b""
    while not line.endswith(b"\n"):
        byte = process.read(1)
        if not byte:
            break
        line += byte
    return _line(process) if line.startswith(b"#") else line.strip()
