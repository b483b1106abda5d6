"""merge-sheet: join the codes of strips to windows and take means."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ugaar.features.sheet_table import join_sheet_parts
from ugaar.parquet_files import open_table
from ugaar.progress import Progress
from ugaar.tables import FEATURES_SHEET

SETTINGS: tuple[str, ...] = ()

_CODE_SIZE = 32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files of the stage."""
    parser.add_argument("--parts", type=Path, nargs="+", required=True)
    parser.add_argument("--windows", type=Path, required=True)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)


def run(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Write the sheet features of every window whose strip was engraved."""
    folder = arguments.out.parent
    folder.mkdir(parents=True, exist_ok=True)
    joined = join_sheet_parts(arguments.parts, arguments.windows, arguments.split, folder)
    lengths = {"codes": joined.codes.length, "embedding": _CODE_SIZE}
    progress = Progress(len(joined.rows))
    with open_table(arguments.out, FEATURES_SHEET, lengths, joined.metadata) as writer:
        for count, columns in joined.batches(_CODE_SIZE):
            writer.write(columns)
            progress.step(count)
    joined.codes.close()
