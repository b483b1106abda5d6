"""Read recordings of chroma features and the works they play."""

from __future__ import annotations

import argparse
from pathlib import Path

from ugaar.parquet_files import write_table
from ugaar.settings import Settings
from ugaar.sources.chroma_recordings import read_recordings
from ugaar.tables import REJECTS
from ugaar.version_tables import RECORDINGS

SETTINGS: tuple[str, ...] = ("versions.path", "versions.shingle_s")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--out", type=Path, required=True, help="recordings table to write")
    parser.add_argument("--rejects-out", type=Path, required=True, help="rejects table to write")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Write recordings and rejects."""
    wanted = settings["versions"]
    rows, rejects = read_recordings(Path(wanted["path"]), wanted["shingle_s"])
    write_table(arguments.out, RECORDINGS, rows)
    write_table(arguments.rejects_out, REJECTS, rejects)
