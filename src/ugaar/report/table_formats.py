"""Printed tables as Markdown, LaTeX and a self-contained HTML page."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from ugaar.evaluate.paper_tables import PAPER, Block, Cell, PrintedTable, Row

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "→": r"$\rightarrow$",
    "↔": r"$\leftrightarrow$",
    "±": r"$\pm$",
    "−": r"$-$",
    "–": "--",
}

ABSENT = "–"


def latex_escape(text: str) -> str:
    """Return text with every character that LaTeX would interpret written out."""
    return "".join(_LATEX.get(character, character) for character in text)


def _value(cell: Cell | None) -> str:
    if cell is None:
        return ABSENT
    spread = "" if cell.std is None else f" ± {cell.number(cell.std)}"
    return cell.number() + spread


def _interval(cell: Cell | None) -> str:
    if cell is None or cell.low is None:
        return ""
    return f"[{cell.number(cell.low)}, {cell.number(cell.high)}]"


def _columns(table: PrintedTable) -> list[tuple[str, str]]:
    return [(group, metric) for group, metrics in table.groups for metric in metrics]


def markdown(table: PrintedTable) -> str:
    """Return the table as Markdown: a table for each block, and one of its intervals.

    Columns of one group share a cell, as in the paper: R@1 / MedR.
    """
    heads = [*table.label_heads]
    for group, metrics in table.groups:
        heads += [f"{group}<br>{' / '.join(metrics)}"] if group else metrics
    lines = [f"# {table.title}", ""]
    for block in table.blocks:
        if not block.rows:
            continue
        lines += [f"## {block.heading}", ""]
        lines += _markdown_rows(table, heads, block, _value)
        if any(_interval(cell) for row in block.rows for cell in row.cells):
            lines += [f"{block.heading}, intervals:", ""]
            lines += _markdown_rows(table, heads, block, _interval)
    if table.notes:
        lines += ["## Notes", "", *(f"- {note}" for note in table.notes), ""]
    return "\n".join(lines)


def _markdown_rows(
    table: PrintedTable, heads: list[str], block: Block, show: Callable[[Cell | None], str]
) -> list[str]:
    labels = len(table.label_heads)
    lines = [
        "| " + " | ".join(heads) + " |",
        "|" + " --- |" * labels + " ---: |" * (len(heads) - labels),
    ]
    for row in block.rows:
        texts = list(row.labels)
        position = 0
        for group, metrics in table.groups:
            shown = [show(cell) for cell in row.cells[position : position + len(metrics)]]
            texts += [" / ".join(shown)] if group else shown
            position += len(metrics)
        lines.append("| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |")
    return [*lines, ""]


def latex(table: PrintedTable) -> str:
    """Return the table as LaTeX (packages booktabs and graphicx), intervals in a second line."""
    columns = _columns(table)
    n_labels = len(table.label_heads)
    width = n_labels + len(columns)
    lines = [
        r"% \usepackage{booktabs,graphicx}",
        r"\begin{table*}[t]",
        r"\centering",
        rf"\caption{{{latex_escape(table.title)}}}",
        rf"\label{{tab:{table.name.replace('_', '-')}}}",
        r"\resizebox{\textwidth}{!}{%",
        rf"\begin{{tabular}}{{{'l' * n_labels}{'r' * len(columns)}}}",
        r"\toprule",
    ]
    if any(group for group, _ in table.groups):
        heads = [
            rf"\multicolumn{{{len(metrics)}}}{{c}}{{{latex_escape(group)}}}"
            for group, metrics in table.groups
        ]
        lines.append(" & " * n_labels + " & ".join(heads) + r" \\")
    names = [*table.label_heads, *(metric for _, metric in columns)]
    lines.append(" & ".join(latex_escape(name) for name in names) + r" \\")
    for block in table.blocks:
        if not block.rows:
            continue
        lines.append(r"\midrule")
        heading = rf"\emph{{{latex_escape(block.heading)}}}"
        lines.append(rf"\multicolumn{{{width}}}{{l}}{{{heading}}} \\")
        for row in block.rows:
            texts = [*row.labels, *(_value(cell) for cell in row.cells)]
            lines.append(" & ".join(latex_escape(text) for text in texts) + r" \\")
            intervals = [_interval(cell) for cell in row.cells]
            if any(intervals):
                small = [
                    rf"{{\scriptsize {latex_escape(text)}}}" if text else "" for text in intervals
                ]
                lines.append(" & " * n_labels + " & ".join(small) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}}", r"\par\medskip\footnotesize"]
    lines += [latex_escape(note) + r"\par" for note in table.notes]
    lines += [r"\end{table*}", ""]
    return "\n".join(lines)


_STYLE = """
:root { color-scheme: light; }
body { font: 14px/1.45 system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; color: #1b2330;
  background: #fff; margin: 24px; }
h1 { font-size: 18px; font-weight: 600; margin: 0 0 14px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 12px; text-align: right; white-space: nowrap; vertical-align: top; }
th.label, td.label { text-align: left; }
thead th { font-weight: 600; border-bottom: 1px solid #8a94a6; }
thead tr.groups th { border-bottom: 0; text-align: center; padding-bottom: 0; }
th.first, td.first { border-left: 1px solid #dfe4ec; }
tbody tr.block th { text-align: left; font-weight: 600; padding-top: 16px; color: #14508c;
  border-bottom: 1px solid #dfe4ec; }
tbody.paper td { color: #5b6472; font-style: italic; }
tbody tr.new td { border-top: 1px solid #dfe4ec; }
tbody tr:not(.block):hover td { background: #f3f7fc; }
small { display: block; color: #6c7686; font-size: 11px; font-style: normal; }
.spread { color: #6c7686; }
ul { max-width: 90ch; padding-left: 18px; color: #3a4453; font-size: 13px; }
li { margin: 4px 0; }
"""


def html(table: PrintedTable) -> str:
    """Return the table as one HTML page without outside parts."""
    heads = "".join(f'<th class="label">{escape(head)}</th>' for head in table.label_heads)
    first = _first_columns(table)
    for number, (_, metric) in enumerate(_columns(table)):
        heads += f"<th{_css(number in first)}>{escape(metric)}</th>"
    above = ""
    if any(group for group, _ in table.groups):
        above = f'<tr class="groups"><th colspan="{len(table.label_heads)}"></th>' + "".join(
            f'<th class="first" colspan="{len(metrics)}">{escape(group)}</th>'
            for group, metrics in table.groups
        )
        above += "</tr>"
    bodies = "".join(_html_block(block, table, first) for block in table.blocks if block.rows)
    notes = "".join(f"<li>{escape(note)}</li>" for note in table.notes)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(table.title)}</title><style>{_STYLE}</style></head>\n"
        f'<body><h1>{escape(table.title)}</h1><div class="scroll"><table>\n'
        f"<thead>{above}<tr>{heads}</tr></thead>\n{bodies}</table></div>\n"
        f"<ul>{notes}</ul></body></html>\n"
    )


def _first_columns(table: PrintedTable) -> set[int]:
    starts, position = set(), 0
    for _, metrics in table.groups:
        starts.add(position)
        position += len(metrics)
    return starts


def _css(first: bool) -> str:
    return ' class="first"' if first else ""


def _html_block(block: Block, table: PrintedTable, first: set[int]) -> str:
    width = len(table.label_heads) + len(_columns(table))
    kind = ' class="paper"' if block.origin == PAPER else ""
    lines = [
        f'<tbody{kind}><tr class="block"><th colspan="{width}">{escape(block.heading)}</th></tr>'
    ]
    previous = None
    for row in block.rows:
        # Table II: a rule between directions.
        new = previous is not None and table.label_heads[0] == "Direction"
        new = new and previous != row.labels[0]
        previous = row.labels[0]
        lines.append(_html_row(row, first, new))
    return "\n".join(lines) + "</tbody>\n"


def _html_row(row: Row, first: set[int], new: bool) -> str:
    labels = "".join(f'<td class="label">{escape(label)}</td>' for label in row.labels)
    cells = ""
    for number, cell in enumerate(row.cells):
        text = ABSENT if cell is None else cell.number()
        if cell is not None and cell.std is not None:
            text += f' <span class="spread">± {cell.number(cell.std)}</span>'
        interval = _interval(cell)
        if interval:
            text += f"<small>{escape(interval)}</small>"
        cells += f"<td{_css(number in first)}>{text}</td>"
    kind = ' class="new"' if new else ""
    return f"<tr{kind}>{labels}{cells}</tr>"
