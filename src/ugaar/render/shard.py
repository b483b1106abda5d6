"""The windows of one shard, each distinct content once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ugaar.errors import ConfigError
from ugaar.parquet_files import read_table
from ugaar.render.batch import Failure
from ugaar.tables import WINDOWS


def shard_of(key: str, shards: int) -> int:
    """Return the shard of a content key, which depends on nothing but the key."""
    return int(key[:8], 16) % shards


def distinct_windows(
    path: Path | str, key: str, columns: Sequence[str], shard: int, shards: int
) -> list[dict]:
    """Read the windows of one shard, one for each value of a content key.

    Args:
        path: the windows table.
        key: column of the content key, such as audio_key.
        columns: further columns to read.
        shard: number of the shard, from 0.
        shards: number of shards.

    Returns:
        Rows ordered by key; `window_ids` lists all windows of that content, in order.

    Raises:
        ConfigError: there is no such shard.
    """
    if not 0 <= shard < shards:
        raise ConfigError(f"shard {shard}: shards are numbered 0 to {shards - 1} (config: shards)")
    rows: dict[str, dict] = {}
    table = read_table(path, WINDOWS, [*dict.fromkeys(["window_id", key, *columns])])
    for row in table.sort_by("window_id").to_pylist():
        if shard_of(row[key], shards) == shard:
            rows.setdefault(row[key], {**row, "window_ids": []})["window_ids"].append(
                row["window_id"]
            )
    return [rows[value] for value in sorted(rows)]


def reject_rows(stage: str, row: dict, failure: Failure, remedy: str) -> list[dict]:
    """Return a row of the rejects table for each window that shared the failed content."""
    return [
        {
            "stage": stage,
            "level": "window",
            "item": window_id,
            "path": row["song_id"],
            "reason": failure.reason,
            "detail": failure.detail,
            "remedy": remedy,
        }
        for window_id in row["window_ids"]
    ]
