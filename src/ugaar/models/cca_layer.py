"""Canonical correlation analysis as a layer of a network (Dorfer et al., IJMIR 2018).

In training, each batch is centred and projected onto its own canonical directions, and gradients
flow through the projections. In evaluation, stored means and projections are used.

The canonical directions are U = S11^-1/2 E and V = S22^-1/2 F, with T = S11^-1/2 S12 S22^-1/2 =
E diag(d) F'. The derivative of the singular vectors E and F has poles wherever two canonical
correlations are equal, but what the layer feeds, cosine similarity, sees only E F', the orthogonal
polar factor P of T. So the layer differentiates U = S11^-1/2 P F and V = S22^-1/2 F with F held
fixed: the values are those of the textbook formula, the gradient of every function of inner
products is the same, and the poles are gone.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

RIDGE = 1e-3
"""Added to the diagonal of both covariances (paper and released model: 1e-3, absolute)."""

_LEAST_GAP = 1e-3
"""Lower bound on sums of singular values in the polar factor's gradient: the role of the paper's
r_T, which adds 1e-3 to the diagonal of TT' and T'T."""


class _InverseSqrt(torch.autograd.Function):
    """S^-1/2 of a symmetric positive definite matrix, differentiable at repeated eigenvalues."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:  # noqa: ANN401
        values, vectors = torch.linalg.eigh(matrix)
        roots = values.clamp_min(torch.finfo(matrix.dtype).tiny).sqrt()
        ctx.save_for_backward(roots, vectors)
        return (vectors / roots) @ vectors.T

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ANN401
        roots, vectors = ctx.saved_tensors
        # Divided differences of 1/sqrt: finite also where two eigenvalues are equal.
        weights = -1.0 / (roots[:, None] * roots * (roots[:, None] + roots))
        inner = vectors.T @ (gradients[0] + gradients[0].T) @ vectors / 2.0
        return vectors @ (weights * inner) @ vectors.T


class _PolarFactor(torch.autograd.Function):
    """The orthogonal polar factor E F' of a square matrix E diag(d) F'."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, values: Tensor, right: Tensor, _: Tensor) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(left, values, right)
        return left @ right.T

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, None, Tensor]:  # noqa: ANN401
        left, values, right = ctx.saved_tensors
        inner = left.T @ gradients[0] @ right
        sums = (values[:, None] + values).clamp_min(_LEAST_GAP)
        return None, None, None, left @ ((inner - inner.T) / sums) @ right.T


def whitened_covariance(
    first: Tensor, second: Tensor, ridge: float = RIDGE
) -> tuple[Tensor, Tensor, Tensor]:
    """Return S11^-1/2, S22^-1/2 and T = S11^-1/2 S12 S22^-1/2 of two centred views.

    Args:
        first: centred codes of the first view, shape (n, d), n > 1.
        second: centred codes of the second view, the same shape.
        ridge: added to the diagonal of both covariances.

    Returns:
        Three (d, d) matrices, differentiable.

    Raises:
        ValueError: fewer than two pairs, or shapes differ.
        ArithmeticError: codes are not finite.
    """
    if first.shape != second.shape or first.ndim != 2 or len(first) < 2:
        raise ValueError(
            "CCA needs at least two pairs of codes of one length, found shapes "
            f"{tuple(first.shape)} and {tuple(second.shape)}"
        )
    scale = 1.0 / (len(first) - 1)
    diagonal = ridge * torch.eye(first.shape[1], dtype=first.dtype, device=first.device)
    if not (torch.isfinite(first).all() and torch.isfinite(second).all()):
        raise ArithmeticError("CCA of codes that are not finite")
    first_root = _InverseSqrt.apply(first.T @ first * scale + diagonal)
    second_root = _InverseSqrt.apply(second.T @ second * scale + diagonal)
    return first_root, second_root, first_root @ (first.T @ second * scale) @ second_root


def canonical_projections(
    first: Tensor, second: Tensor, ridge: float = RIDGE
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the canonical directions of two centred views and their correlations.

    Args:
        first: centred codes of the first view, shape (n, d), n > 1.
        second: centred codes of the second view, the same shape.
        ridge: added to the diagonal of both covariances.

    Returns:
        U (d, d) and V (d, d), columns in order of falling correlation, and the correlations (d,).

    Raises:
        ValueError: fewer than two pairs, or shapes differ.
        ArithmeticError: codes are not finite.
    """
    first_root, second_root, whitened = whitened_covariance(first, second, ridge)
    left, values, right = torch.linalg.svd(whitened.detach())
    right = right.T
    polar = _PolarFactor.apply(left, values, right, whitened)
    return first_root @ polar @ right, second_root @ right, values


class CCALayer(nn.Module):
    """Projects the codes of two views onto their canonical directions.

    Args:
        dimensions: length d of the codes of both views.
        ridge: added to the diagonal of both covariances.
    """

    first_mean: Tensor
    second_mean: Tensor
    first_projection: Tensor
    second_projection: Tensor
    correlations: Tensor

    def __init__(self, dimensions: int, ridge: float = RIDGE) -> None:
        super().__init__()
        self.ridge = ridge
        self.register_buffer("first_mean", torch.zeros(dimensions))
        self.register_buffer("second_mean", torch.zeros(dimensions))
        self.register_buffer("first_projection", torch.eye(dimensions))
        self.register_buffer("second_projection", torch.eye(dimensions))
        self.register_buffer("correlations", torch.ones(dimensions))

    def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Project a batch of pairs; in training, on the batch's own canonical directions.

        Args:
            first: codes of the first view, shape (n, d).
            second: codes of the second view, shape (n, d).

        Returns:
            The projected codes of both views, shape (n, d) each.
        """
        if not self.training:
            return self.project_first(first), self.project_second(second)
        first_mean, second_mean = first.mean(dim=0), second.mean(dim=0)
        first, second = first - first_mean, second - second_mean
        projections = canonical_projections(first, second, self.ridge)
        self._store(first_mean, second_mean, *projections)
        return first @ projections[0], second @ projections[1]

    def project_first(self, codes: Tensor) -> Tensor:
        """Project codes (n, d) of the first view with the stored mean and directions."""
        return (codes - self.first_mean) @ self.first_projection

    def project_second(self, codes: Tensor) -> Tensor:
        """Project codes (n, d) of the second view with the stored mean and directions."""
        return (codes - self.second_mean) @ self.second_projection

    @torch.no_grad()
    def refit(self, first: Tensor, second: Tensor) -> None:
        """Store means and directions of many training codes, computed in float64.

        A batch of 100 gives a noisy estimate; the released models were refitted on 25,000 pairs.

        Args:
            first: codes of the first view, shape (n, d).
            second: codes of the second view, shape (n, d).
        """
        first, second = first.double(), second.double()
        first_mean, second_mean = first.mean(dim=0), second.mean(dim=0)
        self._store(
            first_mean,
            second_mean,
            *canonical_projections(first - first_mean, second - second_mean, self.ridge),
        )

    @torch.no_grad()
    def _store(self, *values: Tensor) -> None:
        for name, value in zip(
            ("first_mean", "second_mean", "first_projection", "second_projection", "correlations"),
            values,
            strict=True,
        ):
            getattr(self, name).copy_(value)
