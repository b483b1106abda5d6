"""Stage `resolve-config`: the configuration that was used, beside the results."""

from __future__ import annotations

import argparse
from pathlib import Path

import yaml

from ugaar.atomic import atomic_path
from ugaar.settings import Settings

SETTINGS = (
    "dataset",
    "task",
    "music_of",
    "protocols",
    "seeds",
    "shards",
    "mirror",
    "device",
    "source",
    "window",
    "split",
    "audio",
    "sheet",
    "features",
    "encoder",
    "ground_truth",
    "methods",
    "cca",
    "model",
    "transfer",
    "pieces",
    "audio_sheet",
    "versions",
    "evaluate",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files of the stage."""
    parser.add_argument("--out", type=Path, required=True, help="YAML file to write")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Write the settings as YAML."""
    with atomic_path(arguments.out) as temporary:
        temporary.write_text(
            yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), encoding="utf-8"
        )
