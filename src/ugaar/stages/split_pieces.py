"""Keep pieces that share a run of notes together, and draw train, valid and test folds."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from ugaar.parquet_files import read_table, write_table
from ugaar.score.piece_split import piece_groups, piece_split_rows
from ugaar.score.split import FOLDS
from ugaar.snippet_tables import PIECE_SPLIT, PIECES

SETTINGS = (
    "pieces.shared_notes",
    "split.valid_share",
    "split.test_share",
    "split.max_group_share",
    "split.seeds",
)

COLUMNS = (
    "piece_id",
    "source",
    "collection",
    "path",
    "pitch",
    "onset_tick",
    "staff",
    "n_onsets",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--pieces", required=True, help="pieces table")
    parser.add_argument("--out", required=True, help="piece_split table to write")


def run(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Write the fold of every piece."""
    pieces = read_table(arguments.pieces, PIECES, COLUMNS).to_pylist()
    groups = piece_groups(pieces, settings["pieces"]["shared_notes"])
    rows = piece_split_rows(pieces, groups, settings["split"])
    for fold in FOLDS:
        members = [row for row in rows if row["fold"] == fold]
        logging.info(
            "%s: %d pieces in %d groups, %d onsets",
            fold,
            len(members),
            len({row["group"] for row in members}),
            sum(row["n_onsets"] for row in members),
        )
    write_table(arguments.out, PIECE_SPLIT, sorted(rows, key=lambda row: row["piece_id"]))
