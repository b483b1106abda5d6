"""Printed tables as files: one stem, every format."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ugaar.atomic import atomic_path
from ugaar.evaluate.paper_tables import PrintedTable
from ugaar.report.table_formats import html, latex, markdown


def write_formats(folder: Path, table: PrintedTable) -> None:
    """Write a table as Markdown, LaTeX and HTML into a folder, each file whole or not at all."""
    for suffix, write in (("md", markdown), ("tex", latex), ("html", html)):
        with atomic_path(folder / f"{table.name}.{suffix}") as path:
            path.write_text(write(table), encoding="utf-8")


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping]) -> None:
    """Write rows as CSV with the given columns."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
