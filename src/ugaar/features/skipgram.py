"""Skip-gram vectors of syllables and words, and the lyrics features made of them.

Source: the paper, section 3.3, and the settings stored in the published models of Yu et al.
(arXiv 1908.05551): skip-gram with 5 negative samples, window 5, minimum count 2.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ugaar.errors import ConfigError, DataError

_SUBSAMPLING = 1e-3
_SEED = 1


@dataclass(frozen=True)
class Vocabulary:
    """Tokens with their vectors.

    Attributes:
        tokens: the tokens, most frequent first.
        counts: how often each occurs in the training text.
        vectors: (tokens, dimensions), float32.
    """

    tokens: tuple[str, ...]
    counts: tuple[int, ...]
    vectors: np.ndarray

    def rows(self) -> dict[str, int]:
        """Return token -> row of `vectors`.

        Published vocabularies tell "I" from "i", our lyrics are in lower case: a lower-case form
        that is no token itself stands for its most frequent spelling.
        """
        rows = {token: row for row, token in enumerate(self.tokens)}
        for row, token in enumerate(self.tokens):
            rows.setdefault(token.lower(), row)
        return rows


def words_in_order(syllables: Sequence[str], words: Sequence[str]) -> list[str]:
    """Return each sung word once, from columns that repeat it for each of its syllables.

    A word ends when the syllables since its start are as long as the word, or when another word
    follows; so "no no" sung on two notes is two words, and "ho-ly" is one.

    Args:
        syllables: syllable of each note.
        words: the word each syllable belongs to.
    """
    sung: list[str] = []
    current, length = None, 0
    for syllable, word in zip(syllables, words, strict=True):
        if word != current or length >= len(word):
            sung.append(word)
            current, length = word, 0
        length += len(syllable)
    return sung


def sentences(windows: Iterable[Mapping[str, Any]]) -> tuple[list[list[str]], list[list[str]]]:
    """Return the training text: one sentence of syllables and one of words for each song.

    Args:
        windows: rows with song_id, index, syllable and word. Windows that follow each other in a
            song are joined; songs come in the order of their ids.
    """
    songs: dict[str, tuple[list[str], list[str]]] = {}
    for window in sorted(windows, key=lambda row: (row["song_id"], row["index"])):
        syllables, words = songs.setdefault(window["song_id"], ([], []))
        syllables.extend(window["syllable"])
        words.extend(window["word"])
    return (
        [syllables for syllables, _ in songs.values()],
        [words_in_order(syllables, words) for syllables, words in songs.values()],
    )


def train(
    text: Sequence[Sequence[str]],
    settings: Mapping[str, Any],
    level: str,
    after_epoch: Callable[[], None] = lambda: None,
) -> Vocabulary:
    """Train skip-gram vectors; the same text gives the same bytes.

    Args:
        text: sentences of tokens.
        settings: dimensions, window, negative, min_count, epochs, alpha, min_alpha.
        level: syllable or word, for errors.
        after_epoch: called at the end of every epoch.

    Raises:
        DataError: no token is frequent enough.
    """
    from gensim.models import Word2Vec
    from gensim.models.callbacks import CallbackAny2Vec

    class Epochs(CallbackAny2Vec):
        def on_epoch_end(self, model: object) -> None:
            after_epoch()

    logging.getLogger("gensim").setLevel(logging.WARNING)
    model = Word2Vec(
        vector_size=settings["dimensions"],
        window=settings["window"],
        negative=settings["negative"],
        min_count=settings["min_count"],
        alpha=settings["alpha"],
        min_alpha=settings["min_alpha"],
        sg=1,
        sample=_SUBSAMPLING,
        seed=_SEED,
        workers=1,  # more threads interleave their updates differently in every run
    )
    model.build_vocab(text)
    if not len(model.wv):
        raise DataError(
            f"features.lyrics: no {level} occurs {settings['min_count']} times in the training "
            f"fold ({sum(map(len, text))} tokens); lower features.lyrics.min_count or add songs"
        )
    model.train(text, total_examples=len(text), epochs=settings["epochs"], callbacks=[Epochs()])
    tokens = tuple(model.wv.index_to_key)
    counts = tuple(int(model.wv.get_vecattr(token, "count")) for token in tokens)
    return Vocabulary(tokens, counts, np.asarray(model.wv.vectors, dtype=np.float32))


class LyricsEncoder:
    """Looks up the vectors of syllables and words, with one rule for unknown ones."""

    def __init__(self, syllables: Vocabulary, words: Vocabulary, unknown: str) -> None:
        """Prepare the lookup.

        Args:
            syllables: vectors of syllables.
            words: vectors of words.
            unknown: zero, a zero vector; or mean, the mean vector of the vocabulary.
        """
        if unknown not in ("zero", "mean"):
            raise ConfigError(f"features.lyrics.unknown: {unknown!r}; expected zero or mean")
        self._levels = []
        for vocabulary in (syllables, words):
            fallback = vocabulary.vectors.mean(axis=0, dtype=np.float64)
            fallback = fallback.astype(np.float32) * np.float32(unknown == "mean")
            table = np.vstack([vocabulary.vectors, fallback[None]])
            self._levels.append((vocabulary.rows(), table))
        self.dimensions = sum(table.shape[1] for _, table in self._levels)

    def encode(
        self, syllables: Sequence[str], words: Sequence[str]
    ) -> tuple[np.ndarray, tuple[int, int]]:
        """Return the codes of a window and the numbers of unknown syllables and words.

        Args:
            syllables: syllable of each note.
            words: word of each note.

        Returns:
            Codes (notes, dimensions), float32: syllable vector, then word vector; and the counts of
            notes whose syllable, and whose word, is outside the vocabulary.
        """
        codes, unknown = [], []
        for tokens, (rows, table) in zip((syllables, words), self._levels, strict=True):
            last = len(table) - 1
            found = np.array([rows.get(token, last) for token in tokens])
            codes.append(table[found])
            unknown.append(int((found == last).sum()))
        return np.hstack(codes), (unknown[0], unknown[1])
