"""Size of a strip and of the staff on it: the same for every engraver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

STAFF_SPACE_PT = 5.0
"""At LilyPond's default staff size of 20 pt."""

POINTS_PER_INCH = 72.27
"""TeX points, LilyPond's unit; PostScript's big points are 72 to the inch."""


@dataclass(frozen=True)
class Layout:
    """Size of the strip.

    Attributes:
        height_px: height; the middle line of a single staff lies at half of it.
        dpi: resolution.
        margin_px: white left and right of the staff.
        clef: rule for the clef, `readable` or `treble`.
    """

    height_px: float
    dpi: float
    margin_px: int
    clef: str = "readable"

    @property
    def pixels_per_space(self) -> float:
        """Pixels of a staff space."""
        return STAFF_SPACE_PT / POINTS_PER_INCH * self.dpi

    @property
    def reach(self) -> int:
        """Largest distance of a head from the middle line, in steps, that lies on the strip."""
        return int(self.height_px / self.pixels_per_space - 1)

    def of_staff(self, staves: int) -> Layout:
        """Return the layout of one of several staves: each has an equal share of the height."""
        return replace(self, height_px=self.height_px / staves)

    def middle_px(self, staff: int, staves: int) -> float:
        """Return the row of a staff's middle line, from the top of the strip."""
        return self.height_px * (staff + 0.5) / staves


def layout_of(sheet: Mapping[str, Any]) -> Layout:
    """Return the layout that the `sheet` section of the configuration asks for."""
    return Layout(sheet["height_px"], sheet["dpi"], sheet["margin_px"], sheet["clef"])
