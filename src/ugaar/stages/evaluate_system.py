"""Rank the test snippets of one audio-sheet system under every condition, for each seed."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

from ugaar.errors import DataError
from ugaar.evaluate.system_codes import read_codes
from ugaar.evaluate.system_ranking import (
    TWIN_COLUMN,
    TestSnippets,
    choose_candidates,
    rank_system,
)
from ugaar.parquet_files import open_table, read_table
from ugaar.settings import Settings
from ugaar.snippet_tables import SNIPPETS, SYSTEM_RANKS

SETTINGS: tuple[str, ...] = (
    "audio_sheet.candidates",
    "audio_sheet.condition_candidates",
    "evaluate.fold",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files of the stage."""
    parser.add_argument("--system", required=True, help="system that was trained")
    parser.add_argument(
        "--codes", type=Path, nargs="+", required=True, help="codes, a file for each seed"
    )
    parser.add_argument("--snippets", type=Path, required=True, help="snippets table")
    parser.add_argument(
        "--conditions", nargs="+", required=True, help="conditions, the main one first"
    )
    parser.add_argument("--out", type=Path, required=True, help="system_ranks table to write")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Read the codes, choose the candidates, rank them and write the ranks."""
    wanted, fold = settings["audio_sheet"], settings["evaluate"]["fold"]
    columns = ["piece_id", "note", "fold", TWIN_COLUMN]
    snippets = TestSnippets.of(read_table(arguments.snippets, SNIPPETS, columns), fold)
    conditions = arguments.conditions
    metadata = {"fold": fold, "conditions": json.dumps(conditions)}
    first = None
    with open_table(arguments.out, SYSTEM_RANKS, metadata=metadata) as table:
        for codes in read_codes(arguments.codes, arguments.system, conditions[0]):
            asked = choose_candidates(
                snippets, codes, conditions, wanted["candidates"], wanted["condition_candidates"]
            )
            chosen = [one.snippets.places() for one in asked]
            first = first or chosen
            if chosen != first:
                raise DataError(
                    f"{codes.path}: other test snippets are encoded than for the first seed of "
                    f"{codes.system}; embed all seeds from the same stores"
                )
            for part in rank_system(codes, asked):
                table.write(part)
            logging.info(
                "%s, seed %d: ranked %s candidates",
                codes.system,
                codes.seed,
                " and ".join(str(len(one)) for one in chosen),
            )
