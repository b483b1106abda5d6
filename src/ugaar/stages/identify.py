"""Find each test piece, and the place in it, by the votes of its snippets."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from ugaar.errors import DataError
from ugaar.evaluate.identification import RUN, SPREAD, PieceRows, identify, summarise
from ugaar.evaluate.system_codes import read_codes
from ugaar.evaluate.system_ranking import DIRECTIONS
from ugaar.parquet_files import open_table, read_table
from ugaar.settings import Settings
from ugaar.snippet_tables import IDENTIFICATION, SNIPPETS

SETTINGS: tuple[str, ...] = ("audio_sheet.votes", "evaluate.fold")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files of the stage."""
    parser.add_argument("--system", required=True, help="system that was trained")
    parser.add_argument(
        "--codes", type=Path, nargs="+", required=True, help="codes, a file for each seed"
    )
    parser.add_argument("--snippets", type=Path, required=True, help="snippets table")
    parser.add_argument("--condition", required=True, help="the main condition")
    parser.add_argument("--out", type=Path, required=True, help="identification table to write")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Read the codes of all seeds, look every test piece up and write what was found."""
    votes, fold = settings["audio_sheet"]["votes"], settings["evaluate"]["fold"]
    snippets = read_table(arguments.snippets, SNIPPETS, ["piece_id", "note", "fold", "x_px"])
    snippets = snippets.filter(pc.equal(snippets["fold"], fold)).sort_by(
        [("piece_id", "ascending"), ("note", "ascending")]
    )
    condition = arguments.condition
    with open_table(arguments.out, IDENTIFICATION, metadata={"fold": fold}) as table:
        for codes in read_codes(arguments.codes, arguments.system, condition):
            present = codes.places(condition, "audio") & codes.places(condition, "sheet")
            places = list(
                zip(snippets["piece_id"].to_pylist(), snippets["note"].to_pylist(), strict=True)
            )
            kept = np.flatnonzero([place in present for place in places])
            if not len(kept):
                raise DataError(
                    f"{codes.path}: no snippet of fold {fold!r} has both codes under {condition!r};"
                    " embed the system again"
                )
            places = [places[row] for row in kept]
            pieces = PieceRows.of(
                [piece for piece, _ in places],
                np.array([note for _, note in places]),
                snippets["x_px"].to_numpy()[kept].astype(np.float64),
            )
            vectors = {name: codes.vectors(condition, name, places) for name in ("audio", "sheet")}
            for direction in DIRECTIONS:
                query, gallery = direction.split("-to-")
                named = {
                    "system": codes.system,
                    "seed": codes.seed,
                    "condition": condition,
                    "direction": direction,
                }
                rows = [
                    named | row for row in identify(pieces, vectors[query], vectors[gallery], votes)
                ]
                table.write(rows)
                top = {
                    kind: summarise([row for row in rows if row["query"] == kind])["top-1"]
                    for kind in (SPREAD, RUN)
                }
                logging.info(
                    "%s, seed %d, %s: found %.1f %% of %d pieces (a run of onsets: %.1f %%)",
                    codes.system,
                    codes.seed,
                    direction,
                    top[SPREAD],
                    len(pieces.names),
                    top[RUN],
                )
