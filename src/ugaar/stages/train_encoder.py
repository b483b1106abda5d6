"""train-encoder: train the audio-sheet encoder, or convert published weights of it."""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path
from typing import Any

from ugaar.errors import ConfigError
from ugaar.models.encoder_file import save_encoder
from ugaar.models.ranking_losses import PairLoss
from ugaar.models.systems.cca_layer import AudioSheetEncoder, Design, new_encoder
from ugaar.parquet_files import write_table
from ugaar.tables import HISTORY

SETTINGS = ("encoder", "device")

_TRAINING_INPUTS = {
    "windows": "windows table",
    "split": "split table",
    "audio": "folder of audio shards",
    "sheet": "folder of sheet shards",
}

_PLANNED = (
    "steps",
    "batch_size",
    "validate_every",
    "validation_pairs",
    "learning_rate",
    "weight_decay",
    "schedule",
    "seed",
)

REFIT_PAIRS = 5000
"""Training pairs of the last refit of the CCA. Paper: 25,000; here: 5,000, because 32 x 32
covariances no longer change in the second digit and the pass costs a tenth of the training."""

_History = list[tuple[str, int, str, float]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files of the stage."""
    parser.add_argument("--windows", type=Path, help="needed for training, as the next three")
    parser.add_argument("--split", type=Path)
    parser.add_argument("--audio", type=Path, help="folder of audio shards")
    parser.add_argument("--sheet", type=Path, help="folder of sheet shards")
    parser.add_argument("--out", type=Path, required=True, help="encoder file")
    parser.add_argument("--history-out", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, help="file to resume from after a kill")
    parser.add_argument(
        "--untrained",
        action="store_true",
        help="random weights of the same network: the control that shows what training adds",
    )


def run(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Train or load an encoder; write its file and history."""
    chosen = settings["encoder"]
    design = Design(tuple(chosen["maps"]), chosen["frames"], chosen["head"])
    history: _History = []
    if arguments.untrained:
        kind, encoder = "untrained", new_encoder(design, chosen["seed"]).eval()
    elif chosen["weights"] != "trained":
        kind, encoder = chosen["weights"], _published(chosen)
    else:
        kind = "trained"
        encoder, history = _trained(arguments, settings, design)
    save_encoder(arguments.out, encoder, kind)
    write_table(
        arguments.history_out,
        HISTORY,
        [
            {
                "method": f"encoder-{kind}",
                "seed": chosen["seed"],
                "phase": phase,
                "epoch": step,
                "metric": metric,
                "value": value,
            }
            for phase, step, metric, value in history
        ],
        metadata={"epoch": "training steps of the encoder, not epochs"},
    )
    if arguments.checkpoint is not None:
        arguments.checkpoint.unlink(missing_ok=True)


def _published(chosen: dict[str, Any]) -> AudioSheetEncoder:
    from ugaar.models.asmcmr_weights import load_lasagne, load_ucasr

    if not chosen["path"]:
        raise ConfigError(f"encoder.path: needed for encoder.weights {chosen['weights']}")
    load = {"lasagne": load_lasagne, "ucasr": load_ucasr}[chosen["weights"]]
    return load(chosen["path"])


def _trained(
    arguments: argparse.Namespace, settings: dict[str, Any], design: Design
) -> tuple[AudioSheetEncoder, _History]:
    from ugaar.train.device import choose_device, precision_of, prepare_for_long_training
    from ugaar.train.pair_pool import Augmentation
    from ugaar.train.pair_training import TrainingPlan, train_system
    from ugaar.train.window_pairs import read_window_pairs

    missing = [f"--{name}" for name in _TRAINING_INPUTS if getattr(arguments, name) is None]
    if missing:
        raise ConfigError(f"train-encoder: training needs {', '.join(missing)}")
    chosen = settings["encoder"]
    device = choose_device(settings["device"])
    prepare_for_long_training(threads=1)
    plan = TrainingPlan(
        precision=precision_of(chosen["precision"], device),
        refit_pairs=REFIT_PAIRS,
        optimiser="adam",
        **{key: chosen[key] for key in _PLANNED},
    )
    pools = read_window_pairs(
        arguments.windows,
        arguments.split,
        arguments.audio,
        arguments.sheet,
        ("train", "valid"),
        chosen["windows"],
    )
    logging.info(
        "%d training and %d validation pairs; %s on %s",
        len(pools["train"]),
        len(pools["valid"]),
        plan.precision,
        device,
    )
    encoder = new_encoder(design, plan.seed, PairLoss.from_options(chosen))
    started = time.process_time()
    history = train_system(
        "encoder",
        encoder,
        pools["train"],
        pools["valid"],
        plan,
        Augmentation(),
        device,
        {key: chosen[key] for key in ("maps", "frames", "head", "loss", "margin", "temperature")},
        arguments.checkpoint,
    )
    logging.info("trained in %.0f CPU s", time.process_time() - started)
    return encoder, history
