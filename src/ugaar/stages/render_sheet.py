"""Stage render-sheet: the windows of one shard through LilyPond to greyscale strips."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from ugaar.progress import Progress
from ugaar.render import external, lilypond
from ugaar.render.batch import Failure, run_isolated
from ugaar.render.engrave import Engraving, Layout, engraving
from ugaar.render.rasterise import rasteriser
from ugaar.render.shard import distinct_windows, reject_rows
from ugaar.render.strip import beyond_strip, sheet_row
from ugaar.render.timeline import NotationError
from ugaar.settings import Settings
from ugaar.tables import REJECTS, SHEET, open_table, write_table

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


def render(
    rows: Sequence[dict], layout: Layout, folder: Path, stall_s: float
) -> Iterator[tuple[dict, dict | Failure]]:
    """Engrave windows.

    Args:
        rows: windows with sheet_key and the columns of `COLUMNS`.
        layout: size of the strip.
        folder: working folder.
        stall_s: a program that finishes nothing for so long is stopped, seconds.

    Yields:
        Each window with its row of the sheet table or why there is none, rejects first.
    """
    written: list[tuple[dict, Engraving]] = []
    for row in rows:
        try:
            text = engraving(row)
        except NotationError as error:
            yield row, Failure(error.reason, str(error))
            continue
        failure = beyond_strip(text, layout)
        if failure:
            yield row, failure
        else:
            written.append((row, text))
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
            else:
                yield row, sheet_row(row["sheet_key"], image, result, layout)


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Render one shard."""
    sheet = settings["sheet"]
    layout = Layout(sheet["height_px"], sheet["dpi"], sheet["margin_px"])
    rows = distinct_windows(
        arguments.windows, "sheet_key", COLUMNS, arguments.shard, settings["shards"]
    )
    metadata = {
        "engraver": external.version(external.LILYPOND),
        "rasteriser": f"Ghostscript {external.version(external.GHOSTSCRIPT)}",
        "dpi": f"{layout.dpi:g}",
    }
    progress = Progress(len(rows))
    rejects: list[dict] = []
    with (
        open_table(arguments.out, SHEET, metadata=metadata) as table,
        external.workspace() as folder,
    ):
        batch: list[dict] = []
        for row, result in render(rows, layout, folder, sheet["timeout_s_per_strip"]):
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
