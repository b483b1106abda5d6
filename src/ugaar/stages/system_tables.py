"""Write the tables of the audio-sheet systems as CSV, Markdown, LaTeX and HTML."""

from __future__ import annotations

import argparse
from pathlib import Path

from ugaar.evaluate.identification_table import identification_table
from ugaar.evaluate.system_results import SystemResults
from ugaar.evaluate.system_tables import (
    CSV_COLUMNS,
    cca_layer_table,
    cell_rows,
    dcca_table,
    robustness_table,
    tolerance_table,
)
from ugaar.parquet_files import metadata_of, read_table
from ugaar.report.table_files import write_csv, write_formats
from ugaar.settings import Settings
from ugaar.snippet_tables import IDENTIFICATION, SYSTEM_METRICS

SETTINGS: tuple[str, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files of the stage."""
    parser.add_argument("--metrics", type=Path, required=True, help="system_metrics table")
    parser.add_argument(
        "--identification",
        type=Path,
        nargs="+",
        required=True,
        help="identification, a file for each system",
    )
    parser.add_argument("--out-dir", type=Path, required=True, help="folder of the tables")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Read the metrics and what was identified, and write every table in every format."""
    rows = read_table(arguments.metrics, SYSTEM_METRICS).to_pylist()
    results = SystemResults(rows, metadata_of(arguments.metrics))
    found = [
        row
        for path in arguments.identification
        for row in read_table(path, IDENTIFICATION).to_pylist()
    ]
    for table in (
        dcca_table(results),
        cca_layer_table(results),
        tolerance_table(results),
        robustness_table(results),
        identification_table(found, results.systems),
    ):
        write_formats(arguments.out_dir, table)
        write_csv(arguments.out_dir / f"{table.name}.csv", CSV_COLUMNS, cell_rows(table))
