"""The language of lyrics, recognised by short words that only one language uses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import groupby

UNDETERMINED = "und"

FUNCTION_WORDS = {
    "de": "der die das und ich ist nicht mein dein ein mit wir du den dem zu auf von sich sein "
    "auch wie uns dich mich herr gott",
    "en": "the and of to that my is with for we you thy thou our your his from all be not thee",
    "fr": "le les et des est que vous je mon pour dans une ne pas qui ma vostre mes tout ay au",
    "it": "che il di non con ch per gli e del della suo sua quel mio mia core amor lo "
    "ogni piu s'io d'amor io ch'io tu ma ne mi la",
    "la": "et in qui deo domine est nobis sanctus tu gloria deus patris tuam dei excelsis amen "
    "solus filius spiritus eleison kyrieleison kyrie christe christeleison cum peccata mundi "
    "domino domini benedicamus sancte virgo o ave pro per ut ad maria",
}
_LANGUAGES_OF = {
    word: [code for code, words in FUNCTION_WORDS.items() if word in words.split()]
    for words in FUNCTION_WORDS.values()
    for word in words.split()
}


def language_of(words: Iterable[str], least: int = 3, lead: float = 1.5) -> str:
    """Return the ISO 639-1 code of the language whose function words occur most, or `und`.

    A word that several languages use (`et`, `in`) counts for each in equal shares. This separates
    the five languages listed; text in another language mostly ends as `und`, and mixed text gets
    its main language.

    Args:
        words: normalised words, one for each note; one that goes on over several notes counts
            once.
        least: fewest function words that decide.
        lead: how many times the second-best score the best must reach.
    """
    scores: defaultdict[str, float] = defaultdict(float)
    for word, _ in groupby(words):
        codes = _LANGUAGES_OF.get(word, ())
        for code in codes:
            scores[code] += 1 / len(codes)
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    if not ranked or ranked[0][1] < least:
        return UNDETERMINED
    if len(ranked) > 1 and ranked[0][1] < lead * ranked[1][1]:
        return UNDETERMINED
    return ranked[0][0]
