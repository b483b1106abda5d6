"""The sheet features of windows, joined from the codes of strips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from ugaar.errors import DataError
from ugaar.tables import SHEET_PART, SPLIT, WINDOWS, metadata_of, read_table


def join_sheet_parts(
    parts: Sequence[Path], windows: Path, split: Path, code_size: int
) -> tuple[pa.Table, dict[str, int], dict[str, str]]:
    """Give each window of the split the codes of its strip, and their mean.

    Args:
        parts: the sheet_part tables of all shards.
        windows: the windows table.
        split: the split table.
        code_size: length of one code.

    Returns:
        Rows of features_sheet in the order of window ids (windows without a strip have none),
        the lengths of its vectors, and the parts' common metadata.

    Raises:
        DataError: parts were made with different settings, or no window has a strip.
    """
    descriptions = {tuple(sorted(metadata_of(part).items())) for part in parts}
    if len(descriptions) != 1:
        raise DataError(
            f"{parts[0].parent}: parts were made with {len(descriptions)} different settings; "
            "run features-sheet again for all shards"
        )
    table = pa.concat_tables([read_table(part, SHEET_PART) for part in parts])
    length = table.schema.field("codes").type.list_size
    codes = table["codes"].combine_chunks().flatten().to_numpy().reshape(-1, length)
    row_of = {key: row for row, key in enumerate(table["sheet_key"].to_pylist())}
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
    chosen = codes[[row for _, _, row in kept]]
    means = chosen.reshape(len(kept), -1, code_size).mean(axis=1, dtype=np.float64)
    rows = pa.table(
        {
            "window_id": [window for window, _, _ in kept],
            "protocol": [protocol for _, protocol, _ in kept],
            "codes": pa.FixedSizeListArray.from_arrays(pa.array(chosen.ravel()), length),
            "embedding": pa.FixedSizeListArray.from_arrays(
                pa.array(means.astype(np.float32).ravel()), code_size
            ),
        }
    )
    return rows, {"codes": length, "embedding": code_size}, dict(next(iter(descriptions)))
