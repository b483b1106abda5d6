"""Windows for the rendering benchmarks: spread over a windows table."""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable

from ugaar.parquet_files import read_table
from ugaar.tables import WINDOWS


def add_arguments(parser: argparse.ArgumentParser, items: str) -> None:
    """Add the options that the rendering benchmarks share."""
    parser.add_argument("--windows", default="results/music21/windows.parquet")
    parser.add_argument(f"--{items}", type=int, default=160, help="number of windows")
    parser.add_argument("--rounds", type=int, default=1, help="repeats of both ways, in turns")


def sample(path: str, count: int, key: str) -> list[dict]:
    """Return windows of different content, evenly spread over the table."""
    rows = {row[key]: row for row in read_table(path, WINDOWS).to_pylist()}
    chosen = [rows[name] for name in sorted(rows)]
    return chosen[:: max(1, len(chosen) // count)][:count]


def compare(
    slow: Callable[[], object],
    fast: Callable[[], object],
    items: int,
    rounds: int,
    names: tuple[str, str] = ("one process an item", "one process for all"),
) -> None:
    """Time both ways in turns and print wall-clock and CPU time an item, and their ratios."""
    wall: dict[str, list[float]] = {name: [] for name in names}
    cpu: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, way in zip(reversed(names), (fast, slow), strict=True):
            wall_s, cpu_s = spent(way)
            wall[name].append(wall_s / items * 1000)
            cpu[name].append(cpu_s / items * 1000)
            print(
                f"{name}: {wall[name][-1]:.1f} ms, CPU {cpu[name][-1]:.1f} ms an item", flush=True
            )
    for kind, times in (("wall clock", wall), ("CPU", cpu)):
        before, after = (statistics.median(times[name]) for name in names)
        print(
            f"{kind}, {items} items: {names[0]} {before:.1f} ms an item, "
            f"{names[1]} {after:.1f} ms, {before / after:.1f} x"
        )


def spent(way: Callable[[], object]) -> tuple[float, float]:
    """Return the wall and processor seconds of a call, those of finished child processes too."""
    wall_before, cpu_before = time.perf_counter(), _cpu_s()
    way()
    return time.perf_counter() - wall_before, _cpu_s() - cpu_before


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in used)
