"""Windows for the rendering benchmarks: spread over a windows table."""

from __future__ import annotations

import argparse

from ugaar.tables import WINDOWS, read_table


def add_arguments(parser: argparse.ArgumentParser, items: str) -> None:
    """Add the options that the rendering benchmarks share."""
    parser.add_argument("--windows", default="results/music21/windows.parquet")
    parser.add_argument(f"--{items}", type=int, default=40, help="number of windows")
    parser.add_argument("--rounds", type=int, default=1, help="repeats of both ways, in turns")


def sample(path: str, count: int, key: str) -> list[dict]:
    """Return windows of different content, evenly spread over the table."""
    rows = {row[key]: row for row in read_table(path, WINDOWS).to_pylist()}
    chosen = [rows[name] for name in sorted(rows)]
    return chosen[:: max(1, len(chosen) // count)][:count]
