"""The windows or pieces of one shard, each distinct content once, and the files rendering makes."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ugaar.errors import ConfigError
from ugaar.parquet_files import open_table, read_table, write_table
from ugaar.progress import Progress
from ugaar.render import external
from ugaar.render.batch import Failure
from ugaar.snippet_tables import PIECES
from ugaar.tables import REJECTS, WINDOWS, Table

BATCH_ROWS = 32


@dataclass(frozen=True)
class Level:
    """What is rendered as one item.

    Attributes:
        name: level in the rejects table.
        declared: table of the items.
        item: column of their identifier.
        path: column that says where they come from.
        remedy: what to do when one cannot be rendered.
    """

    name: str
    declared: Table
    item: str
    path: str
    remedy: str


WINDOW = Level(
    "window",
    WINDOWS,
    "window_id",
    "song_id",
    "look at the window's notes; if they are right, report the message with them",
)
PIECE = Level(
    "piece",
    PIECES,
    "piece_id",
    "path",
    "look at the piece's notes; if they are right, report the message with them",
)


def add_arguments(parser: argparse.ArgumentParser, medium: str) -> None:
    """Add the files of a rendering stage; `medium` is audio or sheet."""
    items = parser.add_mutually_exclusive_group(required=True)
    items.add_argument("--windows", help="windows table")
    items.add_argument("--pieces", help="pieces table: whole pieces instead of windows")
    parser.add_argument("--shard", required=True, type=int, help="number of the shard, from 0")
    parser.add_argument("--out", required=True, help=f"{medium} table to write")
    parser.add_argument("--rejects-out", required=True, help="rejects table to write")


def level_of(arguments: argparse.Namespace) -> tuple[Level, str]:
    """Return what a rendering stage renders, and the path of its table."""
    return (PIECE, arguments.pieces) if arguments.pieces else (WINDOW, arguments.windows)


def shard_of(key: str, shards: int) -> int:
    """Return the shard of a content key, which depends on nothing but the key."""
    return int(key[:8], 16) % shards


def distinct_rows(
    path: Path | str,
    level: Level,
    key: str,
    columns: Sequence[str],
    shard: int,
    shards: int,
    only: Collection[str] | None = None,
) -> list[dict]:
    """Read the windows or pieces of one shard, one for each value of a content key.

    Args:
        path: the windows or pieces table.
        level: what its rows are.
        key: column of the content key, such as audio_key.
        columns: further columns to read.
        shard: number of the shard, from 0.
        shards: number of shards.
        only: identifiers of the items that are taken; all where None.

    Returns:
        Rows ordered by key; `item_ids` lists all items of that content, in order, and `path`
        says where the first comes from.

    Raises:
        ConfigError: there is no such shard.
    """
    if not 0 <= shard < shards:
        raise ConfigError(f"shard {shard}: shards are numbered 0 to {shards - 1} (config: shards)")
    rows: dict[str, dict] = {}
    names = [*dict.fromkeys([level.item, level.path, key, *columns])]
    for row in read_table(path, level.declared, names).sort_by(level.item).to_pylist():
        if shard_of(row[key], shards) == shard and (only is None or row[level.item] in only):
            first = rows.setdefault(row[key], {**row, "path": row[level.path], "item_ids": []})
            first["item_ids"].append(row[level.item])
    return [rows[value] for value in sorted(rows)]


def write_rendered(
    arguments: argparse.Namespace,
    declared: Table,
    metadata: dict[str, str],
    level: Level,
    rows: Sequence[dict],
    render: Callable[[Path], Iterator[tuple[dict, dict | Failure]]],
) -> None:
    """Render windows or pieces into a table, and list those that could not be rendered.

    Args:
        arguments: the stage's files `out` and `rejects_out`.
        declared: declaration of the table.
        metadata: text put into the table's file.
        level: what is rendered.
        rows: the windows or pieces.
        render: from an empty working folder, yields each row with its row of the table or why
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
                rejects += reject_rows(f"render-{declared.name}", level, row, result)
            else:
                batch.append(result)
            if len(batch) >= BATCH_ROWS:
                table.write(batch)
                batch = []
            progress.step()
        table.write(batch)
    rejects.sort(key=lambda reject: reject["item"])
    write_table(arguments.rejects_out, REJECTS, rejects)


def reject_rows(stage: str, level: Level, row: dict, failure: Failure) -> list[dict]:
    """Return a row of the rejects table for each item that shared the failed content."""
    return [
        {
            "stage": stage,
            "level": level.name,
            "item": item,
            "path": row["path"],
            "reason": failure.reason,
            "detail": failure.detail,
            "remedy": level.remedy,
        }
        for item in row["item_ids"]
    ]
