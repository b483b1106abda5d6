"""Methods without a network: CCA of each pair of modalities, and random embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ugaar.align import cca
from ugaar.train.dataset import MODALITY_PAIRS, Features
from ugaar.train.history import HistoryRow
from ugaar.train.validation import mean_reciprocal_ranks


@dataclass(frozen=True)
class FittedPair:
    """The CCA of two modalities with the ridge that was best on the validation fold."""

    modalities: tuple[str, str]
    ridge: float
    analysis: cca.CanonicalCorrelation

    @property
    def space(self) -> str:
        """Name of the space that the two modalities share."""
        return "-".join(self.modalities)

    def project(self, modality: str, rows: NDArray) -> NDArray[np.float64]:
        """Return weighted projections (n, k) of rows (n, d) of one of the two modalities."""
        first = modality == self.modalities[0]
        return (self.analysis.project_x if first else self.analysis.project_y)(rows)


def fit_cca_pairs(
    train: Features, valid: Features, ridges: Sequence[float], components: int | None
) -> tuple[list[FittedPair], list[HistoryRow]]:
    """Fit one CCA for each pair of modalities on the training fold.

    Args:
        train: training fold.
        valid: validation fold, on which the ridge is chosen by mean MRR of both directions.
        ridges: relative ridges to try; the first of equally good ones is kept.
        components: principal components kept in each view; None keeps all.

    Returns:
        The fitted pairs, and the validation MRR of each ridge (epoch = its number, from 1).
    """
    axes = {m: cca.principal_axes(rows, components) for m, rows in train.vectors.items()}
    fitted, history = [], []
    for first, second in MODALITY_PAIRS:
        pair, scores = fit_best_ridge((first, second), axes, valid, ridges)
        fitted.append(pair)
        for number, (ridge, score) in enumerate(zip(ridges, scores, strict=True), start=1):
            history.append((f"cca {pair.space}", number, "ridge", float(ridge)))
            history.append((f"cca {pair.space}", number, "valid MRR mean", score))
    return fitted, history


def fit_best_ridge(
    modalities: tuple[str, str],
    axes: Mapping[str, cca.PrincipalAxes],
    valid: Features,
    ridges: Sequence[float],
) -> tuple[FittedPair, list[float]]:
    """Fit one pair with each ridge; keep the best.

    Args:
        modalities: the pair.
        axes: modality -> its decomposed training features.
        valid: validation fold; the measure is the mean MRR of both directions.
        ridges: relative ridges to try; the first of equally good ones is kept.

    Returns:
        The pair fitted with the best ridge, and the measure for each ridge.
    """
    first, second = modalities
    tried = [
        FittedPair(modalities, ridge, cca.fit_axes(axes[first], axes[second], ridge))
        for ridge in ridges
    ]
    scores = []
    for pair in tried:
        space = {m: pair.project(m, valid.vectors[m]) for m in modalities}
        found = mean_reciprocal_ranks([space], valid.content, "cosine")
        scores.append(sum(found.values()) / len(found))
    return tried[int(np.argmax(scores))], scores


def random_points(
    content: Mapping[str, NDArray[np.intp]], dimensions: int, seed: int
) -> dict[str, NDArray[np.float32]]:
    """Draw a normally distributed point for each different content, modality by modality.

    Args:
        content: modality -> (n,) content numbers.
        dimensions: of the points.
        seed: training seed.

    Returns:
        Modality -> (n, dimensions); items of equal content share a point, as they would under
        any encoder.
    """
    points = {}
    for index, (modality, numbers) in enumerate(content.items()):
        _, place = np.unique(numbers, return_inverse=True)
        chance = np.random.default_rng([seed, index])
        drawn = chance.standard_normal((int(place.max()) + 1, dimensions), dtype=np.float32)
        points[modality] = drawn[place]
    return points
