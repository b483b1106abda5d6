"""train-system: train one audio-sheet system with one seed."""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path
from typing import Any

from ugaar.parquet_files import write_table
from ugaar.systems import plan_system
from ugaar.tables import HISTORY

SETTINGS = ("audio_sheet.training", "audio_sheet.systems", "audio_sheet.augment", "device")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files of the stage."""
    parser.add_argument("--system", required=True, help="a key of audio_sheet.systems")
    parser.add_argument("--seed", type=int, required=True, help="of weights, batches, augmentation")
    parser.add_argument("--snippets", type=Path, required=True)
    parser.add_argument("--strips", type=Path, required=True, help=".npy; its index lies beside it")
    parser.add_argument(
        "--spectrograms",
        type=Path,
        nargs="+",
        required=True,
        help=".npy of each training rendition, their indices beside them",
    )
    parser.add_argument(
        "--valid-spectrograms", type=Path, required=True, help=".npy of the validation rendition"
    )
    parser.add_argument("--out", type=Path, required=True, help="model file")
    parser.add_argument("--history-out", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, help="file to resume from after a kill")


def run(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Train the system; write its model file and history."""
    from ugaar.models.system_file import build_system, save_system
    from ugaar.train.device import choose_device, precision_of, prepare_for_long_training
    from ugaar.train.pair_pool import Augmentation, read_pool
    from ugaar.train.pair_training import TrainingPlan, train_system

    plan = plan_system(settings["audio_sheet"], arguments.system)
    training = dict(plan.training)
    device = choose_device(settings["device"])
    prepare_for_long_training(training["threads"])
    training["precision"] = precision_of(training["precision"], device)
    system = build_system(plan.model, plan.options, arguments.seed)
    pools = {
        fold: read_pool(
            arguments.snippets,
            arguments.strips,
            arguments.strips.with_suffix(".parquet"),
            [(path, path.with_suffix(".parquet")) for path in spectrograms],
            fold,
            system.front_end,
        )
        for fold, spectrograms in (
            ("train", arguments.spectrograms),
            ("valid", [arguments.valid_spectrograms]),
        )
    }
    logging.info(
        "%s: %d training and %d validation pairs; %s on %s, %d threads",
        plan.name,
        len(pools["train"]),
        len(pools["valid"]),
        training["precision"],
        device,
        training["threads"],
    )
    started = time.monotonic()
    history = train_system(
        plan.name,
        system,
        pools["train"],
        pools["valid"],
        TrainingPlan(**training, seed=arguments.seed),
        Augmentation(**settings["audio_sheet"]["augment"]),
        device,
        plan.options,
        arguments.checkpoint,
    )
    logging.info("trained in %.0f s", time.monotonic() - started)
    save_system(arguments.out, plan, arguments.seed, system)
    write_table(
        arguments.history_out,
        HISTORY,
        [
            {
                "method": plan.name,
                "seed": arguments.seed,
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
