"""Verovio's SVG as outlines to fill and lines to draw, and where its staff and noteheads lie.

Verovio draws music with five elements: glyphs by reference, paths, polygons, polylines and
ellipses. Anything else is an error rather than a hole in the picture.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from xml.etree import ElementTree

import numpy as np
from fontTools.pens.basePen import BasePen
from fontTools.svgLib.path import parse_path
from matplotlib.path import Path

SVG = "{http://www.w3.org/2000/svg}"
STAFF_LINES = 5

PLACE = re.compile(r"translate\((-?\d+), (-?\d+)\) scale\((\d+\.?\d*), (\d+\.?\d*)\)")
STRAIGHT = re.compile(r"M(-?\d+) (-?\d+) L(-?\d+) (-?\d+)")
NUMBER = re.compile(r"-?\d+")
UPSIDE_DOWN = "scale(1,-1)"
NO_SHIFT = "translate(0, 0)"
DIAGONAL = Path([(0.0, 0.0), (1.0, 1.0)], [Path.MOVETO, Path.LINETO])
"""A straight line: scaled by its extent, it is every other one."""


class DrawingError(Exception):
    """A drawing that is not what Verovio draws of a single staff."""


@dataclass(frozen=True, slots=True)
class Shape:
    """An outline and its place, in Verovio's units, y downwards.

    Attributes:
        outline: the outline.
        scale: factors of its x and y.
        place: where its origin comes to lie.
        filled: whether its inside is ink.
        stroke: width of the line drawn along it; 0 for none.
    """

    outline: Path
    scale: tuple[float, float] = (1.0, 1.0)
    place: tuple[float, float] = (0.0, 0.0)
    filled: bool = True
    stroke: float = 0.0


@dataclass(frozen=True)
class Drawing:
    """A staff as Verovio draws it, in its units, y downwards.

    Attributes:
        shapes: what is ink.
        staff_space: distance of two staff lines.
        middle_y: the middle line.
        left: left end of the staff.
        right: its right end.
        heads: name of a note -> centre of its head.
    """

    shapes: tuple[Shape, ...]
    staff_space: float
    middle_y: float
    left: float
    right: float
    heads: Mapping[str, tuple[float, float]]


def read(svg: bytes) -> Drawing:
    """Read a page.

    Raises:
        DrawingError: it holds an element that is not known, or no staff of five lines.
    """
    root = ElementTree.fromstring(svg)
    reader = _Reader(root)
    page = root.find(f"{SVG}svg")
    if page is None:
        raise DrawingError("no page")
    for child in page:
        reader.take(child, None)
    ys = sorted({y for y, _, _ in reader.staff_lines})
    if len(ys) != STAFF_LINES:
        raise DrawingError(f"{len(ys)} staff lines")
    return Drawing(
        tuple(reader.shapes),
        (ys[-1] - ys[0]) / (STAFF_LINES - 1),
        ys[STAFF_LINES // 2],
        min(left for _, left, _ in reader.staff_lines),
        max(right for _, _, right in reader.staff_lines),
        reader.heads,
    )


class _OutlinePen(BasePen):
    """Collects an outline as matplotlib keeps it."""

    def __init__(self) -> None:
        super().__init__(None)
        self.points: list[tuple[float, float]] = []
        self.codes: list[np.uint8] = []

    def _add(self, code: np.uint8, *points: tuple[float, float]) -> None:
        self.points += points
        self.codes += [code] * len(points)

    def _moveTo(self, pt: tuple[float, float]) -> None:  # noqa: N802
        self._add(Path.MOVETO, pt)

    def _lineTo(self, pt: tuple[float, float]) -> None:  # noqa: N802
        self._add(Path.LINETO, pt)

    def _curveToOne(  # noqa: N802
        self, pt1: tuple[float, float], pt2: tuple[float, float], pt3: tuple[float, float]
    ) -> None:
        self._add(Path.CURVE4, pt1, pt2, pt3)

    def _closePath(self) -> None:  # noqa: N802
        self._add(Path.CLOSEPOLY, (0.0, 0.0))


@lru_cache(maxsize=1024)
def _outline(description: str) -> Path:
    """Return the outline that an SVG path describes; glyphs come again and again."""
    pen = _OutlinePen()
    parse_path(description, pen)
    return Path(pen.points, pen.codes)


@lru_cache(maxsize=1024)
def _centre(glyph: str) -> tuple[float, float]:
    """Return the centre of a glyph's extent, y downwards."""
    extent = _outline(glyph).get_extents()
    return (extent.x0 + extent.x1) / 2, -(extent.y0 + extent.y1) / 2


