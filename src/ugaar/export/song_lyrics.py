r"""Syllables of a song as the texts of MIDI events.

Two styles. `events`: lyric meta events, a space after the last syllable of a word. `karaoke`: text
events as in .kar files, a space before the first syllable of a word, `/` before a line and `\`
before a paragraph in place of that space.
"""

from __future__ import annotations

from collections.abc import Sequence

from ugaar.score.lyrics import Fragment

STYLES = ("events", "karaoke")

LINE_REST_S = 0.6
PARAGRAPH_REST_S = 4.0
"""A rest this long before a word starts a line or a paragraph (the tables know no lines)."""


def fragments_of_words(syllables: Sequence[str], words: Sequence[str]) -> list[Fragment]:
    """Return the syllables with the ends of words between them.

    A word goes on while its syllables spell it. Apostrophes between two syllables (ev, ry of
    ev'ry) are put back before the second. A syllable that does not spell on, as the repeat on a
    tied note or the first of two words on one note, is left as a word of its own.

    Args:
        syllables: (n,) normalised syllables.
        words: (n,) normalised word of each syllable.
    """
    texts: list[str] = []
    starts: list[bool] = []
    rest = ""
    word = ""
    for syllable, its_word in zip(syllables, words, strict=True):
        bare = rest.lstrip("'")
        goes_on = bool(rest) and its_word == word and bare.startswith(syllable)
        if not goes_on:
            rest = bare = word = its_word
        texts.append((rest[: len(rest) - len(bare)] if goes_on else "") + syllable)
        starts.append(not goes_on)
        rest = bare[len(syllable) :] if bare.startswith(syllable) else ""
    ends = [*starts[1:], True]
    return [Fragment(*one) for one in zip(texts, starts, ends, strict=True)]


def event_texts(
    fragments: Sequence[Fragment],
    onset_s: Sequence[float],
    duration_s: Sequence[float],
    style: str,
) -> list[str]:
    """Return the text of each syllable's event.

    Args:
        fragments: (n,) syllables.
        onset_s: (n,) onsets in seconds.
        duration_s: (n,) durations in seconds.
        style: one of `STYLES`.
    """
    if style == "events":
        return [part.text + " " * part.ends_word for part in fragments]
    if style != "karaoke":
        raise ValueError(f"style {style!r}; known: {', '.join(STYLES)}")
    texts = []
    sung_until = -PARAGRAPH_REST_S
    for part, onset, duration in zip(fragments, onset_s, duration_s, strict=True):
        rest = onset - sung_until
        mark = "\\" if rest >= PARAGRAPH_REST_S else "/" if rest >= LINE_REST_S else " "
        texts.append((mark if part.starts_word else "") + part.text)
        sung_until = onset + duration
    return texts
