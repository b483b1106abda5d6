"""Lay the versions of each work on each other in time, and deal the works to folds."""

from __future__ import annotations

import argparse
import logging
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path
from typing import Any

from ugaar.parquet_files import read_table, write_table
from ugaar.progress import Progress
from ugaar.settings import Settings
from ugaar.version_tables import RECORDINGS, VERSION_FOLDS, VERSION_PAIRS
from ugaar.versions.alignment import align, copies
from ugaar.versions.folds import fold_of_works
from ugaar.versions.recordings import read_shingles

SETTINGS: tuple[str, ...] = ("versions.shingle_s", "versions.folds", "versions.copy_distance")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--recordings", type=Path, required=True, help="recordings table")
    parser.add_argument("--pairs-out", type=Path, required=True, help="alignments to write")
    parser.add_argument("--folds-out", type=Path, required=True, help="folds table to write")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Write the alignments of every two versions, and the folds."""
    wanted = settings["versions"]
    shingles = read_shingles(arguments.recordings, wanted["shingle_s"])
    strata = {
        row["work"]: row["collection"]
        for row in read_table(arguments.recordings, RECORDINGS, ["work", "collection"]).to_pylist()
    }
    fold = fold_of_works(Counter(shingles.works), strata, wanted["folds"])
    versions = defaultdict(list)
    for number, work in enumerate(shingles.works):
        versions[work].append(number)
    couples = [pair for numbers in versions.values() for pair in combinations(numbers, 2)]
    progress = Progress(len(couples))
    rows: list[dict[str, Any]] = []
    for one, other in couples:
        found = align(shingles.chroma[one], shingles.chroma[other])
        shared = {"work": shingles.works[one], "distance": found.distance}
        names = shingles.names[one], shingles.names[other]
        for (first, second), place in ((names, found.place), (names[::-1], found.other_place)):
            rows.append({"recording_id": first, "other_id": second, "place": place, **shared})
        progress.step()
    rows.sort(key=lambda row: (row["recording_id"], row["other_id"]))
    group = copies(
        list(shingles.names),
        [(row["recording_id"], row["other_id"], row["distance"]) for row in rows],
        wanted["copy_distance"],
    )
    logging.info("%d performances in %d recordings", len(set(group.values())), len(shingles.names))
    write_table(arguments.pairs_out, VERSION_PAIRS, rows)
    write_table(
        arguments.folds_out,
        VERSION_FOLDS,
        [
            {
                "recording_id": name,
                "work": work,
                "copies": group[name],
                "fold": fold[work],
                "n_shingles": int(count),
            }
            for name, work, count in zip(
                shingles.names, shingles.works, shingles.counts, strict=True
            )
        ],
    )
