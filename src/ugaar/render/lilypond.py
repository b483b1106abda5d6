"""Batches of windows through one LilyPond process, to PostScript and notehead positions."""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ugaar.errors import ToolError
from ugaar.render import external
from ugaar.render.batch import Failure, StoppedError
from ugaar.render.engrave import HEADS_FILE, Engraving, Layout, book_name, document

SOURCE = "books.ly"
ERROR = re.compile(rf"{re.escape(SOURCE)}:(\d+):\d+: (?:fatal )?error: (.*)")
END_OF_POSTSCRIPT = b"%%EOF"


@dataclass(frozen=True)
class Engraved:
    """What LilyPond made of a window.

    Attributes:
        postscript: file with one page.
        note_index: number of the note that each head stands for, in order of time and pitch.
        head_x_spaces: centre of each head in staff spaces from the left end of the staff.
    """

    postscript: Path
    note_index: tuple[int, ...]
    head_x_spaces: tuple[float, ...]


def engrave(
    engravings: Sequence[Engraving],
    layout: Layout,
    folder: Path,
    stall_s: float,
    program: external.Program = external.LILYPOND,
) -> Iterator[Engraved | Failure]:
    """Engrave windows in order with one process.

    Args:
        engravings: the windows as LilyPond text.
        layout: size of the strip.
        folder: working folder; each call makes its own folder in it.
        stall_s: the process is stopped when it finishes no window for so long, seconds.
        program: LilyPond.

    Yields:
        What became of each window, in order.

    Raises:
        StoppedError: the process ended or hung before the next window was done.
        ToolError: LilyPond is missing or the disk is full.
    """
    own = Path(tempfile.mkdtemp(dir=folder, prefix="lilypond-"))
    text, first_line = document([engraving.music for engraving in engravings], layout)
    (own / SOURCE).write_text(text, encoding="ascii")
    arguments = ["--silent", "--ps", "-dno-point-and-click", "-dgs-load-lily-fonts", SOURCE]
    with external.start(program, arguments, folder=own, stall_s=stall_s) as process:
        process.wait(lambda: sum(1 for _ in own.iterdir()))
        complaint = process.complaint()
        messages = process.messages()
    errors = {int(line) - first_line: text for line, text in reversed(ERROR.findall(messages))}
    heads = _read_heads(own / HEADS_FILE)
    pages = [own / f"{book_name(number)}.ps" for number in range(len(engravings))]
    done = [_is_complete(page) for page in pages]
    for number, engraving in enumerate(engravings):
        if number in errors:
            yield Failure("lilypond-error", errors[number])
        elif done[number]:
            yield _engraved(pages[number], heads[number], engraving)
        elif any(done[number:]):
            yield Failure("lilypond-error", "LilyPond wrote no page for it")
        else:
            raise StoppedError(complaint)


def probe(
    layout: Layout, folder: Path, stall_s: float, program: external.Program = external.LILYPOND
) -> None:
    """Engrave one middle C.

    Raises:
        ToolError: not even that works, so the fault is not in a window.
    """
    known_good = Engraving("c'4", ((Fraction(0), 0),), (0,))
    try:
        for result in engrave([known_good], layout, folder, stall_s, program):
            if isinstance(result, Failure):
                raise StoppedError(result.detail)
    except StoppedError as stop:
        raise ToolError(
            f"{program.name} cannot engrave a single note: {stop}; {program.remedy}, "
            "and check with `ugaar doctor`"
        ) from stop


def _is_complete(page: Path) -> bool:
    if not page.exists():
        return False
    with page.open("rb") as opened:
        opened.seek(max(0, page.stat().st_size - 64))
        return END_OF_POSTSCRIPT in opened.read()


def _read_heads(path: Path) -> dict[int, list[tuple[Fraction, float]]]:
    """Return moment (whole notes) and centre (staff spaces) of the heads of each book."""
    heads: dict[int, list[tuple[Fraction, float]]] = defaultdict(list)
    if path.exists():
        for line in path.read_text(encoding="ascii").splitlines():
            fields = line.split()
            if len(fields) == 4:
                left, right = float(fields[2]), float(fields[3])
                heads[int(fields[0])].append((Fraction(fields[1]), (left + right) / 2))
    return heads


def _engraved(
    page: Path, found: list[tuple[Fraction, float]], engraving: Engraving
) -> Engraved | Failure:
    """Match LilyPond's heads with ours; their moments must agree, or what is engraved is wrong."""
    found = sorted(found, key=lambda head: head[0])
    expected = [moment for moment, _ in engraving.heads]
    if [moment for moment, _ in found] != expected:
        return Failure(
            "heads-differ", f"{len(found)} heads engraved, {len(expected)} expected, or other times"
        )
    return Engraved(
        page, tuple(note for _, note in engraving.heads), tuple(x for _, x in found)
    )
