"""`ugaar export`: vectors as npy, CSV or plain Parquet, songs as MIDI files with lyrics."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from ugaar.errors import DataError
from ugaar.export.song_lyrics import STYLES
from ugaar.export.vectors import FORMATS, export_vectors

MIDI = "midi"
_ID_LENGTH = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the table, the format and what is chosen of it."""
    parser.add_argument("table", type=Path, help="features, embeddings, skipgram or songs table")
    parser.add_argument("--format", required=True, choices=(*FORMATS, MIDI))
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to write to")
    parser.add_argument(
        "--column", default="embedding", help="vectors to write: embedding (default) or codes"
    )
    parser.add_argument("--name", help="name of the files (default: the table's)")
    parser.add_argument(
        "--songs", nargs="+", metavar="N|ID", help="midi: the first N songs, or these (default all)"
    )
    parser.add_argument(
        "--lyrics", choices=STYLES, default="events", help="midi: lyric events or karaoke text"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the files and log their names.

    Raises:
        DataError: the table does not fit the format.
    """
    if arguments.format == MIDI:
        _export_songs(arguments)
        return 0
    name = arguments.name or arguments.table.stem
    target = (arguments.out / f"{name}.parquet").resolve()
    if arguments.format == "parquet" and target == arguments.table.resolve():
        raise DataError(f"{arguments.table}: would be overwritten; give another --out or --name")
    for file in export_vectors(
        arguments.table, arguments.column, arguments.format, arguments.out, name
    ):
        logging.info("wrote %s", file)
    return 0


def _export_songs(arguments: argparse.Namespace) -> None:
    from ugaar.export.song_files import export_songs

    counts = export_songs(
        arguments.table, arguments.out, _wanted(arguments.songs), arguments.lyrics
    )
    logging.info(
        "wrote %d songs to %s, %d not; %d with even ticks, %d with notes moved by a tick, "
        "%d with notes shortened, %d with notes without letters: see songs.csv",
        *(counts["written"], arguments.out, counts["failed"]),
        *(counts[name] for name in ("even", "moved", "shortened", "textless")),
    )


def _wanted(songs: list[str] | None) -> int | list[str] | None:
    """Return a number of songs, their ids, or None; an id may consist of digits too."""
    if songs and len(songs) == 1 and songs[0].isdecimal() and len(songs[0]) < _ID_LENGTH:
        return int(songs[0])
    return songs
