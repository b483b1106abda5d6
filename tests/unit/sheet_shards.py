"""Runs of render-sheet on made-up windows, and their strips as pixels."""

import argparse
import io

import numpy as np
from PIL import Image
from windows_for_rendering import write_windows

from ugaar.parquet_files import read_table
from ugaar.stages import render_sheet
from ugaar.tables import REJECTS, SHEET


def run(folder, rows, settings, shard=0):
    """Render a shard; return the rows of its table, of its rejects and the table's path."""
    out, rejects = folder / f"sheet-{shard}.parquet", folder / f"rejects-{shard}.parquet"
    arguments = argparse.Namespace(
        windows=write_windows(folder / "windows.parquet", rows),
        pieces=None,
        shard=shard,
        out=out,
        rejects_out=rejects,
    )
    render_sheet.run(arguments, settings)
    return read_table(out, SHEET).to_pylist(), read_table(rejects, REJECTS).to_pylist(), out


def pixels(row):
    """Return the greys of a strip."""
    with Image.open(io.BytesIO(row["png"])) as image:
        assert image.mode == "L"
        return np.asarray(image)
