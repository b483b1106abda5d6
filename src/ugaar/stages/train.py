"""Train one method with one seed and embed the windows (stage `train`)."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ugaar.errors import DataError
from ugaar.parquet_files import open_table, read_table, write_table
from ugaar.settings import Settings
from ugaar.tables import EMBEDDINGS, GROUND_TRUTH, HISTORY
from ugaar.train.checkpoint import load_file, save_file
from ugaar.train.dataset import Features, load_features
from ugaar.train.device import choose_device
from ugaar.train.methods import Job, Result, run_method
from ugaar.train.model_settings import ModelSettings

SETTINGS = ("cca", "model", "device")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the method and the files of the stage."""
    parser.add_argument("--method", required=True, help="name of the method")
    parser.add_argument("--seed", required=True, type=int, help="training seed")
    parser.add_argument("--windows", required=True, help="windows table")
    parser.add_argument("--split", required=True, help="split table")
    parser.add_argument("--audio", required=True, help="mean audio features")
    parser.add_argument("--sheet", required=True, help="mean sheet features")
    parser.add_argument("--lyrics", required=True, help="mean lyrics features")
    parser.add_argument("--ground-truth", help="ground_truth table (method ugaar)")
    parser.add_argument(
        "--baseline", help="model file of the same seed's baseline (methods that start from it)"
    )
    parser.add_argument("--checkpoint", help="file that a killed job resumes from")
    parser.add_argument("--model-out", required=True, help="model file to write")
    parser.add_argument("--embeddings-out", required=True, help="embeddings table to write")
    parser.add_argument("--history-out", required=True, help="history table to write")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Write the model, the embeddings of the validation and test folds, and the history."""
    device = choose_device(settings["device"])
    features = load_features(
        {"audio": arguments.audio, "sheet": arguments.sheet, "lyrics": arguments.lyrics},
        arguments.split,
        arguments.windows,
    )
    job = Job(
        method=arguments.method,
        seed=arguments.seed,
        features=features,
        model=ModelSettings(**settings["model"]),
        ridges=settings["cca"]["ridges"],
        components=settings["cca"]["components"],
        device=device,
        checkpoint_path=arguments.checkpoint,
        baseline=load_file(arguments.baseline) if arguments.baseline else None,
        neighbours=_neighbours(arguments.ground_truth, features.take("train"))
        if arguments.ground_truth
        else None,
    )
    result = run_method(job)
    save_file(arguments.model_out, result.model)
    _write_history(arguments, result)
    _write_embeddings(arguments, result)
    if arguments.checkpoint:
        Path(arguments.checkpoint).unlink(missing_ok=True)
    logging.info("%s, seed %d: %d windows", job.method, job.seed, len(result.evaluated))


def _neighbours(path: str, train: Features) -> NDArray[np.intp]:
    """Return (n, k) rows of the neighbours of each training window, nearest first."""
    table = read_table(path, GROUND_TRUTH, ["window_id", "neighbour_id", "position"])
    row_of = {window: row for row, window in enumerate(train.window_id.tolist())}
    found: list[list[int]] = [[] for _ in row_of]
    for window, neighbour, _ in sorted(
        zip(*(table[name].to_pylist() for name in table.column_names), strict=True),
        key=lambda entry: entry[2],
    ):
        # A window without lyrics features is in the ground truth but takes no part here.
        if window in row_of and neighbour in row_of:
            found[row_of[window]].append(row_of[neighbour])
    least = min(map(len, found))
    if least == 0:
        missing = train.window_id[[not rows for rows in found]][0]
        raise DataError(
            f"{path}: no neighbour of training window {missing}; it was made from another split: "
            "delete it and run ground-truth again"
        )
    return np.array([rows[:least] for rows in found], dtype=np.intp)


def _write_history(arguments: argparse.Namespace, result: Result) -> None:
    names = ("phase", "epoch", "metric", "value")
    rows = [
        {
            "method": arguments.method,
            "seed": arguments.seed,
            **dict(zip(names, row, strict=True)),
        }
        for row in result.history
    ]
    kept = ("best_epoch", "best_score")
    metadata: dict[str, str] = {key: str(result.model[key]) for key in kept if key in result.model}
    write_table(arguments.history_out, HISTORY, rows, metadata=metadata)


def _write_embeddings(arguments: argparse.Namespace, result: Result) -> None:
    metadata = {
        "similarity": result.similarity,
        "method": arguments.method,
        "seed": str(arguments.seed),
    }
    window_id = result.evaluated.window_id.tolist()
    with open_table(arguments.embeddings_out, EMBEDDINGS, metadata=metadata) as writer:
        for space, modalities in result.spaces.items():
            for modality, points in modalities.items():
                writer.write(
                    {
                        "window_id": window_id,
                        "space": [space] * len(window_id),
                        "modality": [modality] * len(window_id),
                        "embedding": list(points),
                    }
                )
