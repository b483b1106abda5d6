"""The codes of one trained audio-sheet system, by condition and modality."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ugaar.errors import DataError
from ugaar.parquet_files import metadata_of, read_table
from ugaar.snippet_tables import SYSTEM_CODES

Place = tuple[str, int]
"""A snippet: piece and number of the onset in it."""


class SystemCodes:
    """A system_codes table: what was encoded, and the codes of chosen snippets.

    A condition changes the sound or the sheet; what it leaves as it was is encoded once, under the
    main condition, and looked up there.

    Args:
        path: Parquet file of the system_codes table. Its metadata names the system and the seed.
        main: the condition that unchanged media belong to.

    Raises:
        DataError: not such a table, its metadata lack one of these entries, or a snippet is there
            twice.
    """

    def __init__(self, path: Path | str, main: str) -> None:
        self.path = path
        metadata = metadata_of(path) if Path(path).is_file() else {}
        table = read_table(path, SYSTEM_CODES)
        missing = [name for name in ("system", "seed") if name not in metadata]
        if missing:
            raise DataError(
                f"{path}: metadata lack {', '.join(missing)}; embed the system again to write them"
            )
        self.system, self.seed = metadata["system"], int(metadata["seed"])
        self._main = main
        self._rows: dict[tuple[str, str], dict[Place, int]] = {}
        self._codes: dict[tuple[str, str], np.ndarray] = {}
        found = table.select(["condition", "modality"]).group_by(
            ["condition", "modality"], use_threads=False
        )
        for key in found.aggregate([]).to_pylist():
            self._add(table, key["condition"], key["modality"])

    def _add(self, table: pa.Table, condition: str, modality: str) -> None:
        chosen = table.filter(
            pc.and_(pc.equal(table["condition"], condition), pc.equal(table["modality"], modality))
        ).combine_chunks()
        places = zip(chosen["piece_id"].to_pylist(), chosen["note"].to_pylist(), strict=True)
        rows = {place: row for row, place in enumerate(places)}
        if len(rows) < len(chosen):
            raise DataError(
                f"{self.path}: a snippet has several {modality} codes under {condition!r}; "
                "embed the system again"
            )
        codes = pc.list_flatten(chosen["code"]).to_numpy().reshape(len(chosen), -1)
        self._rows[condition, modality], self._codes[condition, modality] = rows, codes

    def has(self, condition: str) -> bool:
        """Return whether something was encoded under a condition."""
        return any(name == condition for name, _ in self._rows)

    def places(self, condition: str, modality: str) -> set[Place]:
        """Return the snippets that have a code of a modality under a condition."""
        return set(self._rows[self._key(condition, modality)])

    def vectors(self, condition: str, modality: str, places: Sequence[Place]) -> np.ndarray:
        """Return the codes of snippets, shape (n, d) float32, in the order of `places`."""
        key = self._key(condition, modality)
        rows = self._rows[key]
        return self._codes[key][[rows[place] for place in places]]

    def _key(self, condition: str, modality: str) -> tuple[str, str]:
        for name in (condition, self._main):
            if (name, modality) in self._rows:
                return name, modality
        raise DataError(
            f"{self.path}: no {modality} codes under {self._main!r}; embed the system again"
        )


def read_codes(paths: Iterable[Path], system: str, main: str) -> list[SystemCodes]:
    """Read the codes of all seeds of a system, in the order of seeds.

    Raises:
        DataError: a file is of another system, or a seed is there twice.
    """
    found = sorted((SystemCodes(path, main) for path in paths), key=lambda one: one.seed)
    for one in found:
        if one.system != system:
            raise DataError(f"{one.path}: holds system {one.system!r}, expected {system!r}")
    seeds = [one.seed for one in found]
    if len(set(seeds)) < len(seeds):
        raise DataError(f"codes of {system} hold seeds {seeds}; give each seed once")
    return found
