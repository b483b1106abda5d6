"""Stage render-sheet: the windows or pieces of one shard through an engraver to grey strips."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from ugaar.render import shard
from ugaar.render.batch import Failure
from ugaar.render.layout import layout_of
from ugaar.render.sheet_renderer import load_renderer
from ugaar.settings import Settings
from ugaar.tables import SHEET

SETTINGS = ("sheet", "shards")

COLUMNS = (
    "pitch",
    "onset_tick",
    "duration_tick",
    "bar_tick",
    "meter_tick",
    "meter",
    "key_fifths",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's files."""
    shard.add_arguments(parser, "sheet")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Render one shard."""
    sheet = settings["sheet"]
    layout = layout_of(sheet)
    level, path = shard.level_of(arguments)
    columns = COLUMNS if level is shard.WINDOW else (*COLUMNS, "staff")
    rows = shard.distinct_rows(
        path, level, "sheet_key", columns, arguments.shard, settings["shards"]
    )
    renderer = load_renderer(sheet["renderer"])
    metadata = {**renderer.versions(), "dpi": f"{layout.dpi:g}", "clef": layout.clef}

    def into(folder: Path) -> Iterator[tuple[dict, dict | Failure]]:
        return renderer.render(rows, layout, folder, sheet["timeout_s_per_strip"])

    shard.write_rendered(arguments, SHEET, metadata, level, rows, into)
