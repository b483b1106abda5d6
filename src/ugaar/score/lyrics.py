"""Lyrics as text: normalised syllables, and the words that they make up."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

SOFT_HYPHEN = "\u00ad"
HYPHENS = ("-", SOFT_HYPHEN, "\u2010", "\u2011")
ELISION_MARKS = "\u035c\u0361"
APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u02bc\u00b4`"), "'")
_VERSE_NUMBER = re.compile(r"^\s*\d+\s*[.):]?\s*")
_INNER_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")


@dataclass(frozen=True)
class Fragment:
    """Text on one note: a syllable, and where it stands in its word.

    Attributes:
        text: the syllable as written in the source.
        starts_word: whether a word begins with it.
        ends_word: whether the word ends with it.
    """

    text: str
    starts_word: bool
    ends_word: bool


@lru_cache(maxsize=65536)
def normalise(text: str) -> str:
    """Return text in lower case with letters and inner apostrophes only.

    Digits, punctuation, hyphens, elision signs and spaces are left out; the apostrophe of
    `don't` stays, that of `'tis` does not. Composed Unicode (NFC), so equal text is equal bytes.
    """
    text = unicodedata.normalize("NFC", text).translate(APOSTROPHES).lower()
    kept = "".join(
        character
        for character in text
        if character == "'"
        or (unicodedata.category(character)[0] in "LM" and character not in ELISION_MARKS)
    )
    return _keep_inner_apostrophes(unicodedata.normalize("NFC", kept))


def _keep_inner_apostrophes(text: str) -> str:
    inner = {match.start() for match in _INNER_APOSTROPHE.finditer(text)}
    return "".join(
        character for place, character in enumerate(text) if character != "'" or place in inner
    )


def strip_verse_number(text: str) -> str:
    """Return text without a verse number in front: `2. Der` gives `Der`."""
    return _VERSE_NUMBER.sub("", text)


def fragment(text: str, syllabic: str | None) -> Fragment | None:
    """Return the fragment for a notated lyric, or None where nothing is left of its text.

    Args:
        text: the lyric as written; a verse number in front is dropped.
        syllabic: MusicXML's `begin`, `middle`, `end` or `single`; None is taken as `single`.
            A hyphen at the end of the text (also a soft hyphen, as in the Monteverdi encodings)
            says that the word goes on, whatever `syllabic` says.
    """
    text = strip_verse_number(text).strip()
    if not normalise(text):
        return None
    goes_on = syllabic in ("begin", "middle") or text.endswith(HYPHENS)
    carried_on = syllabic in ("middle", "end") or text.startswith(HYPHENS)
    return Fragment(text, starts_word=not carried_on, ends_word=not goes_on)


def syllables_and_words(
    notes: Sequence[tuple[Fragment, ...]],
) -> tuple[list[str], list[str]]:
    """Return the normalised syllable of each note and the word that it belongs to.

    A word begins with a fragment that starts one, or after a fragment that ended one, so that
    broken marks (two beginnings in a row, an end without a beginning) still give words. A hyphen
    written at the end of a fragment binds the next one whatever its marks say: whole collections
    have hyphens and call every syllable `single`.

    Args:
        notes: fragments of each note, none of them empty. A note with several fragments (an
            elision: `glo-ria in`) has them all in its syllable and belongs to the word of the
            first. Neighbouring notes with the same tuple object are repeats of one syllable.

    Returns:
        Syllables and words, one for each note.
    """
    words: list[list[str]] = []
    word_of_note: list[int] = []
    syllables: list[str] = []
    open_word = bound = False
    previous: tuple[Fragment, ...] | None = None
    for fragments in notes:
        if previous is not None and fragments is previous:
            syllables.append(syllables[-1])
            word_of_note.append(word_of_note[-1])
            continue
        for number, part in enumerate(fragments):
            if not open_word or (part.starts_word and not bound):
                words.append([])
            words[-1].append(part.text)
            open_word = not part.ends_word
            bound = part.text.endswith(HYPHENS)
            if number == 0:
                word_of_note.append(len(words) - 1)
        syllables.append(normalise("".join(part.text for part in fragments)))
        previous = fragments
    # Joined first: the apostrophe of ev + 'ry is inside the word though not in a syllable.
    joined = [normalise("".join(word)) for word in words]
    return syllables, [joined[index] for index in word_of_note]
