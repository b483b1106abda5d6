"""Summarise the scores of the retrieval of versions, and write its tables."""

from __future__ import annotations

import argparse
from pathlib import Path

from ugaar.evaluate.version_metrics import comparison_rows, gather, metric_rows
from ugaar.evaluate.version_printing import (
    differences_table,
    lengths_table,
    main_table,
    works_table,
)
from ugaar.parquet_files import read_table, write_table
from ugaar.report.table_files import write_csv, write_formats
from ugaar.settings import Settings
from ugaar.version_tables import VERSION_COMPARISONS, VERSION_METRICS, VERSION_SCORES
from ugaar.versions.scoring import ALL_WORKS, SHINGLES

SETTINGS: tuple[str, ...] = (
    "versions.shingle_s",
    "evaluate.fold",
    "evaluate.bootstrap",
    "evaluate.confidence",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--scores", type=Path, nargs="+", required=True, help="scores tables")
    parser.add_argument("--metrics-out", type=Path, required=True, help="metrics to write")
    parser.add_argument("--comparisons-out", type=Path, required=True, help="differences to write")
    parser.add_argument("--out-dir", type=Path, required=True, help="folder of the tables")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Write metrics, differences and every table in every format."""
    evaluate = settings["evaluate"]
    gathered = gather(
        [row for path in arguments.scores for row in read_table(path, VERSION_SCORES).to_pylist()]
    )
    resampling = evaluate["bootstrap"], evaluate["confidence"]
    metrics = list(metric_rows(gathered, *resampling))
    differences = list(comparison_rows(gathered, *resampling))
    metadata = {"fold": evaluate["fold"], "confidence": str(evaluate["confidence"])}
    write_table(arguments.metrics_out, VERSION_METRICS, metrics, metadata=metadata)
    write_table(arguments.comparisons_out, VERSION_COMPARISONS, differences, metadata=metadata)
    one_shingle = (ALL_WORKS, SHINGLES, settings["versions"]["shingle_s"])
    folder = arguments.out_dir
    for table in (
        main_table(metrics),
        lengths_table(metrics),
        works_table(gathered, one_shingle),
        differences_table(differences),
    ):
        write_formats(folder, table)
    write_csv(folder / "versions.csv", VERSION_METRICS.column_names, metrics)
    write_csv(folder / "versions_differences.csv", VERSION_COMPARISONS.column_names, differences)
