"""Canonical correlation analysis in float64, with a ridge and a relative rank cut-off.

Projections come multiplied by the canonical correlations, so that the plain cosine of two
projections is the one scoring rule of the workflow: weak directions count for little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ugaar.errors import DataError

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class CanonicalCorrelation:
    """A fitted CCA of views x and y with k components.

    Attributes:
        correlations: (k,) canonical correlations, largest first; below 1 under a ridge.
        x_mean: (p,) mean of the training rows of x.
        y_mean: (q,) mean of the training rows of y.
        x_directions: (p, k) map of centred rows of x to canonical variates, not yet weighted.
        y_directions: (q, k) the same for y.
    """

    correlations: Matrix
    x_mean: Matrix
    y_mean: Matrix
    x_directions: Matrix
    y_directions: Matrix

    def project_x(self, x: NDArray) -> Matrix:
        """Return (n, k) canonical variates of x rows (n, p) times the canonical correlations."""
        return _project(x, self.x_mean, self.x_directions) * self.correlations

    def project_y(self, y: NDArray) -> Matrix:
        """Return (n, k) canonical variates of y rows (n, q) times the canonical correlations."""
        return _project(y, self.y_mean, self.y_directions) * self.correlations


def fit(
    x: NDArray, y: NDArray, ridge: float, components: int | None = None
) -> CanonicalCorrelation:
    """Fit CCA to paired rows.

    Each view is centred and whitened on its principal axes, with `ridge` times its mean variance
    added to every axis; the singular values of the whitened cross-covariance are the canonical
    correlations. Axes that are zero up to rounding are left out: kept, they would be blown up by
    the whitening, and two independent rank-deficient views would get correlation 1.

    Args:
        x: (n, p) rows of the first view, any unit.
        y: (n, q) rows of the second view; row i belongs to row i of x.
        ridge: added to the variance of every axis, relative to the mean variance of the columns
            of the view that vary; 0 is plain CCA.
        components: principal axes kept in each view at most; None keeps all.

    Returns:
        The fitted analysis, with as many components as the smaller of the two ranks.

    Raises:
        DataError: shapes do not fit, values are not finite, a view is constant, or there are
            no more rows than dimensions, where correlations of 1 say nothing.
    """
    if ridge < 0:
        raise DataError(f"CCA: ridge {ridge} is negative; give 0 or more")
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y):
        raise DataError(f"CCA: expected two matrices with paired rows, got {x.shape}, {y.shape}")
    x_mean, x_whiten = _whitening(x, ridge, components, "first")
    y_mean, y_whiten = _whitening(y, ridge, components, "second")
    whitened_x, whitened_y = (x - x_mean) @ x_whiten, (y - y_mean) @ y_whiten
    left, correlations, right = np.linalg.svd(
        whitened_x.T @ whitened_y / (len(x) - 1), full_matrices=False
    )
    # The decomposition leaves the sign of each pair of directions open; fix it.
    sign = np.sign(left[np.abs(left).argmax(axis=0), np.arange(left.shape[1])])
    return CanonicalCorrelation(
        correlations=np.clip(correlations, 0.0, 1.0),
        x_mean=x_mean,
        y_mean=y_mean,
        x_directions=x_whiten @ (left * sign),
        y_directions=y_whiten @ (right.T * sign),
    )


def unit_rows(rows: NDArray) -> Matrix:
    """Return rows (n, k) scaled to length 1; rows of zeros stay zero."""
    rows = np.asarray(rows, dtype=np.float64)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1.0)


def _project(rows: NDArray, mean: Matrix, directions: Matrix) -> Matrix:
    rows = np.asarray(rows, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(mean):
        raise DataError(f"CCA: expected rows of {len(mean)} values, got shape {rows.shape}")
    return (rows - mean) @ directions


def _whitening(
    view: Matrix, ridge: float, components: int | None, which: str
) -> tuple[Matrix, Matrix]:
    """Return the mean (d,) and the whitening map (d, rank) of a view (n, d)."""
    n, d = view.shape
    if not np.isfinite(view).all():
        row = int(np.flatnonzero(~np.isfinite(view).all(axis=1))[0])
        raise DataError(f"CCA: the {which} view has a value that is not finite, first in row {row}")
    kept = d if components is None else min(components, d)
    if n <= kept:
        raise DataError(
            f"CCA: {n} training rows are too few for the {kept} dimensions of the {which} view; "
            "use more data, or keep fewer principal components"
        )
    mean = view.mean(axis=0)
    _, singular, axes = np.linalg.svd(view - mean, full_matrices=False)
    # Rounding of the mean leaves noise in proportion to the values, not to their spread.
    noise = max(float(singular[0]), float(np.abs(mean).max()) * np.sqrt(n))
    rank = int((singular > noise * max(n, d) * np.finfo(np.float64).eps).sum())
    if rank == 0:
        raise DataError(f"CCA: all rows of the {which} view are equal; nothing can correlate")
    rank = min(rank, kept)
    variance = singular**2 / (n - 1)
    varying = int((np.ptp(view, axis=0) > 0).sum())
    mean_variance = variance.sum() / varying
    scale = 1.0 / np.sqrt(variance[:rank] + ridge * mean_variance)
    return mean, axes[:rank].T * scale
