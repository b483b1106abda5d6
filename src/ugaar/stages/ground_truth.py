"""Find the nearest neighbours in the CCA space of audio and sheet (stage `ground-truth`)."""

from __future__ import annotations

import argparse
import json
import logging

import numpy as np

from ugaar.align.ground_truth import find_ground_truth
from ugaar.settings import Settings
from ugaar.tables import GROUND_TRUTH, SPLIT, read_table, write_table
from ugaar.train.dataset import load_features

SETTINGS = ("ground_truth",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files of the stage."""
    parser.add_argument("--audio", required=True, help="mean audio features")
    parser.add_argument("--sheet", required=True, help="mean sheet features")
    parser.add_argument("--split", required=True, help="split table")
    parser.add_argument("--out", required=True, help="ground_truth table to write")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Write the neighbours of every training window; correlations go into the file's metadata."""
    chosen = settings["ground_truth"]
    features = load_features(
        {"audio": arguments.audio, "sheet": arguments.sheet}, arguments.split
    ).take("train")
    truth = find_ground_truth(
        features.vectors["audio"],
        features.vectors["sheet"],
        chosen["top_k"],
        chosen["ridge"],
        chosen["components"],
        chosen["exclude_duplicates"],
    )
    n, k = truth.rows.shape
    protocol = read_table(arguments.split, SPLIT, ["protocol"])["protocol"][0].as_py()
    write_table(
        arguments.out,
        GROUND_TRUTH,
        {
            "window_id": np.repeat(features.window_id, k).tolist(),
            "neighbour_id": features.window_id[truth.rows.ravel()].tolist(),
            "position": np.tile(np.arange(1, k + 1, dtype=np.int16), n),
            "distance": truth.distances.ravel(),
            "protocol": [protocol] * (n * k),
        },
        metadata={"correlations": json.dumps([round(float(c), 6) for c in truth.correlations])},
    )
    logging.info("%d neighbours for each of %d training windows", k, n)
