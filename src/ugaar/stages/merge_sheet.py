"""merge-sheet: join the codes of strips to windows and take means."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ugaar.features.sheet_table import join_sheet_parts
from ugaar.tables import FEATURES_SHEET, write_table

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
    rows, lengths, metadata = join_sheet_parts(
        arguments.parts, arguments.windows, arguments.split, _CODE_SIZE
    )
    write_table(arguments.out, FEATURES_SHEET, rows, lengths, metadata)
