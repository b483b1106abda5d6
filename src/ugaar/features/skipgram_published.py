"""The published skip-gram models, which are pickles of gensim 3, read without running them.

Source: github.com/yy1lab/Lyrics-Conditioned-Neural-Melody-Generation, folder
Skip-gram_lyric_encoders (10 dimensions, of May 2019).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from ugaar.errors import DataError
from ugaar.features.skipgram import Vocabulary
from ugaar.sources import safe_pickle


class _Stub:
    """Stands for a class or function of the pickle; holds its state and does nothing."""

    def __init__(self, *_: object) -> None: ...


class _Ignored(_Stub):
    """Stands for what is not needed, whatever form its state has."""

    def __setstate__(self, state: object) -> None: ...


class _Model(_Stub):
    wv: Any


class _Vectors(_Stub):
    vocab: Mapping[str, Any]
    index2word: list[str]
    vectors: np.ndarray


class _Token(_Stub):
    index: int
    count: int


_GENSIM_3: Mapping[tuple[str, str], Any] = {
    ("gensim.models.word2vec", "Word2Vec"): _Model,
    ("gensim.models.word2vec", "Word2VecTrainables"): _Stub,
    ("gensim.models.word2vec", "Word2VecVocab"): _Stub,
    ("gensim.models.keyedvectors", "Word2VecKeyedVectors"): _Vectors,
    ("gensim.models.keyedvectors", "Vocab"): _Token,
    ("gensim.utils", "call_on_class_only"): _Stub,
    ("numpy.random", "__RandomState_ctor"): _Ignored,
    ("collections", "defaultdict"): defaultdict,
    ("__builtin__", "hash"): _Stub,
    ("__builtin__", "long"): int,
}


def load(path: Path | IO[bytes]) -> Vocabulary:
    """Read a published model.

    Args:
        path: a file such as syllEncoding_skipgram_2019_05_22_10_dim.bin, or one opened.

    Raises:
        DataError: the file is missing, asks for anything outside gensim's own names, or holds no
            word vectors.
    """
    model = safe_pickle.load(path, extra=_GENSIM_3)
    try:
        found = model.wv
        tokens = tuple(found.index2word)
        counts = tuple(int(found.vocab[token].count) for token in tokens)
        vectors = np.ascontiguousarray(found.vectors, dtype=np.float32)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: no word vectors of gensim 3 in this pickle ({error})") from error
    if vectors.shape[:1] != (len(tokens),) or vectors.ndim != 2:
        raise DataError(f"{path}: {len(tokens)} words but vectors of shape {vectors.shape}")
    return Vocabulary(tokens, counts, vectors)
