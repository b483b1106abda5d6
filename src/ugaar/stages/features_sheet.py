"""features-sheet: encode the strips of one shard."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ugaar.features.asmcmr_sheet import SheetEncoder
from ugaar.features.strips import decode_strip
from ugaar.models.encoder_file import load_encoder
from ugaar.models.towers import CODE_SIZE
from ugaar.parquet_files import iterate_table, open_table, read_table
from ugaar.progress import Progress
from ugaar.tables import SHEET, SHEET_PART
from ugaar.train.device import bfloat16_is_native, choose_device

SETTINGS = ("features.sheet",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files of the stage."""
    parser.add_argument("--sheet", type=Path, required=True, help="one shard of the sheet table")
    parser.add_argument("--weights", type=Path, required=True, help="file of train-encoder")
    parser.add_argument("--out", type=Path, required=True)


def run(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Write the codes of each strip, in the shard's order."""
    chosen = settings["features"]["sheet"]
    # Strips pass one by one through a small network: a GPU would not pay.
    native = bfloat16_is_native(choose_device("cpu"))
    precision = torch.bfloat16 if native else torch.float32
    stored = load_encoder(arguments.weights)
    encoder = SheetEncoder(stored.encoder, chosen["crops"], precision)
    encode = {"exact": encoder.exact, "shared": encoder.shared}[chosen["mode"]]
    metadata = {
        "encoder": "asmcmr",
        "weights": stored.kind,
        "mode": chosen["mode"],
        "crops": str(chosen["crops"]),
        "precision": "bfloat16" if native else "float32",
    }
    progress = Progress(len(read_table(arguments.sheet, SHEET, ["sheet_key"])))
    lengths = {"codes": chosen["crops"] * CODE_SIZE}
    with open_table(arguments.out, SHEET_PART, lengths, metadata) as writer:
        for rows in iterate_table(arguments.sheet, SHEET, ["sheet_key", "png"]):
            codes = []
            for row in rows:
                found = encode(decode_strip(row["png"], row["sheet_key"]))
                codes.append(found.astype(np.float32).ravel())
                progress.step()
            writer.write(
                [
                    {"sheet_key": row["sheet_key"], "codes": code}
                    for row, code in zip(rows, codes, strict=True)
                ]
            )
