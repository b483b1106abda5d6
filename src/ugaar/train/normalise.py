"""Normalising of input features with statistics of the training fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_COLUMNS_AT_A_TIME, _ROWS_AT_A_TIME = 32, 4096
"""What is held in float64 at a time."""


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
            size = rows.shape[1]
            if kind == "none":
                mean[modality], scale[modality] = np.zeros(size), np.ones(size)
                continue
            mean[modality], spread, largest = np.empty(size), np.empty(size), np.empty(size)
            for start in range(0, size, _COLUMNS_AT_A_TIME):
                part = slice(start, start + _COLUMNS_AT_A_TIME)
                wide = rows[:, part].astype(np.float64)
                mean[modality][part] = wide.mean(axis=0)
                spread[part] = wide.std(axis=0)
                largest[part] = np.abs(wide).max(axis=0)
            # Rounding gives a constant column a spread of about its size times 1e-16.
            varies = spread > 1e-9 * largest
            if kind == "centre":
                spread = np.full_like(spread, np.sqrt(np.square(spread).mean()))
            scale[modality] = np.where(varies, 1.0 / np.where(varies, spread, 1.0), 0.0)
        return cls(mean, scale)

    def apply(self, modality: str, rows: NDArray) -> NDArray[np.float32]:
        """Return normalised (n, d) rows of one modality."""
        found = np.empty(rows.shape, dtype=np.float32)
        for start in range(0, len(rows), _ROWS_AT_A_TIME):
            part = slice(start, start + _ROWS_AT_A_TIME)
            found[part] = (rows[part] - self.mean[modality]) * self.scale[modality]
        return found
