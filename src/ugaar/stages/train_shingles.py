"""Train the shingle network of one fold, with one length of code and one seed."""

from __future__ import annotations

import argparse
import logging
import time
from dataclasses import asdict
from pathlib import Path

from ugaar.models.shingle_network import new_network
from ugaar.parquet_files import write_table
from ugaar.settings import Settings
from ugaar.tables import HISTORY
from ugaar.train.checkpoint import save_file
from ugaar.train.device import choose_device
from ugaar.train.shingle_loop import ShinglePlan, train_shingles
from ugaar.versions.pairs import positive_pairs, read_folds, read_places
from ugaar.versions.recordings import read_shingles
from ugaar.versions.turns import learned

SETTINGS: tuple[str, ...] = (
    "versions.shingle_s",
    "versions.folds",
    "versions.training",
    "evaluate.fold",
    "device",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--recordings", type=Path, required=True, help="recordings table")
    parser.add_argument("--pairs", type=Path, required=True, help="alignments")
    parser.add_argument("--folds", type=Path, required=True, help="folds table")
    parser.add_argument("--fold", type=int, required=True, help="fold that is not learned")
    parser.add_argument("--dimensions", type=int, required=True, help="numbers in a code")
    parser.add_argument("--seed", type=int, required=True, help="training seed")
    parser.add_argument("--checkpoint", type=Path, help="file to resume from after a kill")
    parser.add_argument("--model-out", type=Path, required=True, help="network to write")
    parser.add_argument("--history-out", type=Path, required=True, help="history to write")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Write the network and its history."""
    wanted = settings["versions"]
    device = choose_device(settings["device"])
    shingles = read_shingles(arguments.recordings, wanted["shingle_s"])
    folds = read_folds(arguments.folds, shingles.names)
    numbers = learned(folds.fold, arguments.fold, wanted["folds"], settings["evaluate"]["fold"])
    pool = positive_pairs(shingles, read_places(arguments.pairs, shingles), folds.copies, numbers)
    logging.info("%d pairs of %d works on %s", len(pool.anchor), len(pool.starts) - 1, device)
    plan = ShinglePlan(seed=arguments.seed, **wanted["training"])
    network = new_network(wanted["shingle_s"], arguments.dimensions, plan.seed, plan.unit_length)
    started = time.process_time()
    history = train_shingles(network, shingles, pool, plan, device, arguments.checkpoint)
    logging.info("trained in %.0f CPU s", time.process_time() - started)
    save_file(
        arguments.model_out,
        {
            "length": network.length,
            "dimensions": network.dimensions,
            "fold": arguments.fold,
            "plan": asdict(plan),
            "network": network.state_dict(),
        },
    )
    write_table(
        arguments.history_out,
        HISTORY,
        [
            {
                "method": f"network-{network.dimensions} fold {arguments.fold}",
                "seed": plan.seed,
                "phase": phase,
                "epoch": step,
                "metric": metric,
                "value": value,
            }
            for phase, step, metric, value in history
        ],
        metadata={"epoch": "training steps, not epochs"},
    )
    if arguments.checkpoint is not None:
        arguments.checkpoint.unlink(missing_ok=True)
