"""Search the collection with the shingles of every work, by one system."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ugaar.errors import ConfigError, DataError
from ugaar.parquet_files import write_table
from ugaar.progress import Progress
from ugaar.settings import Settings
from ugaar.version_tables import VERSION_SCORES
from ugaar.versions import principal
from ugaar.versions.pairs import read_folds, read_places
from ugaar.versions.recordings import Shingles, read_shingles
from ugaar.versions.scoring import Asked, score_fold
from ugaar.versions.turns import asked, learned

SETTINGS: tuple[str, ...] = (
    "versions.shingle_s",
    "versions.folds",
    "versions.query_step_s",
    "versions.query_s",
    "versions.passage_s",
    "evaluate.fold",
    "device",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--system", required=True, choices=["raw", "pca", "network"])
    parser.add_argument("--dimensions", type=int, default=0, help="numbers in a code (not for raw)")
    parser.add_argument("--seed", type=int, default=0, help="training seed of the networks")
    parser.add_argument(
        "--models", type=Path, nargs="*", default=[], help="a network for each fold"
    )
    parser.add_argument("--recordings", type=Path, required=True, help="recordings table")
    parser.add_argument("--pairs", type=Path, required=True, help="alignments")
    parser.add_argument("--folds", type=Path, required=True, help="folds table")
    parser.add_argument("--out", type=Path, required=True, help="scores to write")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Write the scores of every recording, each as a query of a model that never saw its work."""
    wanted, ranked = settings["versions"], settings["evaluate"]["fold"]
    n_folds = wanted["folds"]
    if arguments.system == "network" and len(arguments.models) != n_folds:
        raise ConfigError(f"--models: {len(arguments.models)} networks for {n_folds} folds")
    shingles = read_shingles(arguments.recordings, wanted["shingle_s"])
    folds = read_folds(arguments.folds, shingles.names)
    places = read_places(arguments.pairs, shingles)
    question = Asked(wanted["query_step_s"], wanted["query_s"], wanted["passage_s"])
    progress = Progress(len(shingles.names))
    rows = []
    for turn in range(n_folds):
        codes = _codes(
            arguments, shingles, learned(folds.fold, turn, n_folds, ranked), turn, settings
        )
        named = {
            "system": arguments.system,
            "dimensions": codes.shape[1],
            "seed": arguments.seed,
        }
        queried = asked(folds.fold, turn, n_folds, ranked)
        scores = score_fold(codes, queried, shingles, folds, places, question, progress.step)
        rows += [named | score for score in scores]
    rows.sort(key=lambda row: (row["recording_id"], row["gallery"], row["answers"], row["query_s"]))
    write_table(arguments.out, VERSION_SCORES, rows, metadata={"fold": ranked})


def _codes(
    arguments: argparse.Namespace,
    shingles: Shingles,
    training: NDArray[np.int64],
    turn: int,
    settings: Settings,
) -> NDArray[np.float32]:
    """Return (shingles, dimensions) codes of the model of a turn."""
    everything = np.arange(len(shingles))
    if arguments.system == "raw":
        return shingles.cut(everything).reshape(len(shingles), -1)
    if arguments.system == "pca":
        fitted = principal.fit(shingles.cut(shingles.of(training)))
        return fitted.encode(shingles.cut(everything), arguments.dimensions)
    from ugaar.models.shingle_network import ShingleNetwork
    from ugaar.train.checkpoint import load_file
    from ugaar.train.device import choose_device
    from ugaar.train.shingle_loop import encode

    device = choose_device(settings["device"])
    path = arguments.models[turn]
    content = load_file(path)
    given = (content["fold"], content["dimensions"], content["plan"]["seed"], content["length"])
    needed = (turn, arguments.dimensions, arguments.seed, shingles.length)
    if given != needed:
        raise DataError(
            f"{path}: a network of (fold, dimensions, seed, shingle length) {given}, "
            f"expected {needed}; train it again"
        )
    network = ShingleNetwork(
        content["length"], content["dimensions"], content["plan"]["unit_length"]
    )
    network.load_state_dict(content["network"])
    logging.info("fold %d: encoding %d shingles", turn, len(shingles))
    return encode(network, shingles, everything, device)
