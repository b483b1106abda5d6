"""Canonical correlation analysis in float64, with a ridge and a relative rank cut-off.

Projections come multiplied by the canonical correlations, so that the plain cosine of two
projections is the one scoring rule of the workflow: weak directions count for little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
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


@dataclass(frozen=True)
class PrincipalAxes:
    """One centred view on its principal axes, to be paired with others and ridges at little cost.

    Attributes:
        mean: (d,) mean of the rows.
        scores: (n, r) unit-length left singular vectors.
        singular: (r,) singular values, largest first.
        axes: (r, d) unit-length right singular vectors.
        mean_variance: mean variance of the columns that vary.
    """

    mean: Matrix
    scores: Matrix
    singular: Matrix
    axes: Matrix
    mean_variance: float


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
    return fit_axes(principal_axes(x, components), principal_axes(y, components), ridge)


def principal_axes(view: NDArray, components: int | None = None) -> PrincipalAxes:
    """Decompose one view (n, d); arguments and errors as in `fit`."""
    view = np.asarray(view)
    if view.ndim != 2:
        raise DataError(f"CCA: expected a matrix, got shape {view.shape}")
    n, d = view.shape
    if not np.isfinite(view).all():
        row = int(np.flatnonzero(~np.isfinite(view).all(axis=1))[0])
        raise DataError(f"CCA: a feature is not finite, first in row {row}")
    kept = d if components is None else min(components, d)
    if n <= kept:
        raise DataError(
            f"CCA: {n} training rows are too few for {kept} dimensions; use more data, or keep "
            "fewer principal components (cca.components, ground_truth.components)"
        )
    mean = view.mean(axis=0, dtype=np.float64)
    # In the order and place that LAPACK works in: of a large view, two copies instead of six.
    centred = np.array(view, dtype=np.float64, order="F")
    centred -= mean
    scores, singular, axes = scipy.linalg.svd(
        centred, full_matrices=False, overwrite_a=True, check_finite=False
    )
    # Rounding of the mean leaves noise in proportion to the values, not to their spread.
    largest = max(float(singular[0]), float(np.abs(mean).max()) * np.sqrt(n))
    rank = int((singular > largest * max(n, d) * np.finfo(np.float64).eps).sum())
    if rank == 0:
        raise DataError("CCA: all rows of a view are equal; nothing can correlate with it")
    rank = min(rank, kept)
    return PrincipalAxes(
        mean=mean,
        scores=scores[:, :rank],
        singular=singular[:rank],
        axes=axes[:rank],
        mean_variance=float(np.square(singular).sum()) / (n - 1) / int((np.ptp(view, 0) > 0).sum()),
    )


def fit_axes(x: PrincipalAxes, y: PrincipalAxes, ridge: float) -> CanonicalCorrelation:
    """Fit CCA to two decomposed views; see `fit`."""
    n = len(x.scores)
    if len(y.scores) != n:
        raise DataError(f"CCA: rows do not pair up: {n} in one view, {len(y.scores)} in the other")
    if ridge < 0:
        raise DataError(f"CCA: ridge {ridge} is negative; give 0 or more")
    x_scale, y_scale = (
        1.0 / np.sqrt(view.singular**2 / (n - 1) + ridge * view.mean_variance) for view in (x, y)
    )
    coherence = (x.scores * (x.singular * x_scale)).T @ (y.scores * (y.singular * y_scale))
    left, correlations, right = np.linalg.svd(coherence / (n - 1), full_matrices=False)
    # The decomposition leaves the sign of each pair of directions open; fix it.
    sign = np.sign(left[np.abs(left).argmax(axis=0), np.arange(left.shape[1])])
    return CanonicalCorrelation(
        correlations=np.clip(correlations, 0.0, 1.0),
        x_mean=x.mean,
        y_mean=y.mean,
        x_directions=(x.axes.T * x_scale) @ (left * sign),
        y_directions=(y.axes.T * y_scale) @ (right.T * sign),
    )


def unit_rows(rows: NDArray) -> Matrix:
    """Return rows (n, k) scaled to length 1; rows of zeros stay zero."""
    rows = np.asarray(rows, dtype=np.float64)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1.0)


def _project(rows: NDArray, mean: Matrix, directions: Matrix) -> Matrix:
    rows = np.asarray(rows)
    if rows.ndim != 2 or rows.shape[1] != len(mean):
        raise DataError(f"CCA: expected rows of {len(mean)} values, got shape {rows.shape}")
    return (rows - mean) @ directions
