"""What an engraver of strips is, and where each one lives."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from ugaar.errors import ConfigError
from ugaar.render.batch import Failure
from ugaar.render.layout import Layout


class SheetRenderer(Protocol):
    """A module that engraves windows; every one writes the same notes into the same strip."""

    def versions(self) -> dict[str, str]:
        """Return the names and versions of `engraver` and `rasteriser`.

        Raises:
            UgaarError: one of them is missing; the text says how to get it.
        """
        ...

    def render(
        self, rows: Sequence[dict], layout: Layout, folder: Path, stall_s: float
    ) -> Iterator[tuple[dict, dict | Failure]]:
        """Engrave windows.

        Args:
            rows: windows with sheet_key and the notation columns of the windows table.
            layout: size of the strip.
            folder: working folder.
            stall_s: a program that finishes nothing for so long is stopped, seconds.

        Yields:
            Each window with its row of the sheet table or why there is none.
        """
        ...


# Imported by name, so that a stage's code digest covers the chosen engraver alone.
RENDERERS: Mapping[str, str] = {
    "lilypond": "ugaar.render.lilypond_strips",
    "verovio": "ugaar.render.verovio_strips",
}


def load_renderer(name: str) -> SheetRenderer:
    """Return the module of an engraver.

    Args:
        name: a key of `RENDERERS`.

    Raises:
        ConfigError: no such engraver.
    """
    if name not in RENDERERS:
        raise ConfigError(
            f"sheet.renderer {name}: unknown; known engravers are {', '.join(RENDERERS)}"
        )
    return importlib.import_module(RENDERERS[name])  # type: ignore[return-value]
