"""Join the shards of songs and cut every song into windows."""

from __future__ import annotations

import argparse
import logging
from typing import Any

import pyarrow as pa

from ugaar.score.rejects import sort_key
from ugaar.score.windows import windows_of
from ugaar.tables import REJECTS, SONGS, WINDOWS, read_table, write_table

SETTINGS = ("window",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--songs", nargs="+", required=True, help="songs tables, one per shard")
    parser.add_argument("--rejects", nargs="+", required=True, help="rejects of ingest, per shard")
    parser.add_argument("--songs-out", required=True, help="joined songs table to write")
    parser.add_argument("--windows-out", required=True, help="windows table to write")
    parser.add_argument("--rejects-out", required=True, help="rejects table to write")


def run(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Write songs sorted by id, their windows, and the rejects of both stages."""
    songs = pa.concat_tables(read_table(path, SONGS) for path in arguments.songs)
    songs = songs.sort_by("song_id").replace_schema_metadata(None)
    rejects = [row for path in arguments.rejects for row in read_table(path, REJECTS).to_pylist()]
    windows = []
    for song in songs.to_pylist():
        kept, dropped = windows_of(song, settings["window"])
        windows += kept
        rejects += dropped
    logging.info("%d songs, %d windows, %d rejects", len(songs), len(windows), len(rejects))
    write_table(arguments.songs_out, SONGS, songs)
    write_table(
        arguments.windows_out,
        WINDOWS,
        sorted(windows, key=lambda row: (row["song_id"], row["index"])),
    )
    write_table(arguments.rejects_out, REJECTS, sorted(rejects, key=sort_key))
