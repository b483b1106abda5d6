"""Embeddings of windows, the same to the last bit wherever the features are the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ugaar.align.content import content_numbers

ROWS_PER_BLOCK = 256


def embed_distinct(rows: NDArray, embed: Callable[[NDArray], NDArray]) -> NDArray[np.float32]:
    """Embed each different row once, in blocks of constant shape.

    A matrix product may give equal rows results that differ in the last bit, and that would break
    ties between identical items.

    Args:
        rows: (n, d) features.
        embed: maps (ROWS_PER_BLOCK, d) features to (ROWS_PER_BLOCK, k) embeddings.

    Returns:
        (n, k) embeddings.
    """
    _, first, place = np.unique(content_numbers(rows), return_index=True, return_inverse=True)
    distinct = rows[first]
    padded = np.concatenate([distinct, np.zeros((-len(distinct) % ROWS_PER_BLOCK, rows.shape[1]))])
    padded = padded.astype(rows.dtype)
    blocks = [
        embed(padded[start : start + ROWS_PER_BLOCK])
        for start in range(0, len(padded), ROWS_PER_BLOCK)
    ]
    return np.concatenate(blocks)[: len(distinct)][place].astype(np.float32)
