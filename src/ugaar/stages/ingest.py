"""Read scores or MIDI files into songs: one shard of the source's files."""

from __future__ import annotations

import argparse
from typing import Any

from ugaar.errors import ConfigError
from ugaar.score.rejects import sort_key
from ugaar.tables import REJECTS, SONGS, write_table

SETTINGS = ("source", "shards")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--shard", type=int, required=True, help="number of the shard, from 0")
    parser.add_argument("--songs-out", required=True, help="songs table to write")
    parser.add_argument("--rejects-out", required=True, help="rejects table to write")


def run(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Read the files whose hash falls into the shard, and write songs and rejects."""
    source, shards = settings["source"], settings["shards"]
    if not 0 <= arguments.shard < shards:
        raise ConfigError(f"--shard {arguments.shard}: shards are numbered 0 to {shards - 1}")
    if source["kind"] == "music21":
        from ugaar.sources.music21_corpus import read_corpus
        from ugaar.sources.music21_files import corpus_root

        songs, rejects = read_corpus(corpus_root(), source, arguments.shard, shards)
    elif source["kind"] == "midi":
        from ugaar.sources.midi_folder import read_folder

        songs, rejects = read_folder(source, arguments.shard, shards)
    elif source["kind"] == "lmd-lyrics":
        from ugaar.sources.lmd_lyrics import read_collection

        songs, rejects = read_collection(source, arguments.shard, shards)
    elif source["kind"] == "musicxml":
        from ugaar.sources.musicxml_folder import read_scores

        songs, rejects = read_scores(source, arguments.shard, shards)
    else:
        known = "music21, midi, lmd-lyrics and musicxml"
        raise ConfigError(f"source.kind {source['kind']!r}: known kinds are {known}")
    write_table(arguments.songs_out, SONGS, sorted(songs, key=lambda row: row["song_id"]))
    write_table(arguments.rejects_out, REJECTS, sorted(rejects, key=sort_key))
