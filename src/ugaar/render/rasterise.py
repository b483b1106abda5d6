"""PostScript pages to greyscale pixels through one Ghostscript process that stays open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ugaar.errors import ToolError
from ugaar.render import external
from ugaar.render.batch import Failure, StoppedError

MEDIA = re.compile(rb"%%DocumentMedia: \S+ ([\d.]+) ([\d.]+)")
ONE_PAGE = re.compile(rb"%%Pages: 1\n")
DATA_FOLDER = re.compile(rb"/lilypond-datadir where \{pop\} \{userdict /lilypond-datadir \((.+?)\)")
FONT = re.compile(rb"%%BeginFont.*?%%EndFont\n", re.DOTALL)
HEADER_BYTES = 1000
PAGE_FILE, FONT_FILE = "page.ps", "fonts.ps"
ALPHA_BITS = 4
"""Anti-aliasing as LilyPond itself asks of Ghostscript."""

PROBE_PAGE = b"%!PS-Adobe-3.0\n%%DocumentMedia: any 10 10 80 () ()\n%%Pages: 1\nshowpage\n%%EOF\n"


class Rasteriser:
    """Draws LilyPond's PostScript pages, each at its own size.

    Ghostscript runs interactively: it gets one line for each page and answers with one image.
    (Reading programs from a plain pipe, it would wait for a full buffer.) LilyPond's music font
    is loaded once; every page runs between `save` and `restore`, so pages leave no trace. A page
    that ends the process is tried once more in a new one.

    Args:
        dpi: resolution.
        folder: working folder.
        stall_s: the process is stopped when it draws nothing for so long, seconds.
        program: Ghostscript.
    """

    def __init__(
        self,
        dpi: float,
        folder: Path,
        stall_s: float,
        program: external.Program = external.GHOSTSCRIPT,
    ) -> None:
        self._dpi = dpi
        self._folder = folder
        self._stall_s = stall_s
        self._program = program
        self._stack = ExitStack()
        self._process: external.Running | None = None
        self._fonts: set[bytes] = set()
        self._proved = False

    def draw(self, page: bytes) -> NDArray[np.uint8] | Failure:
        """Return the image of a page (height, width), 255 = white, or why there is none.

        Raises:
            ToolError: Ghostscript is missing or cannot even draw an empty page.
        """
        media = MEDIA.search(page, 0, HEADER_BYTES)
        if media is None or ONE_PAGE.search(page, 0, HEADER_BYTES) is None:
            return Failure("lilypond-error", "LilyPond's PostScript does not state one page")
        for last_try in (False, True):
            try:
                image = self._answer(page, media)
            except StoppedError as stop:
                self.close()
                if last_try:
                    self._prove()
                    return Failure("ghostscript-failed", str(stop))
            else:
                self._proved = True
                return image
        raise AssertionError("unreachable")

    def close(self) -> None:
        """End Ghostscript."""
        self._stack.close()
        self._process = None
        self._fonts.clear()

    def _prove(self) -> None:
        if self._proved:
            return
        media = MEDIA.search(PROBE_PAGE)
        assert media is not None
        try:
            self._answer(PROBE_PAGE, media)
        except StoppedError as stop:
            self.close()
            raise ToolError(
                f"{self._program.name} cannot draw an empty page: {stop}; {self._program.remedy}"
            ) from stop

    def _answer(self, page: bytes, media: re.Match[bytes]) -> NDArray[np.uint8]:
        if self._process is None:
            self._process = self._start(page)
        fonts = [font for font in dict.fromkeys(FONT.findall(page)) if font not in self._fonts]
        self._fonts.update(fonts)
        (self._folder / FONT_FILE).write_bytes(b"".join(fonts))
        (self._folder / PAGE_FILE).write_bytes(FONT.sub(b"", page))
        self._process.progressed()
        size = f"{media[1].decode()} {media[2].decode()}"
        command = (
            f"{{ ({FONT_FILE}) run save <</PageSize [{size}]>> setpagedevice "
            f"({PAGE_FILE}) run restore }} stopped {{ handleerror 1 .quit }} if\n"
        )
        self._process.write(command.encode("ascii"))
        image = _read_image(self._process)
        if image is None:
            self._process.wait()
            raise StoppedError(self._process.complaint())
        return image

    def _start(self, page: bytes) -> external.Running:
        arguments = [
            *("-q", "-dSAFER", "-dNOPAUSE", "-dNOPROMPT", "-sDEVICE=pgmraw", f"-r{self._dpi:g}"),
            *(f"-dTextAlphaBits={ALPHA_BITS}", f"-dGraphicsAlphaBits={ALPHA_BITS}"),
            *("-sstdout=%stderr", "-sOutputFile=%stdout"),
            *(f"--permit-file-read={name}" for name in (FONT_FILE, PAGE_FILE)),
        ]
        data = DATA_FOLDER.search(page)
        if data:
            arguments.append(f"--permit-file-read={data[1].decode()}/fonts/otf/")
        process = self._stack.enter_context(
            external.start(
                self._program, arguments, folder=self._folder, stall_s=self._stall_s, piped=True
            )
        )
        if data:
            process.write(b"/lilypond-datadir (%s) def\n" % data[1])
        return process


@contextmanager
def rasteriser(
    dpi: float,
    folder: Path,
    stall_s: float,
    program: external.Program = external.GHOSTSCRIPT,
) -> Iterator[Rasteriser]:
    """Yield a `Rasteriser` that is closed at the end of the block."""
    opened = Rasteriser(dpi, folder, stall_s, program)
    try:
        yield opened
    finally:
        opened.close()


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
