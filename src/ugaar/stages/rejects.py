"""Join the rejects of all stages, each row with the source file that it came from."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from ugaar.parquet_files import read_table, write_table
from ugaar.score.funnel import with_paths
from ugaar.score.rejects import sort_key
from ugaar.tables import REJECTS, SONGS

SETTINGS: tuple[str, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--songs", required=True, help="songs table")
    parser.add_argument("--rejects", nargs="+", required=True, help="rejects of every stage")
    parser.add_argument("--out", required=True, help="joined rejects table to write")


def run(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Write the joined rejects."""
    songs = read_table(arguments.songs, SONGS, ["song_id", "path"]).to_pylist()
    rejects = with_paths(
        (row for path in arguments.rejects for row in read_table(path, REJECTS).to_pylist()),
        {song["song_id"]: song["path"] for song in songs},
    )
    logging.info("%d rejects", len(rejects))
    write_table(arguments.out, REJECTS, sorted(rejects, key=sort_key))
