"""Strips by LilyPond, drawn by Ghostscript: one process of each for a whole shard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ugaar.render import external, lilypond
from ugaar.render.batch import Failure, run_isolated
from ugaar.render.engrave import Engraving, engraving
from ugaar.render.layout import Layout
from ugaar.render.rasterise import rasteriser
from ugaar.render.strip import beyond_strip, sheet_row
from ugaar.render.timeline import NotationError

HEADS_WITHIN_TIMEOUT = 1000
"""Longer music has more time: a tune of 2,724 notes takes 33 s on a busy core, most tunes 0.3 s."""


def versions() -> dict[str, str]:
    """Return the versions of LilyPond and Ghostscript.

    Raises:
        ToolError: one of them is missing.
    """
    return {
        "engraver": external.version(external.LILYPOND),
        "rasteriser": f"Ghostscript {external.version(external.GHOSTSCRIPT)}",
    }


def render(
    rows: Sequence[dict], layout: Layout, folder: Path, stall_s: float
) -> Iterator[tuple[dict, dict | Failure]]:
    """Engrave windows or pieces; see `SheetRenderer`. Those that cannot be written come first."""
    written: list[tuple[dict, Engraving]] = []
    for row in rows:
        try:
            text = engraving(row, layout)
        except NotationError as error:
            yield row, Failure(error.reason, str(error))
            continue
        failure = beyond_strip([head.position for head in text.heads], layout.of_staff(text.staves))
        if failure:
            yield row, failure
        else:
            written.append((row, text))
    longest = max((len(text.heads) for _, text in written), default=0)
    stall_s *= max(1.0, longest / HEADS_WITHIN_TIMEOUT)
    with rasteriser(layout.dpi, folder, stall_s) as drawing:
        for (row, _), result in run_isolated(
            written,
            lambda part: lilypond.engrave([text for _, text in part], layout, folder, stall_s),
            lambda: lilypond.probe(layout, folder, stall_s),
            "lilypond-failed",
        ):
            if isinstance(result, Failure):
                yield row, result
                continue
            image = drawing.draw(result.postscript)
            if isinstance(image, Failure):
                yield row, image
                continue
            xs_px = [layout.margin_px + x * layout.pixels_per_space for x in result.head_x_spaces]
            yield row, sheet_row(row["sheet_key"], image, result.note_index, xs_px, layout)
