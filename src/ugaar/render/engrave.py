"""LilyPond text for windows and pieces: one unrolled line each, made of numbers only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ugaar.render import spelling
from ugaar.render.durations import Symbol, Tuplet
from ugaar.render.layout import Layout
from ugaar.render.notation import (
    Notation,
    WrittenHead,
    WrittenSegment,
    system,
    written_heads,
)
from ugaar.render.timeline import WHOLE

BOOKS_PER_COLLECTION = 25
"""Books between two garbage collections. LilyPond collects several times for each of our tiny
books, which takes more than half of its time; collecting by hand keeps memory as low."""

HEADS_PER_COLLECTION = 1000
"""The same for longer music, in noteheads; a book with more collects as LilyPond sees fit."""

ALTERATIONS = {-3: "eseses", -2: "eses", -1: "es", 0: "", 1: "is", 2: "isis", 3: "isisis"}

HEADS_FILE = "heads.txt"

PREAMBLE = r"""\version "2.24.0"
#(define heads (open-output-file "@HEADS@"))
#(define book-number 0)
#(define (report-heads staff)
  (lambda (grob)
    (let ((x (ly:grob-extent grob (ly:grob-system grob) X)))
      (format heads "~a ~a ~a ~a ~a ~a\n" book-number (ly:moment-main (grob::when grob)) staff
        (ly:grob-property grob 'staff-position) (car x) (cdr x)))))
#(define (next-book number collect disable)
  (gc-enable)
  (if collect (gc))
  (if disable (gc-disable))
  (set! book-number number)
  (format heads "~a\n" number)
  (force-output heads))
\paper {
  page-breaking = #ly:one-line-breaking
  paper-height = @HEIGHT@\bp
  left-margin = @MARGIN@\bp right-margin = @MARGIN@\bp top-margin = 0 bottom-margin = 0
  indent = 0 ragged-right = ##t ragged-last = ##t
  tagline = ##f print-page-number = ##f
  oddHeaderMarkup = ##f evenHeaderMarkup = ##f oddFooterMarkup = ##f evenFooterMarkup = ##f
  top-system-spacing = @MIDDLE@
  last-bottom-spacing = #'((basic-distance . 0) (minimum-distance . 0) (padding . -1000))
}
\layout {
  \context { \Score \remove Bar_number_engraver }
  \context { \Voice \override NoteHead.after-line-breaking = #(report-heads 0) }
}
"""
"""The page is as high as the strip and the middle line of the staff is pinned to half of it, so
that LilyPond itself crops. `report-heads` writes where each notehead came to lie, `next-book` which
book is about to start; both to a file, because messages arrive torn."""

FIXED = "#'((basic-distance . {0}) (minimum-distance . {0}) (padding . -1000) (stretchability . 0))"
"""A distance in staff spaces from which nothing may move LilyPond."""

PIANO_STAFF = (
    r"\new PianoStaff \with {{ \override StaffGrouper.staff-staff-spacing = {distance} }} "
    r"<<{staves}>>"
)
STAFF = (
    r" \new Staff {{ \override NoteHead.after-line-breaking = #(report-heads {number}) {music} }}"
)


@dataclass(frozen=True)
class Engraving:
    """A window or piece ready for LilyPond.

    Attributes:
        music: the notes as LilyPond text.
        heads: written noteheads in order.
        staves: number of staves.
    """

    music: str
    heads: tuple[WrittenHead, ...]
    staves: int = 1


def engraving(row: Mapping, layout: Layout) -> Engraving:
    """Return the notes of a window or piece as LilyPond text.

    Args:
        row: see `ugaar.render.notation.system`.
        layout: rule for the clef, and how high the strip is.

    Raises:
        NotationError: the notes cannot be engraved.
    """
    plans = system(row, layout)
    staves = [_music(plan) for plan in plans]
    music = staves[0] if len(staves) == 1 else _piano_staff(staves, layout)
    return Engraving(music, written_heads(plans), len(staves))


def _music(plan: Notation) -> str:
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
    return " ".join(text)


def document(engravings: Sequence[Engraving], layout: Layout) -> tuple[str, int]:
    """Return one LilyPond file with a book, `000000.ps` and so on, for each window or piece.

    Args:
        engravings: the windows or pieces.
        layout: size of the strip.

    Returns:
        The file's text, and the number of the line (from 1) that holds the first book; each
        book is one line, so the line in a message names the item.
    """
    values = {
        "HEADS": HEADS_FILE,
        "HEIGHT": f"{layout.height_px * 72 / layout.dpi:.6f}",
        "MARGIN": f"{layout.margin_px * 72 / layout.dpi:.6f}",
        "MIDDLE": _fixed(layout.middle_px(0, 1), layout),
    }
    head = PREAMBLE
    for name, value in values.items():
        head = head.replace(f"@{name}@", value)
    books, since = [], 0
    for number, one in enumerate(engravings):
        long = len(one.heads) > HEADS_PER_COLLECTION
        collect = long or number % BOOKS_PER_COLLECTION == 0 or since > HEADS_PER_COLLECTION
        since = len(one.heads) + (0 if collect else since)
        books.append(
            f"{_next_book(number, collect=collect, disable=not long)} \\book {{ "
            f'\\bookOutputName "{book_name(number)}" {_score(one, layout)} }}'
        )
    last = _next_book(len(engravings), collect=False, disable=False)
    return head + "\n".join(books) + f"\n{last}\n", head.count("\n") + 1


def _score(one: Engraving, layout: Layout) -> str:
    score = rf"\score {{ {{ {one.music} }} }}"
    if one.staves == 1:
        return score
    first = _fixed(layout.middle_px(0, one.staves), layout)
    return rf"\paper {{ top-system-spacing = {first} }} {score}"


def _piano_staff(musics: Sequence[str], layout: Layout) -> str:
    apart = layout.middle_px(1, len(musics)) - layout.middle_px(0, len(musics))
    return PIANO_STAFF.format(
        distance=_fixed(apart, layout),
        staves="".join(
            STAFF.format(number=number, music=music) for number, music in enumerate(musics)
        ),
    )


def _fixed(distance_px: float, layout: Layout) -> str:
    return FIXED.format(f"{distance_px / layout.pixels_per_space:.6f}")


def _next_book(number: int, *, collect: bool, disable: bool) -> str:
    return f"#(next-book {number} #{'t' if collect else 'f'} #{'t' if disable else 'f'})"


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
