"""Pairs of shingles that show the same passage in two versions of a work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ugaar.parquet_files import read_table
from ugaar.version_tables import VERSION_FOLDS, VERSION_PAIRS
from ugaar.versions.recordings import Shingles


@dataclass(frozen=True)
class Folds:
    """The fold and the group of copies of each recording, in the order of the shingles."""

    fold: NDArray[np.int64]
    copies: NDArray[np.int64]


def read_folds(path: Path, names: Iterable[str]) -> Folds:
    """Read the folds table for recordings in a given order."""
    rows = {row["recording_id"]: row for row in read_table(path, VERSION_FOLDS).to_pylist()}
    groups = [rows[name]["copies"] for name in names]
    return Folds(
        np.array([rows[name]["fold"] for name in names], dtype=np.int64),
        np.unique(groups, return_inverse=True)[1].astype(np.int64),
    )


@dataclass(frozen=True)
class Places:
    """For each ordered pair of recordings of a work, where the first's seconds lie in the other."""

    place: dict[tuple[int, int], NDArray[np.int16]]

    def of_shingles(self, shingles: Shingles, first: int, other: int) -> NDArray[np.int64]:
        """Return where each shingle of `first` would start in `other`, by its middle second.

        Args:
            shingles: all shingles.
            first: number of a recording.
            other: number of another recording of its work.

        Returns:
            (shingles of `first`,) second; it may lie before the start or behind the last shingle.
        """
        half = shingles.length // 2
        middles = np.arange(shingles.counts[first]) + half
        return self.place[first, other][middles].astype(np.int64) - half


def read_places(path: Path, shingles: Shingles) -> Places:
    """Read the alignments table."""
    number = {name: place for place, name in enumerate(shingles.names)}
    table = read_table(path, VERSION_PAIRS, ["recording_id", "other_id", "place"])
    values = table["place"].combine_chunks()
    flat, ends = values.flatten().to_numpy(), values.offsets.to_numpy()
    ids = zip(table["recording_id"].to_pylist(), table["other_id"].to_pylist(), strict=True)
    return Places(
        {
            (number[one], number[other]): flat[ends[row] : ends[row + 1]]
            for row, (one, other) in enumerate(ids)
        }
    )


@dataclass(frozen=True)
class PairPool:
    """Pairs of shingles of the same passage.

    Attributes:
        anchor: (pairs,) number of a shingle.
        positive: (pairs,) number of the shingle that shows its passage in another version.
        starts: (works + 1,) where the pairs of each work begin; pairs are sorted by work.
    """

    anchor: NDArray[np.int32]
    positive: NDArray[np.int32]
    starts: NDArray[np.int64]

    def draw(
        self, count: int, generator: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Draw works, each as often as any other, and a pair of each.

        Returns:
            Numbers of pairs and of their works.
        """
        works = generator.integers(len(self.starts) - 1, size=count)
        sizes = np.diff(self.starts)
        return self.starts[works] + (generator.random(count) * sizes[works]).astype(np.int64), works


def positive_pairs(
    shingles: Shingles, places: Places, copies: NDArray[np.int64], recordings: NDArray[np.integer]
) -> PairPool:
    """Return all pairs of aligned shingles among some recordings, copies of a performance apart.

    Args:
        shingles: all shingles.
        places: alignments.
        copies: (recordings,) group of copies of each recording.
        recordings: numbers of the recordings that are used.
    """
    chosen = set(int(one) for one in recordings)
    parts: dict[str, list[NDArray[np.int64]]] = {}
    for first, other in sorted(places.place):
        if first not in chosen or other not in chosen or copies[first] == copies[other]:
            continue
        seconds = places.of_shingles(shingles, first, other)
        inside = np.flatnonzero((seconds >= 0) & (seconds < shingles.counts[other]))
        pairs = np.stack(
            [shingles.starts[first] + inside, shingles.starts[other] + seconds[inside]]
        )
        parts.setdefault(shingles.works[first], []).append(pairs)
    works = [np.concatenate(parts[work], axis=1) for work in sorted(parts)]
    works = [pairs for pairs in works if pairs.shape[1]]
    anchor, positive = (
        np.concatenate(works, axis=1).astype(np.int32) if works else np.zeros((2, 0), np.int32)
    )
    return PairPool(anchor, positive, np.cumsum([0, *(pairs.shape[1] for pairs in works)]))
