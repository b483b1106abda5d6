"""Draw the retrieval of versions against the length of the code."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from ugaar.parquet_files import read_table
from ugaar.report import versions_figure
from ugaar.report.style import new_figure, save
from ugaar.settings import Settings
from ugaar.version_tables import VERSION_METRICS

SETTINGS: tuple[str, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--metrics", type=Path, required=True, help="metrics table")
    parser.add_argument("--out-dir", type=Path, required=True, help="folder of the figure")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Draw <out-dir>/versions.png and .svg."""
    metrics = read_table(arguments.metrics, VERSION_METRICS).to_pylist()
    with new_figure(2.9) as figure:
        versions_figure.draw(figure, metrics)
        save(figure, arguments.out_dir, "versions")
    logging.info("wrote %s", arguments.out_dir / "versions.png")
