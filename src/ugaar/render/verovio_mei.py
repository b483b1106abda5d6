"""MEI text for windows: one staff, one voice, made of numbers only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ugaar.render.accidentals import Accidentals
from ugaar.render.beams import Timed, beams
from ugaar.render.durations import Symbol, Tuplet
from ugaar.render.notation import Notation, WrittenSegment, length_of
from ugaar.render.spelling import Clef
from ugaar.render.timeline import WHOLE

HEAD_ID = "head-"
"""Heads are named by this and their number, so that they are found again in the drawing."""

ACCIDENTALS = {-3: "tf", -2: "ff", -1: "f", 0: "n", 1: "s", 2: "x", 3: "ts"}
CLEF_SHAPES = {"treble": ("G", 2), "bass": ("F", 4)}
METER_SYMBOLS = {(4, 4): "common", (2, 2): "cut"}
"""Signatures that LilyPond too prints as C and cut C."""

DOCUMENT = (
    '<mei xmlns="http://www.music-encoding.org/ns/mei" meiversion="5.1"><meiHead/><music><body>'
    "<mdiv><score><scoreDef><staffGrp>{staff}</staffGrp></scoreDef>"
    "<section>{measures}</section></score></mdiv></body></music></mei>"
)


def mei(plan: Notation) -> str:
    """Return a window as an MEI document; heads are named in the order of `plan.heads()`."""
    return DOCUMENT.format(staff=_staff(plan), measures="".join(_Writer(plan).measures()))


def _staff(plan: Notation) -> str:
    key = "" if plan.key_fifths is None else _key(plan.key_fifths)
    meter = plan.parts[0].segment.meter
    first = "" if meter is None else _meter(meter)
    return f'<staffDef n="1" lines="5">{_clef(plan.clef)}{key}{first}</staffDef>'


def _clef(clef: Clef) -> str:
    for sign, place in (("_", "below"), ("^", "above")):
        name, found, octaves = clef.name.partition(sign)
        if found:
            shift = f' dis="{octaves}" dis.place="{place}"'
            break
    else:
        name, shift = clef.name, ""
    shape, line = CLEF_SHAPES[name]
    return f'<clef shape="{shape}" line="{line}"{shift}/>'


def _key(fifths: int) -> str:
    return f'<keySig sig="{abs(fifths)}{"s" if fifths > 0 else "f" if fifths < 0 else ""}"/>'


def _meter(meter: tuple[int, int]) -> str:
    symbol = METER_SYMBOLS.get(meter)
    shown = f' sym="{symbol}"' if symbol else ""
    return f'<meterSig count="{meter[0]}" unit="{meter[1]}"{shown}/>'


class _Writer:
    """Writes the bars of a window and numbers its heads."""

    def __init__(self, plan: Notation) -> None:
        self._plan = plan
        self._accidentals = Accidentals(plan.key_fifths or 0)
        self._heads = 0
        self._tied = False
        self._meter: tuple[int, int] | None = None

    def measures(self) -> Iterator[str]:
        """Yield measures, and before those with a new time signature its definition."""
        groups: list[list[WrittenSegment]] = []
        for part in self._plan.parts:
            if part.starts_bar or not groups:
                groups.append([])
            groups[-1].append(part)
        for number, group in enumerate(groups):
            last = number == len(groups) - 1
            right = "invis" if last and not self._plan.closed else "single"
            if number and group[0].segment.meter:
                yield f"<scoreDef>{_meter(group[0].segment.meter)}</scoreDef>"
            self._accidentals.new_bar()
            layer = "".join(
                text for index, part in enumerate(group) for text in self._part(part, index > 0)
            )
            yield (
                f'<measure n="{number + 1}" right="{right}"><staff n="1"><layer n="1">{layer}'
                "</layer></staff></measure>"
            )

    def _part(self, part: WrittenSegment, inside_bar: bool) -> Iterator[str]:
        meter = part.segment.meter
        if meter:
            self._meter = meter
            if inside_bar:
                yield _meter(meter)
        if part.is_bar_rest:
            yield "<mRest/>"
        position = part.start - part.segment.bar_start
        plain: list[Symbol] = []
        plain_from = position
        for written in part.written:
            if isinstance(written, Tuplet):
                yield from self._symbols(plain, plain_from, part, None)
                plain = []
                inner = "".join(self._symbols(written.symbols, position, part, written))
                yield (
                    f'<tuplet num="{written.notes}" numbase="{written.time_of}">{inner}</tuplet>'
                )
                position += sum(_ticks(symbol, written) for symbol in written.symbols)
                plain_from = position
            else:
                plain.append(written)
                position += _ticks(written, None)
        yield from self._symbols(plain, plain_from, part, None)

    def _symbols(
        self, symbols: Sequence[Symbol], position: int, part: WrittenSegment, tuplet: Tuplet | None
    ) -> Iterator[str]:
        """Yield neighbouring symbols and the beams around them."""
        starts, ends = set(), set()
        # As in LilyPond, music without bars has no beams.
        if self._plan.has_bars:
            timed = []
            for symbol in symbols:
                timed.append(Timed(position, symbol.base_ticks, bool(symbol.piece.heads)))
                position += _ticks(symbol, tuplet)
            for first, last in beams(timed, part.segment.beat, None if tuplet else self._meter):
                starts.add(first)
                ends.add(last)
        for index, symbol in enumerate(symbols):
            if index in starts:
                yield "<beam>"
            yield self._symbol(symbol)
            if index in ends:
                yield "</beam>"

    def _symbol(self, symbol: Symbol) -> str:
        breve = symbol.base_ticks == 2 * WHOLE
        duration = f'dur="{"breve" if breve else WHOLE // symbol.base_ticks}"'
        if symbol.dots:
            duration += f' dots="{symbol.dots}"'
        heads = symbol.piece.heads
        if not heads:
            self._tied = False
            return f"<rest {duration}/>"
        from_before, self._tied = self._tied, symbol.piece.tied
        tie = {(0, 1): ' tie="i"', (1, 1): ' tie="m"', (1, 0): ' tie="t"'}.get(
            (from_before, self._tied), ""
        )
        of_note = duration if len(heads) == 1 else ""
        notes = "".join(self._note(head.note, f"{of_note}{tie}", from_before) for head in heads)
        return notes if len(heads) == 1 else f"<chord {duration}>{notes}</chord>"

    def _note(self, note: int, attributes: str, from_before: bool) -> str:
        name = self._plan.spelled[note]
        accidental = ""
        if self._accidentals.shows(name, tied_from_before=from_before):
            accidental = f' accid="{ACCIDENTALS[name.alteration]}"'
        number, self._heads = self._heads, self._heads + 1
        return (
            f'<note xml:id="{HEAD_ID}{number}" pname="{name.letter}" oct="{name.octave}" '
            f"{attributes}{accidental}/>"
        )


def _ticks(symbol: Symbol, tuplet: Tuplet | None) -> int:
    """Return the ticks that a symbol lasts."""
    length = length_of(symbol) * WHOLE
    return int(length * tuplet.time_of / tuplet.notes if tuplet else length)
