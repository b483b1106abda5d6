"""Normalising of input features with statistics of the training fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Normaliser:
    """A shift and a scale for each column of each modality.

    Attributes:
        mean: modality -> (d,) float64.
        scale: modality -> (d,) float64, multiplied after the mean is taken off; 0 for a column
            that is constant on the training fold, which can teach nothing.
    """

    mean: dict[str, NDArray[np.float64]]
    scale: dict[str, NDArray[np.float64]]

    @classmethod
    def fit(cls, vectors: Mapping[str, NDArray], kind: str) -> Normaliser:
        """Take the statistics of training rows.

        Args:
            vectors: modality -> (n, d) features of the training fold.
            kind: centre (means off, one scale for all columns of a modality, so that columns
                that hardly vary stay small), zscore (a scale for each column), or none (the
                literal reading of the paper: no change).
        """
        mean, scale = {}, {}
        for modality, rows in vectors.items():
            wide = rows.astype(np.float64)
            if kind == "none":
                mean[modality], scale[modality] = np.zeros(wide.shape[1]), np.ones(wide.shape[1])
                continue
            mean[modality] = wide.mean(axis=0)
            spread = wide.std(axis=0)
            # Rounding gives a constant column a spread of about its size times 1e-16.
            varies = spread > 1e-9 * np.abs(wide).max(axis=0)
            if kind == "centre":
                spread = np.full_like(spread, np.sqrt(np.square(spread).mean()))
            scale[modality] = np.where(varies, 1.0 / np.where(varies, spread, 1.0), 0.0)
        return cls(mean, scale)

    def apply(self, modality: str, rows: NDArray) -> NDArray[np.float32]:
        """Return normalised (n, d) rows of one modality."""
        return ((rows - self.mean[modality]) * self.scale[modality]).astype(np.float32)
