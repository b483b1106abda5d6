"""Count places of the pieces that look and sound the same, with repeats kept and with them cut."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from ugaar.parquet_files import read_table, write_table
from ugaar.score.repeats import without_repeats
from ugaar.score.song_pieces import as_piece, pieces_and_songs
from ugaar.score.split import FOLDS
from ugaar.score.twins import REACHES, Hashes, twin_hashes, twin_shares
from ugaar.snippet_tables import PIECE_SPLIT, TWINS

SETTINGS = ("pieces.repeat_bars", "window.grid_per_quarter", "window.max_quantise_error_s")

KEEP, CUT = "keep", "cut"
ALL = "all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--parts", nargs="*", default=[], help="pieces of ingest-pieces, per shard")
    parser.add_argument("--songs", nargs="*", default=[], help="songs of ingest, per shard")
    parser.add_argument("--split", required=True, help="piece_split table")
    parser.add_argument("--out", required=True, help="twins table to write")


def run(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Write the shares of twins in each fold, for the pieces that have one."""
    split = read_table(arguments.split, PIECE_SPLIT, ["piece_id", "fold"])
    fold_of = dict(zip(*(column.to_pylist() for column in split.columns), strict=True))
    hashes: dict[tuple[str, int], list[Hashes]] = {
        (repeats, reach): [] for repeats in (KEEP, CUT) for reach in REACHES
    }
    folds: list[str] = []
    for row in pieces_and_songs(arguments.parts, arguments.songs):
        fold = fold_of.get(row.get("song_id") or row["piece_id"])
        if fold is None:
            continue
        folds.append(fold)
        whole = as_piece(row, settings["window"])
        versions = {KEEP: whole, CUT: without_repeats(whole, settings["pieces"]["repeat_bars"])}
        for (repeats, reach), found in hashes.items():
            found.append(twin_hashes(versions[repeats], reach))
    rows = [
        row
        for (repeats, reach), found in hashes.items()
        for row in _rows(found, folds, repeats, reach)
    ]
    for row in rows:
        logging.info("%s", ", ".join(f"{name} {value}" for name, value in row.items()))
    write_table(arguments.out, TWINS, rows)


def _rows(
    hashes: Sequence[Hashes], folds: Sequence[str], repeats: str, reach: int
) -> list[dict[str, Any]]:
    rows = []
    for fold in (ALL, *FOLDS):
        chosen = [number for number, own in enumerate(folds) if fold in (ALL, own)]
        if not chosen:
            continue
        shares = twin_shares(
            np.concatenate([hashes[number] for number in chosen]),
            np.repeat(chosen, [len(hashes[number]) for number in chosen]),
        )
        rows.append({"repeats": repeats, "fold": fold, "reach": reach, **vars(shares)})
    return rows
