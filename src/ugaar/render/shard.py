"""The windows of one shard, each distinct content once, and the files that rendering them makes."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ugaar.errors import ConfigError
from ugaar.parquet_files import open_table, read_table, write_table
from ugaar.progress import Progress
from ugaar.render import external
from ugaar.render.batch import Failure
from ugaar.tables import REJECTS, WINDOWS, Table

BATCH_ROWS = 32
REMEDY = "look at the window's notes; if they are right, report the message with them"


def add_arguments(parser: argparse.ArgumentParser, medium: str) -> None:
    """Add the files of a rendering stage; `medium` is audio or sheet."""
    parser.add_argument("--windows", required=True, help="windows table")
    parser.add_argument("--shard", required=True, type=int, help="number of the shard, from 0")
    parser.add_argument("--out", required=True, help=f"{medium} table to write")
    parser.add_argument("--rejects-out", required=True, help="rejects table to write")


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


def write_rendered(
    arguments: argparse.Namespace,
    declared: Table,
    metadata: dict[str, str],
    rows: Sequence[dict],
    render: Callable[[Path], Iterator[tuple[dict, dict | Failure]]],
) -> None:
    """Render windows into a table, and list those that could not be rendered.

    Args:
        arguments: the stage's files `out` and `rejects_out`.
        declared: declaration of the table.
        metadata: text put into the table's file.
        rows: the windows.
        render: from an empty working folder, yields each window with its row of the table or why
            there is none.
    """
    progress = Progress(len(rows))
    rejects: list[dict] = []
    with (
        open_table(arguments.out, declared, metadata=metadata) as table,
        external.workspace() as folder,
    ):
        batch: list[dict] = []
        for row, result in render(folder):
            if isinstance(result, Failure):
                rejects += reject_rows(f"render-{declared.name}", row, result)
            else:
                batch.append(result)
            if len(batch) >= BATCH_ROWS:
                table.write(batch)
                batch = []
            progress.step()
        table.write(batch)
    rejects.sort(key=lambda reject: reject["item"])
    write_table(arguments.rejects_out, REJECTS, rejects)


def reject_rows(stage: str, row: dict, failure: Failure) -> list[dict]:
    """Return a row of the rejects table for each window that shared the failed content."""
    return [
        {
            "stage": stage,
            "level": "window",
            "item": window_id,
            "path": row["song_id"],
            "reason": failure.reason,
            "detail": failure.detail,
            "remedy": REMEDY,
        }
        for window_id in row["window_ids"]
    ]
