"""Stage render-sheet: the windows of one shard through an engraver to greyscale strips."""

from __future__ import annotations

import argparse

from ugaar.parquet_files import open_table, write_table
from ugaar.progress import Progress
from ugaar.render import external
from ugaar.render.batch import Failure
from ugaar.render.layout import layout_of
from ugaar.render.shard import distinct_windows, reject_rows
from ugaar.render.sheet_renderer import load_renderer
from ugaar.settings import Settings
from ugaar.tables import REJECTS, SHEET

SETTINGS = ("sheet", "shards")

BATCH_ROWS = 64
REMEDY = "look at the window's notes; if they are right, report the message with them"
COLUMNS = (
    "song_id",
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
    parser.add_argument("--windows", required=True, help="windows table")
    parser.add_argument("--shard", required=True, type=int, help="number of the shard, from 0")
    parser.add_argument("--out", required=True, help="sheet table to write")
    parser.add_argument("--rejects-out", required=True, help="rejects table to write")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Render one shard."""
    sheet = settings["sheet"]
    layout = layout_of(sheet)
    rows = distinct_windows(
        arguments.windows, "sheet_key", COLUMNS, arguments.shard, settings["shards"]
    )
    renderer = load_renderer(sheet["renderer"])
    metadata = {**renderer.versions(), "dpi": f"{layout.dpi:g}", "clef": layout.clef}
    progress = Progress(len(rows))
    rejects: list[dict] = []
    with (
        open_table(arguments.out, SHEET, metadata=metadata) as table,
        external.workspace() as folder,
    ):
        batch: list[dict] = []
        for row, result in renderer.render(rows, layout, folder, sheet["timeout_s_per_strip"]):
            if isinstance(result, Failure):
                rejects += reject_rows("render-sheet", row, result, REMEDY)
            else:
                batch.append(result)
            if len(batch) >= BATCH_ROWS:
                table.write(batch)
                batch = []
            progress.step()
        table.write(batch)
    rejects.sort(key=lambda reject: reject["item"])
    write_table(arguments.rejects_out, REJECTS, rejects)
