"""Join the rejects of all stages, each row with the source file that it came from."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from ugaar.parquet_files import read_table, write_table
from ugaar.score.funnel import with_paths
from ugaar.score.rejects import sort_key
from ugaar.snippet_tables import PIECES
from ugaar.tables import REJECTS, SONGS

SETTINGS: tuple[str, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    music = parser.add_mutually_exclusive_group(required=True)
    music.add_argument("--songs", help="songs table")
    music.add_argument("--pieces", help="pieces table")
    parser.add_argument("--rejects", nargs="+", required=True, help="rejects of every stage")
    parser.add_argument("--out", required=True, help="joined rejects table to write")


def run(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Write the joined rejects."""
    path, table, identifier = (
        (arguments.songs, SONGS, "song_id")
        if arguments.songs
        else (arguments.pieces, PIECES, "piece_id")
    )
    music = read_table(path, table, [identifier, "path"]).to_pylist()
    rejects = with_paths(
        (row for path in arguments.rejects for row in read_table(path, REJECTS).to_pylist()),
        {one[identifier]: one["path"] for one in music},
    )
    logging.info("%d rejects", len(rejects))
    write_table(arguments.out, REJECTS, sorted(rejects, key=sort_key))
