"""Build duplicate groups and draw the train, valid and test folds."""

from __future__ import annotations

import argparse
import logging
from collections import Counter
from itertools import chain
from typing import Any

from ugaar.parquet_files import iterate_table, read_table, write_table
from ugaar.score.groups import duplicate_groups
from ugaar.score.split import DUPLICATE, FOLDS, PROTOCOLS, split_rows
from ugaar.tables import MODALITIES, SONGS, SPLIT, WINDOWS

SETTINGS = (
    "split.valid_share",
    "split.test_share",
    "split.min_test_windows",
    "split.run_length",
    "split.run_distinct",
    "split.max_group_share",
    "split.distinct",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--songs", required=True, help="songs table")
    parser.add_argument("--windows", required=True, help="windows table")
    parser.add_argument("--protocol", required=True, choices=PROTOCOLS, help="how folds are drawn")
    parser.add_argument("--seed", required=True, type=int, help="seed of the draw")
    parser.add_argument("--out", required=True, help="split table to write")


def run(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Write the fold of every window."""
    split = settings["split"]
    songs = chain.from_iterable(
        iterate_table(
            arguments.songs, SONGS, ["song_id", "path", "pitch", "onset_tick", "syllable"]
        )
    )
    windows = read_table(
        arguments.windows,
        WINDOWS,
        ["window_id", "song_id", "collection", "pitch", *(f"{name}_key" for name in MODALITIES)],
    ).to_pylist()
    groups = duplicate_groups(songs, windows, split["run_length"], split["run_distinct"])
    rows = split_rows(windows, groups, arguments.protocol, split, arguments.seed)
    for fold in (*FOLDS, DUPLICATE):
        members = [row for row in rows if row["fold"] == fold]
        logging.info(
            "%s: %d windows in %d groups, %s",
            fold,
            len(members),
            len({row["group"] for row in members}),
            dict(sorted(Counter(row["collection"] for row in members).items())),
        )
    write_table(arguments.out, SPLIT, sorted(rows, key=lambda row: row["window_id"]))
