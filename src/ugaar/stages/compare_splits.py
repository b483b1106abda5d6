"""Set protocols and draws of the folds side by side."""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

from ugaar.errors import ConfigError
from ugaar.evaluate.notes import CUT, RANKING
from ugaar.evaluate.split_comparison import (
    Cells,
    cells_of,
    mean_rows,
    protocol_rows,
    protocols_table,
    splits_table,
)
from ugaar.evaluate.summary import rank_grids, resample_metrics
from ugaar.parquet_files import read_table, write_table
from ugaar.report.table_files import write_csv, write_formats
from ugaar.score.split import PUBLISHED, SONG_DISJOINT
from ugaar.settings import Settings
from ugaar.tables import PROTOCOL_DIFFERENCES, RANKS, SPLIT_MEANS

SETTINGS: tuple[str, ...] = ("evaluate.top_k", "evaluate.bootstrap", "evaluate.confidence")

_DIFFERENCES = (
    "Difference: published minus song-disjoint, with its bootstrap interval over queries and seeds "
    "(the two protocols ask different windows, so their resamples are independent). R@1 is in "
    "percent; MedR and MedR/N are better when lower."
)
_DRAWS = (
    "Value: mean over draws of the folds; ±: standard deviation over draws; brackets: their range."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files of the stage."""
    parser.add_argument("--names", nargs="+", required=True, help="names of the splits")
    parser.add_argument(
        "--ranks", type=Path, nargs="+", required=True, help="ranks tables, in the order of names"
    )
    parser.add_argument("--means-out", type=Path, required=True, help="split_means to write")
    parser.add_argument(
        "--differences-out", type=Path, required=True, help="protocol_differences to write"
    )
    parser.add_argument("--out-dir", type=Path, required=True, help="folder of the tables")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Read the ranks of every split and write what changes between them."""
    wanted = settings["evaluate"]
    if len(arguments.names) != len(arguments.ranks):
        raise ConfigError("compare-splits: --names and --ranks must be equally many")
    both = {SONG_DISJOINT, PUBLISHED} <= set(arguments.names)
    draws: dict[str, list[Cells]] = defaultdict(list)
    main: dict[str, Cells] = {}
    for name, path in zip(arguments.names, arguments.ranks, strict=True):
        grids = rank_grids(read_table(path, RANKS))
        # Means over draws need no bootstrap; only the two protocols are compared with intervals.
        resamples = wanted["bootstrap"] if both and name in (SONG_DISJOINT, PUBLISHED) else 1
        cells = cells_of(
            grids, [resample_metrics(grid, wanted["top_k"], resamples) for grid in grids]
        )
        for protocol in {grid.protocol for grid in grids}:
            draws[protocol].append(cells)
            if name == protocol:
                main[protocol] = cells
    means = list(mean_rows(draws))
    write_table(arguments.means_out, SPLIT_MEANS, means)
    differences: list[dict[str, object]] = []
    if main.keys() == {SONG_DISJOINT, PUBLISHED}:
        differences += protocol_rows(main[SONG_DISJOINT], main[PUBLISHED], wanted["confidence"])
    write_table(arguments.differences_out, PROTOCOL_DIFFERENCES, differences)
    folder = arguments.out_dir
    write_formats(folder, splits_table(means, [_DRAWS, RANKING, CUT]))
    write_csv(folder / "splits.csv", SPLIT_MEANS.column_names, means)
    write_formats(folder, protocols_table(differences, [_DIFFERENCES, RANKING, CUT]))
    write_csv(folder / "protocols.csv", PROTOCOL_DIFFERENCES.column_names, differences)
