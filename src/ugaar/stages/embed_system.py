"""embed-system: encode the test snippets by a trained audio-sheet system under every condition."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ugaar.conditions import Condition, conditions
from ugaar.parquet_files import open_table
from ugaar.snippet_tables import SYSTEM_CODES

if TYPE_CHECKING:
    from ugaar.train.pair_pool import PairPool

SETTINGS = (
    "audio_sheet.valid",
    "audio_sheet.conditions",
    "audio_sheet.tested",
    "audio_sheet.condition_candidates",
    "audio_sheet.training.precision",
    "audio_sheet.training.threads",
    "evaluate.fold",
    "device",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files of the stage."""
    parser.add_argument("--model", type=Path, required=True, help="model file of train-system")
    parser.add_argument("--snippets", type=Path, required=True)
    parser.add_argument("--strips", type=Path, required=True, help=".npy; its index lies beside it")
    parser.add_argument(
        "--spectrograms", type=Path, required=True, help="folder with <sound>.npy and .parquet"
    )
    parser.add_argument("--out", type=Path, required=True, help="system_codes table to write")


def run(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Encode all snippets under the first condition, some under the others; write the codes.

    What a condition leaves as under the first one (its look, or its sound) is not encoded again.
    """
    from ugaar.models.system_file import load_system
    from ugaar.train.device import choose_device, precision_of, prepare_for_long_training
    from ugaar.train.looks import Look
    from ugaar.train.pair_codes import pool_codes
    from ugaar.train.pair_pool import read_pool

    stored = load_system(arguments.model)
    training = settings["audio_sheet"]["training"]
    device = choose_device(settings["device"])
    prepare_for_long_training(training["threads"])
    precision = precision_of(training["precision"], device)
    system = stored.system.to(device)
    main, *others = conditions(settings["audio_sheet"]).values()
    pools = {
        sound: read_pool(
            arguments.snippets,
            arguments.strips,
            arguments.strips.with_suffix(".parquet"),
            [_store(arguments.spectrograms, sound)],
            settings["evaluate"]["fold"],
            system.front_end,
        )
        for sound in dict.fromkeys(one.sound for one in (main, *others))
    }
    candidates = _shared_places(pools, settings["audio_sheet"]["condition_candidates"])
    metadata = {"system": stored.name, "seed": str(stored.seed)}
    lengths = {"code": system.cca.correlations.shape[0]}
    with open_table(arguments.out, SYSTEM_CODES, lengths, metadata) as table:
        for condition, modality in _wanted(main, others):
            pool = pools[condition.sound]
            if condition is not main:
                pool = _chosen(pool, candidates)
            look = Look(**condition.look)
            table.write(
                {
                    "condition": [condition.name] * len(pool),
                    "modality": [modality] * len(pool),
                    "piece_id": pool.piece_id.tolist(),
                    "note": pool.note.tolist(),
                    "code": list(pool_codes(system, pool, modality, precision, device, look)),
                }
            )


def _wanted(main: Condition, others: list[Condition]) -> Iterator[tuple[Condition, str]]:
    """Yield the conditions and modalities that are encoded."""
    yield from ((main, "audio"), (main, "sheet"))
    for condition in others:
        # One that changes nothing is encoded all the same: it then shows that nothing changes.
        if condition.sound != main.sound or condition.look == main.look:
            yield condition, "audio"
        if condition.look != main.look:
            yield condition, "sheet"


def _shared_places(pools: dict[str, PairPool], count: int) -> set[tuple[str, int]]:
    """Return snippets that all sounds have, spread evenly over them."""
    from ugaar.evaluate.snippet_ranks import spaced

    found = [_places(pool) for pool in pools.values()]
    everywhere = set.intersection(*(set(places) for places in found))
    shared = [place for place in found[0] if place in everywhere]
    return {shared[row] for row in spaced(len(shared), count)}


def _places(pool: PairPool) -> list[tuple[str, int]]:
    return list(zip(pool.piece_id.tolist(), pool.note.tolist(), strict=True))


def _chosen(pool: PairPool, places: set[tuple[str, int]]) -> PairPool:
    import numpy as np

    return pool.subset(np.flatnonzero([place in places for place in _places(pool)]))


def _store(folder: Path, sound: str) -> tuple[Path, Path]:
    return folder / f"{sound}.npy", folder / f"{sound}.parquet"
