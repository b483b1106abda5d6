"""Join the shards of pieces and songs, cut written-out repeats and drop what is short or double."""

from __future__ import annotations

import argparse
import logging
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ugaar.errors import DataError
from ugaar.parquet_files import open_table, read_table, write_table
from ugaar.progress import Progress
from ugaar.score.piece_rejects import reject_piece
from ugaar.score.rejects import sort_key
from ugaar.score.repeats import without_repeats
from ugaar.score.song_pieces import as_piece, pieces_and_songs
from ugaar.snippet_tables import PIECES
from ugaar.sorted_tables import RowGroups
from ugaar.sources.unusable import UnusableFileError
from ugaar.tables import REJECTS, SONGS

SETTINGS = (
    "pieces.repeats",
    "pieces.repeat_bars",
    "pieces.min_onsets",
    "window.grid_per_quarter",
    "window.max_quantise_error_s",
)

CUT = "cut"
PIECES_IN_GROUP = 512

Row = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--parts", nargs="*", default=[], help="pieces of ingest-pieces, per shard")
    parser.add_argument("--songs", nargs="*", default=[], help="songs of ingest, per shard")
    parser.add_argument("--rejects", nargs="*", default=[], help="rejects of both, per shard")
    parser.add_argument("--out", required=True, help="pieces table to write")
    parser.add_argument("--rejects-out", required=True, help="rejects table to write")


def run(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Write pieces sorted by id, and the rejects of reading and joining."""
    rejects = [row for path in arguments.rejects for row in read_table(path, REJECTS).to_pylist()]
    n_pieces = n_onsets = n_repeated = 0
    seen: dict[tuple[str, str], str] = {}
    progress = Progress(
        sum(len(read_table(path, PIECES, ["piece_id"])) for path in arguments.parts)
        + sum(len(read_table(path, SONGS, ["song_id"])) for path in arguments.songs)
    )
    with open_table(arguments.out, PIECES) as out:
        gathered = RowGroups(out, PIECES.schema(), PIECES_IN_GROUP)
        for found in pieces_and_songs(arguments.parts, arguments.songs):
            try:
                piece = finished(found, settings, seen)
            except UnusableFileError as error:
                item = found.get("song_id") or found["piece_id"]
                rejects.append(
                    reject_piece("pieces", "piece", item, found["path"], error.reason, error.detail)
                )
            else:
                n_pieces += 1
                n_onsets += piece["n_onsets"]
                n_repeated += piece["n_repeated_notes"]
                gathered.add([piece])
            progress.step()
        gathered.flush()
        if not n_pieces:
            raise DataError(
                f"{arguments.out}: no piece is left of {progress.total}; {_why(rejects)}"
            )
    logging.info(
        "%d pieces, %d onsets, %d notes of repeats cut, %d rejects",
        n_pieces,
        n_onsets,
        n_repeated,
        len(rejects),
    )
    write_table(arguments.rejects_out, REJECTS, sorted(rejects, key=sort_key))


def finished(found: Row, settings: Mapping[str, Any], seen: dict[tuple[str, str], str]) -> Row:
    """Return the piece that a row gives, without its repeats.

    Args:
        found: a row of the pieces or of the songs table.
        settings: the stage's settings.
        seen: content keys of the pieces so far and their ids; the piece's are added.

    Raises:
        UnusableFileError: it is too short, not to be notated, or equal to an earlier piece.
    """
    piece = as_piece(found, settings["window"])
    options = settings["pieces"]
    if options["repeats"] == CUT:
        piece = without_repeats(piece, options["repeat_bars"])
    if piece["n_onsets"] < options["min_onsets"]:
        raise UnusableFileError(
            "too-few-onsets", f"{piece['n_onsets']} onsets, {options['min_onsets']} needed"
        )
    first = seen.setdefault((piece["audio_key"], piece["sheet_key"]), piece["piece_id"])
    if first != piece["piece_id"]:
        raise UnusableFileError("duplicate-piece", f"sounds and looks like piece {first}")
    return piece


def _why(rejects: list[dict[str, str]]) -> str:
    counts = Counter((row["reason"], row["remedy"]) for row in rejects)
    reasons = [f"{count} {reason} ({remedy})" for (reason, remedy), count in counts.most_common(3)]
    return "; ".join(reasons) or "see source.path and source.include"
