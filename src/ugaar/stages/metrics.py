"""Summarise ranks: metrics with intervals, exact chance, and paired comparisons of methods."""

from __future__ import annotations

import argparse
from pathlib import Path

import pyarrow as pa

from ugaar.evaluate.summary import (
    chance_rows,
    comparison_rows,
    largest_galleries,
    metric_rows,
    rank_grids,
    resample_metrics,
)
from ugaar.parquet_files import metadata_of, read_table, write_table
from ugaar.progress import Progress
from ugaar.settings import Settings
from ugaar.tables import COMPARISONS, METRICS, RANKS

SETTINGS: tuple[str, ...] = ("evaluate.top_k", "evaluate.bootstrap", "evaluate.confidence")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files of the stage."""
    parser.add_argument("--ranks", type=Path, nargs="+", required=True, help="ranks tables")
    parser.add_argument("--ranks-out", type=Path, help="all ranks in one table to write")
    parser.add_argument(
        "--metrics-out", "--out", type=Path, required=True, help="metrics table to write"
    )
    parser.add_argument(
        "--comparisons-out", type=Path, required=True, help="comparisons table to write"
    )


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Read the ranks, resample them and write the summaries."""
    wanted = settings["evaluate"]
    ranks = pa.concat_tables(
        read_table(path, RANKS).replace_schema_metadata() for path in arguments.ranks
    ).sort_by(
        [(name, "ascending") for name in ("protocol", "method", "seed", "direction")]
        + [("gallery_size", "descending"), ("window_id", "ascending")]
    )
    fold = ", ".join(sorted({metadata_of(path).get("fold", "unknown") for path in arguments.ranks}))
    grids = rank_grids(ranks)
    progress = Progress(len(grids))
    metrics = []
    for grid in grids:
        metrics.append(resample_metrics(grid, wanted["top_k"], wanted["bootstrap"]))
        progress.step()

    rows = list(chance_rows(grids, wanted["top_k"]))
    for grid, found in zip(grids, metrics, strict=True):
        rows.extend(metric_rows(grid, found, wanted["confidence"]))
    metadata = {
        "fold": fold,
        "bootstrap": str(wanted["bootstrap"]),
        "confidence": str(wanted["confidence"]),
    }
    write_table(arguments.metrics_out, METRICS, rows, metadata=metadata)
    whole = {id(grid) for grid in largest_galleries(grids)}
    kept = [pair for pair in zip(grids, metrics, strict=True) if id(pair[0]) in whole]
    compared = list(
        comparison_rows([grid for grid, _ in kept], [one for _, one in kept], wanted["confidence"])
    )
    write_table(arguments.comparisons_out, COMPARISONS, compared, metadata=metadata)
    if arguments.ranks_out:
        write_table(arguments.ranks_out, RANKS, ranks, metadata={"fold": fold})
