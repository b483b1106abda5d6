r"""Syllables and word boundaries in the lyric events of MIDI files.

Such events follow one of three dialects: a space ends a word (`"maz" "ing "`), a hyphen says that
the word goes on (`"maz-" "ing"`), or every event is a whole word. Marks of lines (`/`, line
breaks) and paragraphs (`\`) end words too, and are no text.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ugaar.score.lyrics import HYPHENS, Fragment, normalise

SPACES, HYPHENATED, WHOLE_WORDS = "spaces", "hyphens", "whole-words"
_LINE_MARKS = ("\\", "/")
_LINE_BREAKS = "\r\n"
LEAST_SHARE = 0.05
"""Share of events that must bear a mark before it counts as the stream's way to mark words."""


def is_header(text: str) -> bool:
    """Tell whether an event is a karaoke header (`@T...`, `@L...`, `%...`) rather than lyrics."""
    return text.startswith(("@", "%"))


def dialect_of(texts: Sequence[str]) -> str:
    """Return the dialect of a stream of events: spaces, hyphens or whole-words."""
    bodies = [text.strip(_LINE_BREAKS).lstrip("".join(_LINE_MARKS)) for text in texts]
    bodies = [body for body in bodies if body.strip()]
    goes_on = [body.rstrip().endswith(HYPHENS) and len(body.strip()) > 1 for body in bodies]
    hyphenated = sum(goes_on)
    spaced = sum(
        body != body.strip() and not hyphen for body, hyphen in zip(bodies, goes_on, strict=True)
    )
    least = LEAST_SHARE * len(bodies)
    if hyphenated > spaced and hyphenated >= least:
        return HYPHENATED
    if spaced and spaced >= least:
        return SPACES
    return HYPHENATED if hyphenated else WHOLE_WORDS


def fragments_of(
    texts: Sequence[str], hold_marks: Collection[str]
) -> list[tuple[Fragment, ...] | None]:
    """Return the fragments of each event of a stream.

    Args:
        texts: decoded events in order, headers left out.
        hold_marks: events that hold the previous syllable, such as `_`.

    Returns:
        For each event its fragments (several where it holds several words), or None where no
        syllable starts: a hold, a line break, punctuation alone.
    """
    dialect = dialect_of(texts)
    found: list[tuple[Fragment, ...] | None] = []
    starts_word = True
    hyphen_before = False
    last_sung = -1
    for text in texts:
        opens_line = text.startswith((*_LINE_MARKS, *_LINE_BREAKS)) or text[:1].isspace()
        body = text.strip(_LINE_BREAKS).lstrip("".join(_LINE_MARKS))
        ends_line = text.endswith(tuple(_LINE_BREAKS))
        starts_word = starts_word or opens_line
        if body.strip() in hold_marks or not normalise(body):
            starts_word = starts_word or ends_line or body != body.rstrip()
            found.append(None)
            continue
        if body.startswith(HYPHENS) and last_sung >= 0:
            *before, end = found[last_sung] or ()
            found[last_sung] = (*before, replace(end, ends_word=False))
        # A hyphen carries the word over a line break too.
        starts_word = starts_word and not (hyphen_before or body.startswith(HYPHENS))
        hyphen_before = body.rstrip().endswith(HYPHENS)
        ends_word = not hyphen_before and (ends_line or _ends_word(body, dialect))
        last_sung = len(found)
        pieces = [piece for piece in body.split() if normalise(piece)]
        last = len(pieces) - 1
        found.append(
            tuple(
                Fragment(piece, number > 0 or starts_word, number < last or ends_word)
                for number, piece in enumerate(pieces)
            )
        )
        starts_word = ends_word
    return found


def _ends_word(body: str, dialect: str) -> bool:
    return body != body.rstrip() if dialect == SPACES else True
