"""CCA-KNN ground truth: which pairs of audio and sheet count as a match for a training window.

UGAAR, section 3.4: "top five" neighbours in the CCA space of audio and sheet become new pairs.
The paper leaves open in which view neighbours are sought and whether an item is its own
neighbour. Here: in the joint code (u + v) / 2 of both views, itself included (position 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ugaar.align import cca
from ugaar.align.content import content_numbers
from ugaar.align.nearest import nearest_neighbours
from ugaar.errors import DataError


@dataclass(frozen=True)
class GroundTruth:
    """Neighbours of n training items.

    Attributes:
        rows: (n, k) rows of the neighbours, nearest first; column 0 is the item itself.
        distances: (n, k) Euclidean distances of the unit-length joint codes, 0 to 2.
    """

    rows: NDArray[np.intp]
    distances: NDArray[np.float64]


def find_ground_truth(
    audio: NDArray,
    sheet: NDArray,
    top_k: int,
    analysis: cca.CanonicalCorrelation,
    exclude_duplicates: bool,
) -> GroundTruth:
    """Find the nearest neighbours of each training item in the CCA space.

    Args:
        audio: (n, p) mean audio features of the training fold.
        sheet: (n, q) mean sheet features; row i belongs to row i of audio.
        top_k: neighbours of each item, itself included (paper: 5).
        analysis: the CCA of these features.
        exclude_duplicates: leave out items whose audio and sheet equal those of a neighbour
            already counted; otherwise five copies of one melody could be the five neighbours.

    Returns:
        The neighbours with their distances.

    Raises:
        DataError: the fold is too small for `top_k`.
    """
    joint = cca.unit_rows(analysis.project_x(audio) + analysis.project_y(sheet))
    content = content_numbers(audio, sheet) if exclude_duplicates else np.arange(len(audio))
    # Rows of a matrix product can differ in the last bit: give equal content one code.
    _, first, place = np.unique(
        content_numbers(audio, sheet), return_index=True, return_inverse=True
    )
    available = len(np.unique(content))
    if top_k > available:
        raise DataError(
            f"ground_truth.top_k is {top_k}, but the training fold holds only {available} "
            "different windows; lower it or use more data"
        )
    rows, distances = nearest_neighbours(joint[first][place], top_k, distinct=content)
    return GroundTruth(rows, distances)
