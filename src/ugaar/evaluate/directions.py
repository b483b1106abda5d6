"""Ranks of one trained method in every direction and gallery, as columns of the ranks table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ugaar.evaluate.galleries import cut_galleries
from ugaar.evaluate.ranks import rank_matches


@dataclass(frozen=True)
class Asked:
    """The windows that are asked for, and the galleries they are asked in.

    Attributes:
        windows: identifiers, in the order of all vectors.
        content: modality -> content hash of each window.
        sizes: sizes of galleries beside the whole of the windows.
    """

    windows: list[str]
    content: Mapping[str, Sequence[str]]
    sizes: Sequence[int]

    def galleries(self) -> list[np.ndarray]:
        """Return the rows of each gallery, the whole first."""
        return [
            np.flatnonzero(np.isin(self.windows, gallery))
            for size in (None, *self.sizes)
            for gallery in cut_galleries(self.windows, size)
        ]


def rank_directions(
    asked: Asked,
    spaces: Mapping[str, str],
    vectors: Callable[[str, str], np.ndarray],
    similarity: str,
    named: Mapping[str, str | int],
) -> Iterator[dict[str, Any]]:
    """Yield columns of the ranks table, one part a direction and gallery.

    Args:
        asked: windows and galleries.
        spaces: direction -> the space that it is ranked in.
        vectors: function of space and modality that gives (n, d) embeddings of the windows.
        similarity: cosine or euclidean.
        named: protocol, method and seed.
    """
    galleries = asked.galleries()
    for direction, space in spaces.items():
        query, gallery = direction.split("-to-")
        queries, answers = vectors(space, query), vectors(space, gallery)
        content = np.array(asked.content[gallery])
        for rows in galleries:
            n_better, n_tied = rank_matches(
                queries[rows], answers[rows], content[rows].tolist(), similarity
            )
            count = len(rows)
            yield {
                "protocol": pa.repeat(named["protocol"], count),
                "method": pa.repeat(named["method"], count),
                "seed": pa.repeat(pa.scalar(named["seed"], pa.int32()), count),
                "direction": pa.repeat(direction, count),
                "window_id": [asked.windows[row] for row in rows],
                "n_better": n_better,
                "n_tied": n_tied,
                "gallery_size": np.full(count, count, dtype=np.int32),
            }


def content_of(windows: pa.Table, ids: Sequence[str], modalities: Sequence[str]) -> dict[str, list]:
    """Return the content hashes of windows: modality -> one for each id.

    Args:
        windows: the windows table with `window_id` and `<modality>_key`.
        ids: identifiers, all present.
        modalities: audio, sheet or lyrics.
    """
    row_of = {window: row for row, window in enumerate(windows["window_id"].to_pylist())}
    rows = pa.array([row_of[window] for window in ids])
    return {modality: windows[f"{modality}_key"].take(rows).to_pylist() for modality in modalities}
