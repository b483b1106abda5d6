"""LilyPond text for windows: one unrolled line each, made of numbers only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ugaar.render import spelling
from ugaar.render.durations import Symbol, Tuplet
from ugaar.render.layout import Layout
from ugaar.render.notation import Notation, WrittenSegment, notation
from ugaar.render.timeline import WHOLE

BOOKS_PER_COLLECTION = 25
"""Books between two garbage collections. LilyPond collects several times for each of our tiny
books, which takes more than half of its time; collecting by hand keeps memory as low."""

ALTERATIONS = {-3: "eseses", -2: "eses", -1: "es", 0: "", 1: "is", 2: "isis", 3: "isisis"}

HEADS_FILE = "heads.txt"

PREAMBLE = r"""\version "2.24.0"
#(define heads (open-output-file "@HEADS@"))
#(define book-number 0)
#(define (report-head grob)
  (let ((x (ly:grob-extent grob (ly:grob-system grob) X)))
    (format heads "~a ~a ~a ~a\n" book-number (ly:moment-main (grob::when grob)) (car x) (cdr x))))
#(define (next-book number)
  (if (= 0 (modulo number @COLLECT@)) (begin (gc-enable) (gc) (gc-disable)))
  (set! book-number number)
  (format heads "~a\n" number)
  (force-output heads))
#(gc-disable)
\paper {
  page-breaking = #ly:one-line-breaking
  paper-height = @HEIGHT@\bp
  left-margin = @MARGIN@\bp right-margin = @MARGIN@\bp top-margin = 0 bottom-margin = 0
  indent = 0 ragged-right = ##t ragged-last = ##t
  tagline = ##f print-page-number = ##f
  oddHeaderMarkup = ##f evenHeaderMarkup = ##f oddFooterMarkup = ##f evenFooterMarkup = ##f
  top-system-spacing = #'((basic-distance . @MIDDLE@) (minimum-distance . @MIDDLE@)
                          (padding . -1000) (stretchability . 0))
  last-bottom-spacing = #'((basic-distance . 0) (minimum-distance . 0) (padding . -1000))
}
\layout {
  \context { \Score \remove Bar_number_engraver }
  \context { \Voice \override NoteHead.after-line-breaking = #report-head }
}
"""
"""The page is as high as the strip and the middle line of the staff is pinned to half of it, so
that LilyPond itself crops. `report-head` writes where each notehead came to lie, `next-book` which
book is about to start; both to a file, because messages arrive torn."""


@dataclass(frozen=True)
class Engraving:
    """A window ready for LilyPond.

    Attributes:
        music: the notes as LilyPond text.
        heads: written noteheads in order of time, then pitch: moment in whole notes, and the
            number of the note; tied heads repeat it.
        staff_positions: staff position of each head in half staff spaces above the middle line.
    """

    music: str
    heads: tuple[tuple[Fraction, int], ...]
    staff_positions: tuple[int, ...]


def engraving(window: Mapping, layout: Layout) -> Engraving:
    """Return a window's notes as LilyPond text.

    Args:
        window: a row of the windows table with pitch, onset_tick, duration_tick, bar_tick,
            meter_tick, meter and key_fifths.
        layout: rule for the clef, and how high the strip is.

    Raises:
        NotationError: the notes cannot be engraved.
    """
    plan = notation(window, layout)
    key = plan.key_fifths
    text = [rf'\clef "{plan.clef.name}"']
    if key is not None:
        text.append(rf"\key {_letter(spelling.tonic(key))} \major")
    if not plan.has_bars:
        text.append(r"\cadenzaOn")
    if all(part.segment.meter is None for part in plan.parts):
        text.append(r"\omit Staff.TimeSignature")
    for index, part in enumerate(plan.parts):
        meter, bar_length = part.segment.meter, part.segment.bar_length
        if meter:
            text.append(rf"\time {meter[0]}/{meter[1]}")
        if bar_length is not None:
            text.append(rf"\set Timing.measureLength = {_moment(bar_length)}")
            if index == 0:
                position = part.start - part.segment.bar_start
                text.append(rf"\set Timing.measurePosition = {_moment(position)}")
        text += _segment(part, plan)
    if plan.closed:
        text.append(r'\bar "|"')
    return Engraving(" ".join(text), plan.heads(), plan.staff_positions())


def document(musics: Sequence[str], layout: Layout) -> tuple[str, int]:
    """Return one LilyPond file with a book, `000000.ps` and so on, for each window.

    Args:
        musics: LilyPond texts of the windows.
        layout: size of the strip.

    Returns:
        The file's text, and the number of the line (from 1) that holds the first book; each
        book is one line, so the line in a message names the window.
    """
    values = {
        "HEADS": HEADS_FILE,
        "COLLECT": str(BOOKS_PER_COLLECTION),
        "HEIGHT": f"{layout.height_px * 72 / layout.dpi:.6f}",
        "MARGIN": f"{layout.margin_px * 72 / layout.dpi:.6f}",
        "MIDDLE": f"{layout.height_px / 2 / layout.pixels_per_space:.6f}",
    }
    head = PREAMBLE
    for name, value in values.items():
        head = head.replace(f"@{name}@", value)
    books = [
        f'#(next-book {number}) \\book {{ \\bookOutputName "{book_name(number)}" '
        f"\\score {{ {{ {music} }} }} }}"
        for number, music in enumerate(musics)
    ]
    return head + "\n".join(books) + f"\n#(next-book {len(musics)})\n", head.count("\n") + 1


def book_name(number: int) -> str:
    """Return the name of a book's output file, without suffix."""
    return f"{number:06d}"


def _segment(part: WrittenSegment, plan: Notation) -> Iterator[str]:
    if part.is_bar_rest:
        assert part.segment.bar_length is not None
        yield f"R1*{Fraction(part.segment.bar_length, WHOLE)}"
    for written in part.written:
        if isinstance(written, Tuplet):
            inner = " ".join(_symbol(symbol, plan) for symbol in written.symbols)
            yield rf"\tuplet {written.notes}/{written.time_of} {{ {inner} }}"
        else:
            yield _symbol(written, plan)


def _symbol(symbol: Symbol, plan: Notation) -> str:
    length = Fraction(symbol.base_ticks, WHOLE)
    duration = (
        r"\breve" if symbol.base_ticks == 2 * WHOLE else str(length.denominator)
    ) + "." * symbol.dots
    names = [_name(plan.spelled[head.note]) for head in symbol.piece.heads]
    if not names:
        return "r" + duration
    note = names[0] if len(names) == 1 else f"<{' '.join(names)}>"
    return note + duration + ("~" if symbol.piece.tied else "")


def _letter(spelled: spelling.Spelled) -> str:
    return spelled.letter + ALTERATIONS[spelled.alteration]


def _name(spelled: spelling.Spelled) -> str:
    marks = spelled.octave - 3
    return _letter(spelled) + ("'" * marks if marks > 0 else "," * -marks)


def _moment(ticks: int) -> str:
    length = Fraction(ticks, WHOLE)
    return f"#(ly:make-moment {length.numerator} {length.denominator})"
