"""Join the shards of pieces and songs, cut written-out repeats and drop what is short or double."""

from __future__ import annotations

import argparse
import heapq
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ugaar.errors import DataError
from ugaar.parquet_files import open_table, read_table, write_table
from ugaar.progress import Progress
from ugaar.score.piece_rejects import reject_piece
from ugaar.score.rejects import sort_key
from ugaar.score.repeats import without_repeats
from ugaar.score.song_pieces import piece_of_song
from ugaar.snippet_tables import PIECES
from ugaar.sorted_tables import RowGroups, merged
from ugaar.sources.unusable import UnusableFileError
from ugaar.tables import REJECTS, SONGS, Table

SETTINGS = (
    "pieces.repeats",
    "pieces.repeat_bars",
    "pieces.min_onsets",
    "window.grid_per_quarter",
    "window.max_quantise_error_s",
)

CUT = "cut"
ROWS_AT_A_TIME = 256
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
        for item, path, found in _sources(arguments):
            try:
                piece = finished(found, settings, seen)
            except UnusableFileError as error:
                rejects.append(
                    reject_piece("pieces", "piece", item, path, error.reason, error.detail)
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


def _sources(arguments: argparse.Namespace) -> Iterator[tuple[str, str, Row]]:
    """Yield (identifier, path, row) of the pieces and songs, in order of identifiers."""
    streams = [
        _rows(arguments.parts, PIECES, "piece_id"),
        _rows(arguments.songs, SONGS, "song_id"),
    ]
    return heapq.merge(*streams, key=lambda found: found[0])


def _rows(paths: Sequence[str], declared: Table, key: str) -> Iterator[tuple[str, str, Row]]:
    for batch in merged(paths, declared, key, ROWS_AT_A_TIME) if paths else ():
        for row in batch.to_pylist():
            yield row[key], row["path"], row


def finished(found: Row, settings: Mapping[str, Any], seen: dict[tuple[str, str], str]) -> Row:
    """Return the piece that a row gives, without its repeats.

    Args:
        found: a row of the pieces or of the songs table.
        settings: the stage's settings.
        seen: content keys of the pieces so far and their ids; the piece's are added.

    Raises:
        UnusableFileError: it is too short, not to be notated, or equal to an earlier piece.
    """
    piece = piece_of_song(found, settings["window"]) if "song_id" in found else found
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
