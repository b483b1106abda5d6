"""Verovio in a process of its own: MEI in, SVG out, each with its length in front.

Started as a script, it needs no module of this package. An error inside the library, which is
C++, ends this process and no other.
"""

from __future__ import annotations

import os
import struct
import sys
from typing import IO

LENGTH = struct.Struct("<I")
DRAWN, REFUSED = b"+", b"-"

UNITS_PER_SPACE = 2
"""Verovio counts line widths in half staff spaces."""

STAFF_LINE_SPACES = 0.15
"""Width of a staff line in staff spaces. LilyPond's 0.1 comes out of Ghostscript as 0.15, because
that inks every subpixel a line touches; lines of 0.1 drawn exactly are too pale to be ink."""

OPTIONS = {
    "breaks": "none",
    "header": "none",
    "footer": "none",
    "adjustPageWidth": True,
    "adjustPageHeight": True,
    "pageMarginLeft": 0,
    "pageMarginRight": 0,
    "pageMarginTop": 0,
    "pageMarginBottom": 0,
    "staffLineWidth": STAFF_LINE_SPACES * UNITS_PER_SPACE,
    "svgFormatRaw": True,
    "svgRemoveXlink": True,
    # Names that Verovio gives to what has none; without a seed they differ from run to run.
    "xmlIdSeed": 1,
}


def frame(content: bytes) -> bytes:
    """Return content with its length in front."""
    return LENGTH.pack(len(content)) + content


def _read(stream: IO[bytes]) -> bytes | None:
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    return stream.read(length)


def main() -> None:
    """Answer documents until standard input ends."""
    import verovio

    # What the library itself prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    verovio.enableLog(verovio.LOG_WARNING)
    toolkit = verovio.toolkit()
    toolkit.setOptions(OPTIONS)
    while (document := _read(sys.stdin.buffer)) is not None:
        if toolkit.loadData(document.decode("ascii")) and toolkit.getPageCount() == 1:
            answer = DRAWN + toolkit.renderToSVG(1).encode()
        else:
            answer = REFUSED + toolkit.getLog().encode()
        answers.write(frame(answer))
        answers.flush()


if __name__ == "__main__":
    main()
