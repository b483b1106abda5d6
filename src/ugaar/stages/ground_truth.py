"""Find the nearest neighbours in the CCA space of audio and sheet (stage `ground-truth`)."""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import replace

import numpy as np

from ugaar.align.cca import fit_axes, principal_axes
from ugaar.align.content import content_numbers
from ugaar.align.ground_truth import find_ground_truth
from ugaar.parquet_files import read_table, write_table
from ugaar.settings import Settings
from ugaar.tables import GROUND_TRUTH, SPLIT
from ugaar.train.dataset import load_features
from ugaar.train.linear import fit_best_ridge

SETTINGS = ("ground_truth", "cca.ridges")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files of the stage."""
    parser.add_argument("--audio", required=True, help="mean audio features")
    parser.add_argument("--sheet", required=True, help="mean sheet features")
    parser.add_argument("--split", required=True, help="split table")
    parser.add_argument("--out", required=True, help="ground_truth table to write")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Write the neighbours of every training window; correlations go into the file's metadata."""
    chosen = settings["ground_truth"]
    features = load_features({"audio": arguments.audio, "sheet": arguments.sheet}, arguments.split)
    train = features.take("train")
    audio, sheet = train.vectors["audio"], train.vectors["sheet"]
    axes = {m: principal_axes(rows, chosen["components"]) for m, rows in train.vectors.items()}
    if chosen["ridge"] is None:
        valid = features.take("valid")
        content = {m: content_numbers(rows) for m, rows in valid.vectors.items()}
        pair, _ = fit_best_ridge(
            ("audio", "sheet"), axes, replace(valid, content=content), settings["cca"]["ridges"]
        )
        ridge, analysis = pair.ridge, pair.analysis
    else:
        ridge = chosen["ridge"]
        analysis = fit_axes(axes["audio"], axes["sheet"], ridge)
    truth = find_ground_truth(audio, sheet, chosen["top_k"], analysis, chosen["exclude_duplicates"])
    n, k = truth.rows.shape
    protocol = read_table(arguments.split, SPLIT, ["protocol"])["protocol"][0].as_py()
    write_table(
        arguments.out,
        GROUND_TRUTH,
        {
            "window_id": np.repeat(train.window_id, k).tolist(),
            "neighbour_id": train.window_id[truth.rows.ravel()].tolist(),
            "position": np.tile(np.arange(1, k + 1, dtype=np.int16), n),
            "distance": truth.distances.ravel(),
            "protocol": [protocol] * (n * k),
        },
        metadata={
            "correlations": json.dumps([round(float(c), 6) for c in analysis.correlations]),
            "ridge": str(ridge),
        },
    )
    logging.info("%d neighbours for each of %d training windows, ridge %g", k, n, ridge)
