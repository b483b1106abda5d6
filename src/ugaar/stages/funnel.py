"""Count what was kept and what was lost, from files to folds."""

from __future__ import annotations

import argparse
import logging
from typing import Any

import pyarrow.compute as pc

from ugaar.parquet_files import read_table, write_table
from ugaar.score.funnel import funnel_rows
from ugaar.tables import AUDIO, FUNNEL, REJECTS, SHEET, SONGS, SPLIT, WINDOWS

SETTINGS: tuple[str, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--songs", required=True, help="songs table")
    parser.add_argument("--windows", required=True, help="windows table")
    parser.add_argument("--split", required=True, help="split table")
    parser.add_argument("--audio", required=True, help="folder of audio shards")
    parser.add_argument("--sheet", required=True, help="folder of sheet shards")
    parser.add_argument("--rejects", required=True, help="joined rejects table")
    parser.add_argument("--out", required=True, help="funnel table to write")


def run(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Write the funnel."""
    songs = read_table(arguments.songs, SONGS, ["song_id", "path", "n_notes"])
    windows = read_table(
        arguments.windows, WINDOWS, ["window_id", "song_id", "audio_key", "sheet_key", "source_key"]
    ).to_pylist()
    sounding = set(read_table(arguments.audio, AUDIO, ["audio_key"])["audio_key"].to_pylist())
    engraved = set(read_table(arguments.sheet, SHEET, ["sheet_key"])["sheet_key"].to_pylist())
    split = read_table(arguments.split, SPLIT, ["window_id", "fold"])
    fold_of = dict(zip(*(column.to_pylist() for column in split.columns), strict=True))
    rendered = [
        window["window_id"]
        for window in windows
        if window["audio_key"] in sounding and window["sheet_key"] in engraved
    ]
    rows = funnel_rows(
        songs.select(["song_id", "path"]).to_pylist(),
        pc.sum(songs["n_notes"]).as_py() or 0,
        windows,
        rendered,
        fold_of,
        read_table(arguments.rejects, REJECTS).to_pylist(),
    )
    for row in rows:
        logging.info("%-9s %-24s %9d", row["step"], row["reason"], row["count"])
    write_table(arguments.out, FUNNEL, rows)
