"""Many windows or pieces through one LilyPond process, to PostScript and notehead positions."""

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
from ugaar.render.engrave import HEADS_FILE, Engraving, book_name, document
from ugaar.render.layout import Layout
from ugaar.render.notation import WrittenHead
from ugaar.render.timeline import WHOLE

SOURCE = "books.ly"
ERROR = re.compile(rf"{re.escape(SOURCE)}:(\d+):\d+: (?:fatal )?error: (.*)")
END_OF_POSTSCRIPT = b"%%EOF"


@dataclass(frozen=True)
class Engraved:
    """What LilyPond made of a window or piece.

    Attributes:
        postscript: one page.
        note_index: number of the note that each head stands for, in order.
        head_x_spaces: centre of each head in staff spaces from the left end of the staff.
    """

    postscript: bytes
    note_index: tuple[int, ...]
    head_x_spaces: tuple[float, ...]


class _Report:
    """Reads, while LilyPond writes it, which book has started and where the noteheads lie."""

    def __init__(self, path: Path) -> None:
        self.started = -1
        self.heads: dict[int, list[tuple[Fraction, int, int, float]]] = defaultdict(list)
        self._path = path
        self._position = 0

    def has_started(self, number: int) -> bool:
        """Tell whether LilyPond has begun a book, and so has finished those before it."""
        if self.started < number and self._path.exists():
            with self._path.open("rb") as opened:
                opened.seek(self._position)
                content = opened.read()
            whole = content[: content.rfind(b"\n") + 1]
            self._position += len(whole)
            for line in whole.decode("ascii").splitlines():
                self._take(line.split())
        return self.started >= number

    def _take(self, fields: list[str]) -> None:
        if len(fields) == 1:
            self.started = int(fields[0])
        else:
            book, moment, staff, position, left, right = fields
            centre = (float(left) + float(right)) / 2
            self.heads[int(book)].append((Fraction(moment), int(staff), int(position), centre))


def engrave(
    engravings: Sequence[Engraving],
    layout: Layout,
    folder: Path,
    stall_s: float,
    program: external.Program = external.LILYPOND,
) -> Iterator[Engraved | Failure]:
    """Engrave windows or pieces in order with one process, yielding each as soon as it is done.

    Args:
        engravings: the windows or pieces as LilyPond text.
        layout: size of the strip.
        folder: working folder.
        stall_s: the process is stopped when it finishes none for so long, seconds.
        program: LilyPond.

    Yields:
        What became of each, in order.

    Raises:
        StoppedError: the process ended or hung before the next one was done.
        ToolError: LilyPond is missing.
        DiskFullError: the disk is full.
    """
    text, first_line = document(engravings, layout)
    arguments = ["--silent", "--ps", "-dno-point-and-click", "-dgs-load-lily-fonts", SOURCE]
    with tempfile.TemporaryDirectory(dir=folder) as name:
        own = Path(name)
        (own / SOURCE).write_text(text, encoding="ascii")
        report = _Report(own / HEADS_FILE)
        with external.start(program, arguments, folder=own, stall_s=stall_s) as process:
            for number, engraving in enumerate(engravings):
                following = number + 1
                if not process.wait_until(lambda: report.has_started(following)):  # noqa: B023
                    raise StoppedError(process.complaint())
                page = own / f"{book_name(number)}.ps"
                errors = _errors(process.messages(), first_line + number)
                result: Engraved | Failure
                if errors:
                    result = Failure("lilypond-error", "; ".join(errors))
                elif not page.exists():
                    result = Failure("lilypond-error", "LilyPond wrote no page for it")
                else:
                    result = _engraved(page.read_bytes(), report.heads.pop(number, []), engraving)
                process.check_disk(failed=isinstance(result, Failure))
                yield result
                page.unlink(missing_ok=True)


def probe(
    layout: Layout, folder: Path, stall_s: float, program: external.Program = external.LILYPOND
) -> None:
    """Engrave one middle C.

    Raises:
        ToolError: not even that works, so the fault is not in a window.
    """
    known_good = Engraving("c'4", (WrittenHead(Fraction(0), 0, -6, 0, WHOLE // 4),))
    try:
        for result in engrave([known_good], layout, folder, stall_s, program):
            if isinstance(result, Failure):
                raise StoppedError(result.detail)
    except StoppedError as stop:
        raise ToolError(
            f"{program.name} cannot engrave a single note: {stop}; {program.remedy}, "
            "and check with `ugaar doctor`"
        ) from stop


def _errors(messages: str, line: int) -> list[str]:
    """Return LilyPond's errors about one line of the source."""
    return [text.strip() for found, text in ERROR.findall(messages) if int(found) == line]


def _engraved(
    page: bytes, found: list[tuple[Fraction, int, int, float]], engraving: Engraving
) -> Engraved | Failure:
    """Match LilyPond's heads with ours: moment, staff and line must agree, or the music is not."""
    if END_OF_POSTSCRIPT not in page[-64:]:
        return Failure("lilypond-error", "LilyPond's page is cut short")
    found = sorted(found, key=lambda head: head[:3])
    heads = engraving.heads
    if [moment for moment, *_ in found] != [head.moment for head in heads]:
        return Failure(
            "heads-differ",
            f"{len(found)} noteheads engraved, {len(heads)} written, or at other times",
        )
    for (moment, staff, position, _), head in zip(found, heads, strict=True):
        if (staff, position) != (head.staff, head.position):
            return Failure(
                "heads-differ",
                f"notehead at {moment} engraved at {position} on staff {staff}, "
                f"written at {head.position} on staff {head.staff}",
            )
    return Engraved(page, tuple(head.note for head in heads), tuple(x for *_, x in found))
