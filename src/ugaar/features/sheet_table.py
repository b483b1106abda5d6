"""The sheet features of windows, joined from the codes of strips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from ugaar.errors import DataError
from ugaar.features.row_store import RowStore, as_lists, read_vectors, rows_at_a_time
from ugaar.parquet_files import metadata_of, read_table
from ugaar.tables import SHEET_PART, SPLIT, WINDOWS


@dataclass(frozen=True)
class JoinedSheets:
    """Windows with the place of their strip's codes.

    Attributes:
        rows: (window_id, protocol, row of the codes) in the order of window ids.
        codes: the codes of all strips, on disk.
        metadata: what the parts say about the encoder.
    """

    rows: list[tuple[str, str, int]]
    codes: RowStore
    metadata: dict[str, str]

    def batches(self, code_size: int) -> Iterator[tuple[int, dict[str, object]]]:
        """Yield numbers of rows and columns of features_sheet; the embedding is the codes' mean.

        Args:
            code_size: length of one code.
        """
        step = rows_at_a_time(self.codes.length)
        for start in range(0, len(self.rows), step):
            batch = self.rows[start : start + step]
            codes = np.concatenate([self.codes.read(row, row + 1) for _, _, row in batch])
            means = codes.reshape(len(batch), -1, code_size).mean(axis=1, dtype=np.float64)
            columns = {
                "window_id": [window for window, _, _ in batch],
                "protocol": [protocol for _, protocol, _ in batch],
                "codes": as_lists(codes),
                "embedding": as_lists(means),
            }
            yield len(batch), columns


def join_sheet_parts(
    parts: Sequence[Path], windows: Path, split: Path, folder: Path
) -> JoinedSheets:
    """Find the codes of each window's strip.

    Args:
        parts: the sheet_part tables of all shards.
        windows: the windows table.
        split: the split table.
        folder: where the codes lie meanwhile.

    Returns:
        The windows of the split that have a strip.

    Raises:
        DataError: parts were made with different settings, or no window has a strip.
    """
    descriptions = {
        (*sorted(metadata_of(part).items()), pq.read_schema(part).field("codes").type)
        for part in parts
    }
    if len(descriptions) != 1:
        raise DataError(
            f"{parts[0].parent}: parts were made with {len(descriptions)} different settings; "
            "run features-sheet again for all shards"
        )
    codes = RowStore(folder, pq.read_schema(parts[0]).field("codes").type.list_size)
    row_of: dict[str, int] = {}
    n_rows = 0
    for part in parts:
        for keys, vectors in read_vectors(part, SHEET_PART, "codes", ["sheet_key"]):
            for row, key in enumerate(keys["sheet_key"].to_pylist(), start=n_rows):
                row_of[key] = row
            codes.append(vectors)
            n_rows += len(keys)
    found = read_table(windows, WINDOWS, ["window_id", "sheet_key"]).to_pydict()
    key_of = dict(zip(found["window_id"], found["sheet_key"], strict=True))
    drawn = read_table(split, SPLIT, ["window_id", "protocol"]).to_pydict()
    kept = sorted(
        (window, protocol, row_of[key_of[window]])
        for window, protocol in zip(drawn["window_id"], drawn["protocol"], strict=True)
        if key_of[window] in row_of
    )
    if not kept:
        raise DataError(f"{split}: no window has a strip; check the rejects of render-sheet")
    return JoinedSheets(kept, codes, metadata_of(parts[0]))
