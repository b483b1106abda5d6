"""Principal components: the linear way to shorten a shingle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PrincipalComponents:
    """Components of the training shingles, the widest first.

    Attributes:
        mean: (features,) mean of the training shingles.
        components: (features, features) one component a column.
    """

    mean: NDArray[np.float64]
    components: NDArray[np.float64]

    def encode(self, shingles: NDArray[np.float32], dimensions: int) -> NDArray[np.float32]:
        """Return (n, dimensions) codes of (n, ...) shingles; all components keep distances."""
        flat = shingles.reshape(len(shingles), -1) - self.mean
        return (flat @ self.components[:, :dimensions]).astype(np.float32)


def fit(shingles: NDArray[np.float32]) -> PrincipalComponents:
    """Fit the components to (n, ...) shingles."""
    flat = shingles.reshape(len(shingles), -1).astype(np.float64)
    mean = flat.mean(axis=0)
    flat -= mean
    _, components = np.linalg.eigh(flat.T @ flat / len(flat))
    return PrincipalComponents(mean, components[:, ::-1])
