"""Test methods trained on another collection on the test fold of this one."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from ugaar.errors import ConfigError, DataError
from ugaar.evaluate.directions import Asked, content_of, rank_directions
from ugaar.evaluate.embedded import spaces_of_directions
from ugaar.evaluate.summary import metric_rows, rank_grids, resample_metrics
from ugaar.parquet_files import metadata_of, read_table, write_table
from ugaar.settings import Settings
from ugaar.tables import METRICS, MODALITIES, RANKS, SPLIT, TRANSFER, WINDOWS
from ugaar.train.apply import apply_model
from ugaar.train.checkpoint import load_file
from ugaar.train.dataset import Features, load_features

SETTINGS: tuple[str, ...] = (
    "transfer.methods",
    "seeds",
    "evaluate.galleries",
    "evaluate.top_k",
    "evaluate.bootstrap",
    "evaluate.confidence",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the folders and files of the stage."""
    parser.add_argument(
        "--models", type=Path, required=True, help="folder of the split whose models are tested"
    )
    parser.add_argument("--trained-on", required=True, help="name of its dataset")
    parser.add_argument("--tested-on", required=True, help="name of this dataset")
    parser.add_argument("--windows", type=Path, required=True, help="windows table")
    parser.add_argument("--split", type=Path, required=True, help="split table")
    parser.add_argument("--features", type=Path, required=True, help="folder of feature tables")
    parser.add_argument(
        "--asmcmr-audio", default="audio_asmcmr", help="audio features of method cca-asmcmr"
    )
    parser.add_argument(
        "--metrics", type=Path, required=True, help="metrics trained and tested here"
    )
    parser.add_argument("--out", type=Path, required=True, help="transfer table to write")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Write the metrics of the other collection's models beside those trained here."""
    wanted, methods = settings["evaluate"], settings["transfer"]["methods"]
    protocols = set(read_table(arguments.split, SPLIT, ["protocol"])["protocol"].to_pylist())
    parts = [
        part
        for method in methods
        for part in _ranks(arguments, method, settings["seeds"], wanted["galleries"], protocols)
    ]
    ranks = pa.concat_tables(pa.table(part, schema=RANKS.schema()) for part in parts)
    names = TRANSFER.column_names
    rows = []
    for grid in rank_grids(ranks):
        metrics = resample_metrics(grid, wanted["top_k"], wanted["bootstrap"])
        for row in metric_rows(grid, metrics, wanted["confidence"]):
            if row["seed"] is None:
                rows.append(row | {"trained_on": arguments.trained_on})
    rows += [
        row | {"trained_on": arguments.tested_on}
        for row in read_table(arguments.metrics, METRICS).to_pylist()
        if row["seed"] is None and row["method"] in methods
    ]
    write_table(
        arguments.out,
        TRANSFER,
        [
            {name: (row | {"tested_on": arguments.tested_on})[name] for name in names}
            for row in rows
        ],
    )


def _ranks(
    arguments: argparse.Namespace,
    method: str,
    seeds: list[int],
    sizes: list[int],
    protocols: set[str],
) -> Iterator[dict]:
    """Yield the ranks of one method's models, all seeds."""
    audio = arguments.asmcmr_audio if method == "cca-asmcmr" else "audio"
    names = {"audio": audio, "sheet": "sheet", "lyrics": "lyrics"}
    paths = {modality: arguments.features / f"{name}.parquet" for modality, name in names.items()}
    for path in paths.values():
        _check_encoder(path, arguments.models / "features" / path.name)
    test = load_features(paths, arguments.split, arguments.windows).take("test")
    asked = _asked(arguments.windows, test, sizes)
    for seed in seeds:
        model = load_file(arguments.models / "train" / method / f"seed-{seed}" / "model.pt")
        spaces, similarity = apply_model(model, test)
        found = spaces_of_directions(
            [(space, modality) for space, parts in spaces.items() for modality in parts]
        )

        def vectors(space: str, modality: str, spaces: dict = spaces) -> np.ndarray:
            return spaces[space][modality]

        named: dict[str, str | int] = {
            "protocol": "".join(protocols),
            "method": method,
            "seed": seed,
        }
        yield from rank_directions(asked, found, vectors, similarity, named)
        logging.info("%s, seed %d: ranked %d windows", method, seed, len(test))


def _asked(windows: Path, test: Features, sizes: list[int]) -> Asked:
    ids = test.window_id.tolist()
    columns = ["window_id", *(f"{modality}_key" for modality in MODALITIES)]
    return Asked(ids, content_of(read_table(windows, WINDOWS, columns), ids, MODALITIES), sizes)


def _check_encoder(ours: Path, theirs: Path) -> None:
    """Raise `DataError` unless two feature tables were made by the same encoder and settings."""
    if not theirs.is_file():
        raise ConfigError(
            f"transfer.models: {theirs} is missing; finish that run first, or correct the key"
        )
    if metadata_of(ours) != metadata_of(theirs):
        raise DataError(
            f"{ours} and {theirs}: made with different encoders or settings "
            f"({metadata_of(ours)} and {metadata_of(theirs)}); models transfer only between "
            "features of the same kind"
        )
