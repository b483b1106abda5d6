"""Summarise the ranks of the audio-sheet systems, with intervals, chance and ceilings."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from ugaar.errors import DataError
from ugaar.evaluate.crop_contents import crop_contents
from ugaar.evaluate.system_summary import bound_rows, metric_rows, system_grids
from ugaar.parquet_files import metadata_of, open_table, read_table, write_table
from ugaar.progress import Progress
from ugaar.settings import Settings
from ugaar.snippet_tables import SNIPPETS, STRIP_INDEX, SYSTEM_METRICS, SYSTEM_RANKS

SETTINGS: tuple[str, ...] = ("evaluate.bootstrap", "evaluate.confidence")

TWIN_WIDTHS = (3, 5, 8)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files of the stage."""
    parser.add_argument(
        "--ranks", type=Path, nargs="+", required=True, help="system_ranks, a file for each system"
    )
    parser.add_argument("--snippets", type=Path, required=True, help="snippets table")
    parser.add_argument("--strips", type=Path, help="plain.npy, for a ceiling from its pixels")
    parser.add_argument("--strips-index", type=Path, help="its index")
    parser.add_argument("--ranks-out", type=Path, help="all ranks in one table to write")
    parser.add_argument("--out", type=Path, required=True, help="system_metrics table to write")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Read the ranks system by system, resample them and write the summaries."""
    wanted = settings["evaluate"]
    told = [metadata_of(path) for path in arguments.ranks]
    for key in ("fold", "conditions"):
        if len({one.get(key) for one in told}) != 1:
            raise DataError(
                f"the files of --ranks differ in {key}: {sorted({str(o.get(key)) for o in told})};"
                " evaluate all systems again"
            )
    content = _content(arguments, told[0]["fold"])
    systems: list[str] = []
    done: set[tuple] = set()
    rows: list[dict] = []
    progress = Progress(len(arguments.ranks))
    for path in arguments.ranks:
        grids = system_grids(read_table(path, SYSTEM_RANKS))
        systems += dict.fromkeys(grid.group.system for grid in grids)
        rows += bound_rows(grids, content, done)
        for grid in grids:
            rows += metric_rows(grid, wanted["bootstrap"], wanted["confidence"])
        progress.step()
    metadata = told[0] | {
        "systems": json.dumps(systems),
        "bootstrap": str(wanted["bootstrap"]),
        "confidence": str(wanted["confidence"]),
    }
    write_table(arguments.out, SYSTEM_METRICS, rows, metadata=metadata)
    if arguments.ranks_out:
        with open_table(arguments.ranks_out, SYSTEM_RANKS, metadata=metadata) as table:
            for path in arguments.ranks:
                table.write(read_table(path, SYSTEM_RANKS).replace_schema_metadata())


def _content(arguments: argparse.Namespace, fold: str) -> dict[str, dict]:
    """Return what tells snippets apart -> (piece, note) -> hash."""
    columns = ["piece_id", "note", "fold", "x_px", *(f"twin_{width}" for width in TWIN_WIDTHS)]
    snippets = read_table(arguments.snippets, SNIPPETS, columns)
    snippets = snippets.filter(pc.equal(snippets["fold"], fold)).to_pydict()
    places = list(zip(snippets["piece_id"], snippets["note"], strict=True))
    content: dict[str, dict] = {
        str(width): dict(zip(places, snippets[f"twin_{width}"], strict=True))
        for width in TWIN_WIDTHS
    }
    if arguments.strips and arguments.strips_index:
        index = read_table(arguments.strips_index, STRIP_INDEX).to_pylist()
        rows_of = {row["piece_id"]: (row["first_row"], row["n_rows"]) for row in index}
        heads = zip(snippets["piece_id"], snippets["note"], snippets["x_px"], strict=True)
        content["crop"] = crop_contents(np.load(arguments.strips, mmap_mode="r"), rows_of, heads)
    return content
