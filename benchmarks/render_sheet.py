"""One LilyPond process for all strips against one process per strip, on the same windows.

    PYTHONPATH=src python benchmarks/render_sheet.py [--windows FILE] [--strips N] [--rounds N]

Both ways are timed in turns in the same run, so that other work on the machine meets both. The
plain way is what a first implementation does: one file with one score, `lilypond --png`. The
batch way is the stage itself, with notehead positions and PNG encoding. `--parts` prints besides
how much each idea of the batch gains.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from sample_windows import add_arguments, compare, sample
from ugaar.render import engrave
from ugaar.render.batch import Failure
from ugaar.render.external import workspace
from ugaar.render.layout import Layout
from ugaar.render.lilypond_strips import render

LAYOUT = Layout(160, 101.0, 100)
STALL_S = 300.0


def plain(rows: Sequence[dict]) -> None:
    """Engrave each window with a process of its own."""
    with workspace() as folder:
        for row in rows:
            text, _ = engrave.document([engrave.engraving(row, LAYOUT).music], LAYOUT)
            (folder / "a.ly").write_text(text.replace("#(gc-disable)\n", ""))
            command = ["lilypond", "--silent", "--png", "-dresolution=101", "a.ly"]
            subprocess.run(command, cwd=folder, check=True, capture_output=True)


def batch(rows: Sequence[dict]) -> None:
    """Engrave all windows as the stage does."""
    with workspace() as folder:
        for row, result in render(rows, LAYOUT, folder, STALL_S):
            if isinstance(result, Failure):
                raise SystemExit(f"{row['window_id']}: {result.detail}")


def lilypond(rows: Sequence[dict], folder: Path, own_collection: bool, options: list[str]) -> None:
    """Run LilyPond alone over all windows."""
    text, _ = engrave.document([engrave.engraving(row, LAYOUT).music for row in rows], LAYOUT)
    if not own_collection:
        text = text.replace("#(gc-disable)\n", "").replace("(gc-enable) (gc) (gc-disable)", "#t")
    (folder / "a.ly").write_text(text)
    subprocess.run(["lilypond", "--silent", *options, "a.ly"], cwd=folder, check=True)


def parts(rows: Sequence[dict]) -> None:
    """Print what LilyPond takes with and without each idea."""
    link = ["--ps", "-dno-point-and-click", "-dgs-load-lily-fonts"]
    ways: list[tuple[str, bool, list[str]]] = [
        ("PNG, one Ghostscript a book", False, ["--png", "-dresolution=101"]),
        ("PostScript, fonts in every file", False, ["--ps", "-dno-point-and-click"]),
        ("PostScript, fonts by name", False, link),
        ("and garbage collected every 25 books", True, link),
    ]
    for name, own_collection, options in ways:
        with workspace() as folder:
            before = time.perf_counter()
            lilypond(rows, folder, own_collection, options)
            taken = time.perf_counter() - before
        print(f"{name}: {taken / len(rows) * 1000:.1f} ms a strip", flush=True)


def main() -> None:
    """Time both ways and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser, "strips")
    parser.add_argument("--parts", action="store_true", help="time the ideas of the batch as well")
    arguments = parser.parse_args()
    rows = sample(arguments.windows, arguments.strips, "sheet_key")
    compare(lambda: plain(rows), lambda: batch(rows), len(rows), arguments.rounds)
    if arguments.parts:
        parts(rows)


if __name__ == "__main__":
    main()
