"""Rank the right answers of one method in every direction, for each of its seeds."""

from __future__ import annotations

import argparse
import logging
from functools import partial
from pathlib import Path

from ugaar.errors import DataError
from ugaar.evaluate.directions import Asked, content_of, rank_directions
from ugaar.evaluate.embedded import EmbeddedWindows
from ugaar.parquet_files import open_table, read_table
from ugaar.settings import Settings
from ugaar.tables import MODALITIES, RANKS, SPLIT, WINDOWS

SETTINGS: tuple[str, ...] = ("evaluate.fold", "evaluate.galleries")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files of the stage."""
    parser.add_argument("--method", required=True, help="method that was trained")
    parser.add_argument(
        "--embeddings", type=Path, nargs="+", required=True, help="embeddings, a file for each seed"
    )
    parser.add_argument("--windows", type=Path, required=True, help="windows table")
    parser.add_argument("--split", type=Path, required=True, help="split table")
    parser.add_argument("--out", type=Path, required=True, help="ranks table to write")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Read the embeddings, rank the fold in galleries of every size and write the ranks."""
    fold, sizes = settings["evaluate"]["fold"], settings["evaluate"]["galleries"]
    split = read_table(arguments.split, SPLIT, ["window_id", "fold", "protocol"]).to_pydict()
    in_fold = {
        window
        for window, its_fold in zip(split["window_id"], split["fold"], strict=True)
        if its_fold == fold
    }
    protocols = sorted(set(split["protocol"]))
    if len(protocols) != 1:
        raise DataError(f"{arguments.split}: expected one split protocol, found {protocols}")
    windows = read_table(
        arguments.windows, WINDOWS, ["window_id", *(f"{modality}_key" for modality in MODALITIES)]
    )

    embedded = _load(arguments.embeddings, arguments.method)
    ids = sorted(in_fold & embedded[0].windows())
    if not ids:
        raise DataError(
            f"{arguments.embeddings[0]}: no window of fold {fold!r} is embedded in all modalities; "
            "check that the split and the embeddings belong to the same run"
        )
    asked = Asked(ids, content_of(windows, ids, MODALITIES), sizes)
    with open_table(arguments.out, RANKS, metadata={"fold": fold}) as table:
        for one in embedded:
            if sorted(in_fold & one.windows()) != ids:
                raise DataError(
                    f"{one.path}: embeds other windows of fold {fold!r} than "
                    f"{embedded[0].path}; train all seeds on the same features"
                )
            named = {"protocol": protocols[0], "method": one.method, "seed": one.seed}
            parts = rank_directions(
                asked, one.spaces(), partial(one.vectors, windows=ids), one.similarity, named
            )
            for part in parts:
                table.write(part)
            logging.info("%s, seed %d: ranked %d windows", one.method, one.seed, len(ids))


def _load(paths: list[Path], method: str) -> list[EmbeddedWindows]:
    """Read the embeddings of all seeds, in the order of seeds."""
    embedded = sorted((EmbeddedWindows(path) for path in paths), key=lambda one: one.seed)
    for one in embedded:
        if one.method != method:
            raise DataError(f"{one.path}: holds method {one.method!r}, expected {method!r}")
    seeds = [one.seed for one in embedded]
    if len(set(seeds)) < len(seeds):
        raise DataError(f"embeddings of {method} hold seeds {seeds}; give each seed once")
    return embedded
