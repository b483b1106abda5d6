"""Printed tables of a run as tables of its page: intervals below the values, blocks apart."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ugaar.evaluate.paper_tables import PAPER, PrintedTable, Row
from ugaar.report.results_page_words import UNITS, grid, shown


def joined(table: PrintedTable, group: str | None = None) -> str:
    """Return a printed table as one Markdown table: its blocks below each other.

    Args:
        table: the printed table; published rows come out in italics.
        group: the group of columns to show (a direction), None for all.
    """
    columns = _columns(table, group)
    lines = [
        _line(row, columns, italic=block.origin == PAPER)
        for block in table.blocks
        for row in block.rows
    ]
    return _grid(table, columns, lines)


def apart(table: PrintedTable, labels: Collection[str] | None = None) -> str:
    """Return a printed table as a Markdown table for each block, its heading in bold.

    Args:
        table: the printed table.
        labels: first labels of the rows to show, None for all.
    """
    columns = _columns(table, None)
    parts = []
    for block in table.blocks:
        rows = [row for row in block.rows if labels is None or row.labels[0] in labels]
        if rows:
            lines = [_line(row, columns, italic=block.origin == PAPER) for row in rows]
            parts += [f"**{block.heading}**", _grid(table, columns, lines)]
    return "\n\n".join(parts)


def notes(table: PrintedTable) -> str:
    """Return the notes below a table as a list."""
    return "\n".join(f"- {note}" for note in table.notes)


def _columns(table: PrintedTable, group: str | None) -> list[tuple[int, str]]:
    """Return place and head of each column of a group."""
    heads = [(name, metric) for name, metrics in table.groups for metric in metrics]
    return [
        (place, f"{name}<br>{metric}" if name and group is None else UNITS.get(metric, metric))
        for place, (name, metric) in enumerate(heads)
        if group in (None, name)
    ]


def _line(row: Row, columns: Iterable[tuple[int, str]], italic: bool) -> list[str]:
    name, *others = row.labels
    return [
        f"*{name}*" if italic else name,
        *(label or "–" for label in others),
        *(shown(row.cells[place]) for place, _ in columns),
    ]


def _grid(table: PrintedTable, columns: Iterable[tuple[int, str]], lines: list[list[str]]) -> str:
    heads = [*table.label_heads, *(head for _, head in columns)]
    # Sizes among the labels stand at the right, as numbers do.
    names = [place for place, head in enumerate(table.label_heads) if head in _NAMES]
    return grid(heads, lines, texts=names)


_NAMES = ("System", "Condition", "Work", "minus")
