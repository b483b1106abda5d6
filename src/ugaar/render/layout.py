"""Size of a strip and of the staff on it: the same for every engraver."""

from __future__ import annotations

from dataclasses import dataclass

STAFF_SPACE_PT = 5.0
"""At LilyPond's default staff size of 20 pt."""

POINTS_PER_INCH = 72.27
"""TeX points, LilyPond's unit; PostScript's big points are 72 to the inch."""


@dataclass(frozen=True)
class Layout:
    """Size of the strip.

    Attributes:
        height_px: height; the middle line of the staff lies at half of it.
        dpi: resolution.
        margin_px: white left and right of the staff.
    """

    height_px: int
    dpi: float
    margin_px: int

    @property
    def pixels_per_space(self) -> float:
        """Pixels of a staff space."""
        return STAFF_SPACE_PT / POINTS_PER_INCH * self.dpi
