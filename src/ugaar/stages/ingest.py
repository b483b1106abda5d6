"""Read scores or MIDI files into songs: one shard of the source's files."""

from __future__ import annotations

import argparse
from typing import Any

from ugaar.errors import ConfigError
from ugaar.parquet_files import write_table
from ugaar.score.rejects import reject, sort_key
from ugaar.sources.kinds import PIECE_KINDS, Rows, load_reader, sources_of
from ugaar.tables import REJECTS, SONGS

SETTINGS = ("source", "shards")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--shard", type=int, required=True, help="number of the shard, from 0")
    parser.add_argument("--songs-out", required=True, help="songs table to write")
    parser.add_argument("--rejects-out", required=True, help="rejects table to write")


def first_of_each(songs: Rows) -> tuple[Rows, Rows]:
    """Return the songs without those whose id an earlier one has, and the rejects for these.

    Ids are made of the kind and the path inside a source: two sources of a kind may share a path.
    As they do not depend on the folder, such songs are always in one shard.
    """
    kept: dict[str, dict[str, Any]] = {}
    rejects = []
    for song in songs:
        if kept.setdefault(song["song_id"], song) is not song:
            detail = f"an earlier source of kind {song['source']} has a file of this path, too"
            rejects.append(
                reject("ingest", "song", song["song_id"], song["path"], "duplicate-name", detail)
            )
    return list(kept.values()), rejects


def run(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Read the files whose hash falls into the shard, and write songs and rejects."""
    source, shards = settings["source"], settings["shards"]
    if not 0 <= arguments.shard < shards:
        raise ConfigError(f"--shard {arguments.shard}: shards are numbered 0 to {shards - 1}")
    songs: Rows = []
    rejects: Rows = []
    for one in sources_of(source):
        if one["kind"] in PIECE_KINDS:
            continue
        found, dropped = load_reader(one["kind"])(one, arguments.shard, shards)
        songs += found
        rejects += dropped
    songs, repeated = first_of_each(songs)
    rejects += repeated
    write_table(arguments.songs_out, SONGS, sorted(songs, key=lambda row: row["song_id"]))
    write_table(arguments.rejects_out, REJECTS, sorted(rejects, key=sort_key))
