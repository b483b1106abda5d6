"""Join the shards of songs and cut every song into windows."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from ugaar.parquet_files import open_table, read_table, write_table
from ugaar.progress import Progress
from ugaar.score.rejects import sort_key
from ugaar.score.windows import windows_of
from ugaar.sorted_tables import RowGroups, merged
from ugaar.tables import REJECTS, SONGS, WINDOWS

SETTINGS = ("window",)

SONGS_AT_A_TIME = 32
SONGS_IN_GROUP = 1024
WINDOWS_IN_GROUP = 8192


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--songs", nargs="+", required=True, help="songs tables, one per shard")
    parser.add_argument("--rejects", nargs="+", required=True, help="rejects of ingest, per shard")
    parser.add_argument("--songs-out", required=True, help="joined songs table to write")
    parser.add_argument("--windows-out", required=True, help="windows table to write")
    parser.add_argument("--rejects-out", required=True, help="rejects table to write")


def run(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Write songs sorted by id, their windows, and the rejects of both stages.

    Songs pass through in batches, so that memory does not grow with the collection.
    """
    rejects = [row for path in arguments.rejects for row in read_table(path, REJECTS).to_pylist()]
    songs_in = [len(read_table(path, SONGS, ["song_id"])) for path in arguments.songs]
    progress = Progress(sum(songs_in))
    n_notes = n_windows = 0
    with (
        open_table(arguments.songs_out, SONGS) as songs_out,
        open_table(arguments.windows_out, WINDOWS) as windows_out,
    ):
        gathered = RowGroups(windows_out, WINDOWS.schema(), WINDOWS_IN_GROUP)
        for songs in merged(arguments.songs, SONGS, "song_id", SONGS_IN_GROUP):
            songs_out.write(songs)
            for start in range(0, len(songs), SONGS_AT_A_TIME):
                batch = songs.slice(start, SONGS_AT_A_TIME)
                windows = []
                for song in batch.to_pylist():
                    kept, dropped = windows_of(song, settings["window"])
                    windows += kept
                    rejects += dropped
                    n_notes += song["n_notes"]
                gathered.add(windows)
                n_windows += len(windows)
                progress.step(len(batch))
        gathered.flush()
    logging.info(
        "%d songs, %d notes, %d windows, %d rejects",
        progress.done,
        n_notes,
        n_windows,
        len(rejects),
    )
    write_table(arguments.rejects_out, REJECTS, sorted(rejects, key=sort_key))