class _Reader:
    """Walks through a page and collects what is drawn."""

    def __init__(self, root: ElementTree.Element) -> None:
        self.shapes: list[Shape] = []
        self.staff_lines: list[tuple[float, float, float]] = []
        self.heads: dict[str, tuple[float, float]] = {}
        self._glyphs: dict[str, str] = {}
        for glyph in root.iterfind(f"{SVG}defs/{SVG}g"):
            path = glyph.find(f"{SVG}path")
            if path is None or path.get("transform") != UPSIDE_DOWN:
                raise DrawingError(f"glyph {glyph.get('id')} is not a path upside down")
            self._glyphs[f"#{glyph.get('id')}"] = path.get("d", "")
        self._takers = {
            "use": self._glyph,
            "path": self._path,
            "polygon": self._polygon,
            "polyline": self._polygon,
            "ellipse": self._ellipse,
        }

    def take(self, element: ElementTree.Element, note: str | None) -> None:
        """Take an element with all that is in it; `note` names the note whose head it is in."""
        tag = element.tag.removeprefix(SVG)
        if tag != "g":
            if tag not in self._takers:
                raise DrawingError(f"an element {tag}")
            self._takers[tag](element, note)
            return
        kinds = element.get("class", "").split()
        if "placeholder" in kinds:
            return
        if element.get("transform", NO_SHIFT) != NO_SHIFT:
            raise DrawingError(f"a group moved by {element.get('transform')}")
        for child in element:
            if "staff" in kinds and child.tag == f"{SVG}path":
                self._staff_line(child)
            named = element.get("id") if "note" in kinds else note
            self.take(child, named)

    def _staff_line(self, element: ElementTree.Element) -> None:
        line = STRAIGHT.fullmatch(element.get("d", ""))
        if line is None or line[2] != line[4]:
            raise DrawingError(f"a staff line {element.get('d')}")
        self.staff_lines.append((float(line[2]), float(line[1]), float(line[3])))

    def _glyph(self, element: ElementTree.Element, note: str | None) -> None:
        place = PLACE.fullmatch(element.get("transform", ""))
        glyph = self._glyphs.get(element.get("href", ""))
        if place is None or glyph is None:
            raise DrawingError(f"a glyph {element.attrib}")
        x, y, scale_x, scale_y = (float(part) for part in place.groups())
        self.shapes.append(Shape(_outline(glyph), (scale_x, -scale_y), (x, y)))
        # The head is the first glyph of its note; dots, flags and accidentals follow.
        if note is not None and note not in self.heads:
            centre_x, centre_y = _centre(glyph)
            self.heads[note] = x + scale_x * centre_x, y + scale_y * centre_y

    def _path(self, element: ElementTree.Element, _: str | None) -> None:
        description, stroke = element.get("d", ""), float(element.get("stroke-width", "0"))
        line = STRAIGHT.fullmatch(description)
        if line is None:
            self.shapes.append(Shape(_outline(description), stroke=stroke))
            return
        x, y, end_x, end_y = (float(part) for part in line.groups())
        extent = (end_x - x, end_y - y)
        self.shapes.append(Shape(DIAGONAL, extent, (x, y), filled=False, stroke=stroke))

    def _polygon(self, element: ElementTree.Element, _: str | None) -> None:
        numbers = [float(number) for number in NUMBER.findall(element.get("points", ""))]
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        filled = element.get("fill") != "none"
        stroke = float(element.get("stroke-width", "0"))
        self.shapes.append(Shape(Path(points, closed=False), filled=filled, stroke=stroke))

    def _ellipse(self, element: ElementTree.Element, _: str | None) -> None:
        cx, cy, rx, ry = (float(element.get(name, "0")) for name in ("cx", "cy", "rx", "ry"))
        self.shapes.append(Shape(Path.unit_circle(), (rx, ry), (cx, cy)))
