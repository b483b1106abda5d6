"""Recordings in memory, and their shingles as views that copy nothing.

A shingle is `length` consecutive chroma vectors, one a second; the next one starts a second later
(Grosche and Müller 2012; github.com/fzalkow/music_indexing has 12 x 20).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ugaar.parquet_files import read_table
from ugaar.version_tables import RECORDINGS


@dataclass(frozen=True)
class Shingles:
    """All shingles of some recordings, in the order of recordings, then of time.

    Attributes:
        names: identifiers of the recordings.
        works: work of each recording.
        chroma: (frames, 12) unit vectors of each recording, one a second.
        length: chroma vectors in a shingle.
    """

    names: Sequence[str]
    works: Sequence[str]
    chroma: Sequence[NDArray[np.float32]]
    length: int

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """(recordings,) number of shingles of each recording."""
        return np.array([len(one) - self.length + 1 for one in self.chroma], dtype=np.int64)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """(recordings,) number of the first shingle of each recording."""
        return np.cumsum(self.counts) - self.counts

    @cached_property
    def recording(self) -> NDArray[np.int64]:
        """(shingles,) number of the recording of each shingle."""
        return np.repeat(np.arange(len(self.names)), self.counts)

    @cached_property
    def second(self) -> NDArray[np.int64]:
        """(shingles,) second at which each shingle starts."""
        return np.arange(len(self)) - self.starts[self.recording]

    @cached_property
    def _frames(self) -> NDArray[np.float32]:
        return np.concatenate(list(self.chroma))

    @cached_property
    def _first_frame(self) -> NDArray[np.int64]:
        # Each earlier recording has `length - 1` more frames than shingles.
        return np.arange(len(self)) + self.recording * (self.length - 1)

    def __len__(self) -> int:
        """Return the number of shingles."""
        return int(self.counts.sum())

    def cut(self, numbers: NDArray[np.integer] | slice) -> NDArray[np.float32]:
        """Return some shingles.

        Args:
            numbers: numbers of shingles.

        Returns:
            (n, 12, length) chroma: pitch class by second.
        """
        windows = sliding_window_view(self._frames, self.length, axis=0)
        return windows[self._first_frame[numbers]]

    def of(self, recordings: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the numbers of all shingles of some recordings."""
        return np.flatnonzero(np.isin(self.recording, recordings))


def read_shingles(path: Path, length: int) -> Shingles:
    """Read the recordings table, sorted by identifier.

    Args:
        path: recordings table.
        length: chroma vectors in a shingle.
    """
    columns = ["recording_id", "work", "chroma"]
    rows = sorted(
        read_table(path, RECORDINGS, columns).to_pylist(), key=lambda row: row[columns[0]]
    )
    return Shingles(
        [row["recording_id"] for row in rows],
        [row["work"] for row in rows],
        [np.asarray(row["chroma"], np.float32).reshape(-1, 12) for row in rows],
        length,
    )
