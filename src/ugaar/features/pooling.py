"""From the frames of clips to one row per window."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ugaar.errors import DataError


class ClipFrames:
    """The frames of many clips in one array, found by the clip's key."""

    def __init__(
        self, times_s: np.ndarray, vectors: np.ndarray, spans: Mapping[str, tuple[int, int]]
    ) -> None:
        """Hold the frames.

        Args:
            times_s: centres of all frames (n,), seconds.
            vectors: their vectors (n, d), float32.
            spans: audio_key -> first row and the row after the last.
        """
        self._times, self._vectors, self._spans = times_s, vectors, spans
        self.dimensions = vectors.shape[1]

    def __contains__(self, audio_key: str) -> bool:
        return audio_key in self._spans

    def __getitem__(self, audio_key: str) -> tuple[np.ndarray, np.ndarray]:
        first, after = self._spans[audio_key]
        return self._times[first:after], self._vectors[first:after]


def vectors_of(column: pa.ChunkedArray) -> np.ndarray:
    """Return a fixed-size list column as (rows, length), float32."""
    length = column.type.list_size
    return np.asarray(column.combine_chunks().flatten(), dtype=np.float32).reshape(-1, length)


def frames_by_clip(parts: Iterable[tuple[Path, pa.Table]]) -> ClipFrames:
    """Join the audio parts of all shards.

    Args:
        parts: the path and the audio_part table of each shard.

    Raises:
        DataError: two parts come from different encoders, or all are empty.
    """
    times, vectors = [], []
    spans: dict[str, tuple[int, int]] = {}
    maker: tuple[Path, Any] | None = None
    n_rows = 0
    for path, table in parts:
        made_by = (table.schema.metadata, table.schema.field("embedding").type)
        if maker is not None and made_by != maker[1]:
            raise DataError(
                f"{path} and {maker[0]}: made by different encoders or settings; delete both and "
                "run features-audio again"
            )
        maker = maker or (path, made_by)
        keys = table["audio_key"].to_pylist()
        for row, key in enumerate(keys, start=n_rows):
            spans[key] = (spans.get(key, (row, row))[0], row + 1)
        times.append(np.asarray(table["time_s"], dtype=np.float32))
        vectors.append(vectors_of(table["embedding"]))
        n_rows += len(keys)
    if not n_rows:
        raise DataError(
            "the audio parts hold no clip; see the rejects of render-audio for the cause"
        )
    return ClipFrames(np.concatenate(times), np.concatenate(vectors), spans)


def protocol_of(split: pa.Table) -> dict[str, str]:
    """Return the protocol of every window: window_id -> protocol."""
    return dict(zip(split["window_id"].to_pylist(), split["protocol"].to_pylist(), strict=True))


def mean_rows(
    clips: ClipFrames, windows: Sequence[tuple[str, str]], protocol: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return feature rows that hold the mean of each window's frames.

    Args:
        clips: the frames.
        windows: window_id and audio_key of each window.
        protocol: window_id -> protocol.

    Raises:
        DataError: a window is in no fold.
    """
    rows = []
    for window_id, audio_key in windows:
        if window_id not in protocol:
            raise DataError(f"window {window_id}: not in the split table; run split again")
        # The sum in float64 does not depend on how the frames are grouped.
        mean = clips[audio_key][1].mean(axis=0, dtype=np.float64).astype(np.float32)
        rows.append({"window_id": window_id, "protocol": protocol[window_id], "embedding": mean})
    return rows
