"""From the frames of clips to one row per window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ugaar.errors import DataError
from ugaar.features.row_store import RowStore, as_lists, read_vectors
from ugaar.tables import AUDIO_PART


class ClipFrames:
    """The frames of many clips, found by the clip's key; the vectors lie on disk."""

    def __init__(self, vectors: RowStore) -> None:
        self._vectors = vectors
        self._times_s: dict[str, NDArray[np.float32]] = {}
        self._first: dict[str, int] = {}
        self._rows = 0
        self.dimensions = vectors.length

    def __contains__(self, audio_key: str) -> bool:
        return audio_key in self._first

    def __len__(self) -> int:
        return len(self._first)

    def append(
        self, keys: Sequence[str], times_s: NDArray[np.float32], vectors: NDArray[np.float32]
    ) -> None:
        """Add frames; those of a clip follow each other, also from one call to the next.

        Args:
            keys: (n,) the clip of each frame.
            times_s: (n,) centres in seconds.
            vectors: (n, dimensions).
        """
        start = 0
        for key, run in groupby(keys):
            times = times_s[start : start + len(list(run))]
            known = self._times_s.get(key)
            self._first.setdefault(key, self._rows + start)
            self._times_s[key] = times if known is None else np.concatenate((known, times))
            start += len(times)
        self._vectors.append(vectors)
        self._rows += start

    def times_s(self, audio_key: str) -> NDArray[np.float32]:
        """Return the centres of a clip's frames (n,), seconds."""
        return self._times_s[audio_key]

    def vectors(self, audio_key: str) -> NDArray[np.float32]:
        """Return the vectors of a clip's frames (n, dimensions)."""
        first = self._first[audio_key]
        return self._vectors.read(first, first + len(self._times_s[audio_key]))

    def close(self) -> None:
        """Give the disk space back."""
        self._vectors.close()


def frames_by_clip(parts: Sequence[Path], folder: Path) -> ClipFrames:
    """Join the audio parts of all shards.

    Args:
        parts: the audio_part tables.
        folder: where the vectors lie meanwhile.

    Raises:
        DataError: two parts come from different encoders, or all are empty.
    """
    made_by: tuple[object, pa.DataType] | None = None
    for path in parts:
        schema = pq.read_schema(path)
        maker = (schema.metadata, schema.field("embedding").type)
        if made_by is not None and maker != made_by:
            raise DataError(
                f"{path} and {parts[0]}: made by different encoders or settings; delete both and "
                "run features-audio again"
            )
        made_by = maker
    assert made_by is not None
    clips = ClipFrames(RowStore(folder, made_by[1].list_size))
    for path in parts:
        for rows, vectors in read_vectors(path, AUDIO_PART, "embedding", ["audio_key", "time_s"]):
            clips.append(rows["audio_key"].to_pylist(), rows["time_s"].to_numpy(), vectors)
    if not len(clips):
        raise DataError(
            "the audio parts hold no clip; see the rejects of render-audio for the cause"
        )
    return clips


def protocol_of(split: pa.Table) -> dict[str, str]:
    """Return the protocol of every window: window_id -> protocol."""
    return dict(zip(split["window_id"].to_pylist(), split["protocol"].to_pylist(), strict=True))


def mean_rows(
    clips: ClipFrames, windows: Sequence[tuple[str, str]], protocol: Mapping[str, str]
) -> dict[str, object]:
    """Return columns of feature rows that hold the mean of each window's frames.

    Args:
        clips: the frames.
        windows: window_id and audio_key of each window.
        protocol: window_id -> protocol.
    """
    # The sum in float64 does not depend on how the frames are grouped.
    means = [clips.vectors(key).mean(axis=0, dtype=np.float64) for _, key in windows]
    return {
        "window_id": [window for window, _ in windows],
        "protocol": [protocol[window] for window, _ in windows],
        "embedding": as_lists(np.array(means)),
    }


def frame_rows(
    clips: ClipFrames, windows: Sequence[tuple[str, str]], protocol: Mapping[str, str]
) -> dict[str, object]:
    """Return columns of frame rows, window by window; arguments as in `mean_rows`."""
    times = [clips.times_s(key) for _, key in windows]
    counts = [len(own) for own in times]
    ids = np.repeat(np.array([window for window, _ in windows], dtype=object), counts).tolist()
    return {
        "window_id": ids,
        "protocol": [protocol[window] for window in ids],
        "frame": np.concatenate([np.arange(count, dtype=np.int32) for count in counts]),
        "time_s": np.concatenate(times),
        "embedding": as_lists(np.concatenate([clips.vectors(key) for _, key in windows])),
    }
