"""Words rebuilt from syllables that come without word marks.

The syllable files of the lyrics-melody collection give one text a note and nothing that says
where a word ends. Of all ways to join neighbouring syllables into words of a known list, the most
probable one under the list's word counts is taken (a unigram model, solved exactly).
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from ugaar.score.lyrics import HYPHENS, normalise

MOST_SYLLABLES = 6
"""Longest word that is looked for."""

CONTRACTION_COST = 3.0
"""A contraction is taken to be e^3 = 20 times rarer than its stem; lists may leave them out."""

MOST_CAPITALS = 0.4
"""Where a larger share of syllables begins with a capital, capitals say nothing about words."""

_ENDING = re.compile("(?:n't|'(?:m|s|d|re|ve|ll))$")


class WordList:
    """Words with their costs: the negative logarithm of their share of all words.

    Args:
        counts: (word, number of occurrences). Spellings that normalise to the same count
            together, and apostrophes are left out.
    """

    def __init__(self, counts: Iterable[tuple[str, int]]) -> None:
        found: defaultdict[str, int] = defaultdict(int)
        for word, count in counts:
            found[normalise(word).replace("'", "")] += count
        found.pop("", None)
        total = math.log(sum(found.values()) + 1)
        self.cost = {word: total - math.log(count) for word, count in found.items()}
        self.endings = {word[start:] for word in found for start in range(len(word))}
        self._unknown = total + math.log(2)
        self._alone: dict[str, float] = {}

    def cost_alone(self, syllable: str) -> float:
        """Return the cost of a syllable as a word; one not on the list may be one, too."""
        cost = self._alone.get(syllable)
        if cost is None:
            stem, extra = stem_of(syllable)
            stems = (stem, stem + "n") if syllable.endswith("n't") else (stem,)
            cost = min(self.cost.get(word, self._unknown) for word in stems) + extra
            cost = self._alone[syllable] = min(
                cost, self.cost.get(syllable.replace("'", ""), self._unknown)
            )
        return cost


@lru_cache(maxsize=65536)
def stem_of(syllable: str) -> tuple[str, float]:
    """Return a syllable without apostrophes and the ending of a contraction, and its cost."""
    stem = _ENDING.sub("", syllable)
    return stem.replace("'", ""), CONTRACTION_COST if stem != syllable else 0.0


def join_syllables(texts: Sequence[str], known: WordList) -> list[str]:
    """Return the normalised word of each syllable.

    A hyphen at a syllable's edge binds it to the next; a capital begins a word, unless the song
    has capitals throughout. Syllables all alike (`la la la`) are words of their own.

    Args:
        texts: syllables of a song, in order, as written.
        known: the words to look for.
    """
    syllables = [normalise(text) or text.lower() for text in texts]
    plain = [syllable.replace("'", "") for syllable in syllables]
    bound, begins = _bound(texts), _begins(texts)
    # best[end]: the cheapest reading of the syllables before `end`, and where its last word starts.
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(syllables) + 1):
        last = syllables[end - 1]
        cost, first = best[end - 1][0] + known.cost_alone(last), end - 1
        word, extra = stem_of(last)
        if bound[first]:
            cost = math.inf
        all_bound, alike = True, True
        for start in range(end - 2, max(end - 2 - MOST_SYLLABLES, -1), -1):
            all_bound = all_bound and bound[start + 1]
            if begins[start + 1] and not all_bound:
                break
            word = plain[start] + word
            alike = alike and plain[start] == plain[end - 1]
            if not all_bound and (word not in known.endings):
                break
            found = known.cost.get(word)
            if found is None and all_bound:
                found = known.cost_alone(word)
            if found is None or bound[start] or (alike and not all_bound):
                continue
            found += best[start][0] + extra
            if found < cost:
                cost, first = found, start
        best.append((cost, first))
    return _words(texts, syllables, best)


def _words(
    texts: Sequence[str], syllables: Sequence[str], best: Sequence[tuple[float, int]]
) -> list[str]:
    words: list[str] = []
    end = len(texts)
    while end:
        start = best[end][1]
        # Joined first: the apostrophe of ev + 'ry is inside the word though not in a syllable.
        word = syllables[start] if end - start == 1 else normalise("".join(texts[start:end]))
        words += [word] * (end - start)
        end = start
    return words[::-1]


def _bound(texts: Sequence[str]) -> list[bool]:
    """Tell for each syllable whether a hyphen binds it to the one before."""
    return [False] + [
        (left.endswith(HYPHENS) or right.startswith(HYPHENS))
        and bool(normalise(left))
        and bool(normalise(right))
        for left, right in pairwise(texts)
    ]


def _begins(texts: Sequence[str]) -> list[bool]:
    """Tell for each syllable whether its capital says that a word begins."""
    capitals = [text[:1].isupper() for text in texts]
    if sum(capitals) > MOST_CAPITALS * len(texts):
        return [False] * len(texts)
    return capitals
