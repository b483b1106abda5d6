"""Read pieces without lyrics (one shard of the source's files)."""

from __future__ import annotations

import argparse
from typing import Any

from ugaar.errors import ConfigError
from ugaar.parquet_files import write_table
from ugaar.score.piece_rejects import reject_piece
from ugaar.score.rejects import sort_key
from ugaar.snippet_tables import PIECES
from ugaar.sources.kinds import PIECE_KINDS, Rows, load_piece_reader, sources_of
from ugaar.tables import REJECTS

SETTINGS = (
    "source",
    "shards",
    "pieces.parts",
    "window.grid_per_quarter",
    "window.max_quantise_error_s",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--shard", type=int, required=True, help="number of the shard, from 0")
    parser.add_argument("--pieces-out", required=True, help="pieces table to write")
    parser.add_argument("--rejects-out", required=True, help="rejects table to write")


def first_of_each(pieces: Rows) -> tuple[Rows, Rows]:
    """Return the pieces without those whose id an earlier one has, and the rejects for these."""
    kept: dict[str, dict[str, Any]] = {}
    rejects = []
    for piece in pieces:
        if kept.setdefault(piece["piece_id"], piece) is not piece:
            detail = f"an earlier source of kind {piece['source']} has a file of this path, too"
            path = piece["path"]
            rejects.append(
                reject_piece(
                    "ingest-pieces", "piece", piece["piece_id"], path, "duplicate-name", detail
                )
            )
    return list(kept.values()), rejects


def run(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Read the files whose hash falls into the shard, and write pieces and rejects.

    Sources of kinds with lyrics are left to the stage `ingest`.
    """
    shards = settings["shards"]
    if not 0 <= arguments.shard < shards:
        raise ConfigError(f"--shard {arguments.shard}: shards are numbered 0 to {shards - 1}")
    pieces: Rows = []
    rejects: Rows = []
    for one in sources_of(settings["source"]):
        if one["kind"] not in PIECE_KINDS:
            continue
        options = {**one, **settings["pieces"], **settings["window"]}
        found, dropped = load_piece_reader(one["kind"])(options, arguments.shard, shards)
        pieces += found
        rejects += dropped
    pieces, repeated = first_of_each(pieces)
    rejects += repeated
    write_table(arguments.pieces_out, PIECES, sorted(pieces, key=lambda row: row["piece_id"]))
    write_table(arguments.rejects_out, REJECTS, sorted(rejects, key=sort_key))
