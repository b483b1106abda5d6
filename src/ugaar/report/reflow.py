"""Markdown with its paragraphs wrapped anew, for text that templates put together."""

from __future__ import annotations

import re
import textwrap

WIDTH = 100

_KEPT = ("|", "#", "!", "```", "    ", "<")
_ITEM = "- "
# A line must not begin with what Markdown would read as a quotation, list or heading.
_STARTS_A_BLOCK = re.compile(r" (?=(?:[>+*|#-]+|\d+[.)])(?: |$))")
_UNBROKEN = "\0"


def reflow(text: str, width: int = WIDTH) -> str:
    """Return Markdown with paragraphs and list items wrapped, and one empty line between blocks.

    Tables, headings and images stay as they are. Blocks in fences are not supported.

    Args:
        text: Markdown.
        width: longest line, characters.
    """
    blocks = re.split(r"\n[ \t]*(?:\n[ \t]*)+", text.strip("\n"))
    return "\n\n".join(_block(block, width) for block in blocks) + "\n"


def _block(block: str, width: int) -> str:
    paragraphs: list[list[str]] = []
    for line in block.split("\n"):
        starts = line.startswith((*_KEPT, _ITEM))
        if starts or not paragraphs or paragraphs[-1][-1].startswith(_KEPT):
            paragraphs.append([line])
        else:
            paragraphs[-1].append(line.strip())
    return "\n".join(_paragraph(lines, width) for lines in paragraphs)


def _paragraph(lines: list[str], width: int) -> str:
    if lines[0].startswith(_KEPT):
        return lines[0].rstrip()
    item = lines[0].startswith(_ITEM)
    text = " ".join(" ".join(lines).removeprefix(_ITEM).split())
    wrapped = textwrap.wrap(
        _STARTS_A_BLOCK.sub(_UNBROKEN, text),
        width,
        initial_indent=_ITEM if item else "",
        subsequent_indent="  " if item else "",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(wrapped).replace(_UNBROKEN, " ")
