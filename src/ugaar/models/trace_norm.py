"""The objective of deep CCA: the sum of the canonical correlations of a batch.

With T = Sx^-1/2 Sxy Sy^-1/2 of the batch's covariances (Andrew et al., ICML 2013; Dorfer et al.,
2016), it is the trace norm of T, the sum of its singular values.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ugaar.models.cca_layer import RIDGE, whitened_covariance


def trace_norm(first: Tensor, second: Tensor, ridge: float = RIDGE) -> Tensor:
    """Return the sum of the canonical correlations of two views, at most d.

    Its gradient needs the orthogonal polar factor of T only, so equal correlations are no poles.

    Args:
        first: codes of the first view, shape (n, d), n > 1; they are centred here.
        second: codes of the second view, the same shape.
        ridge: added to the diagonal of both covariances (1 / (n - 1)).

    Returns:
        A scalar, differentiable.

    Raises:
        ValueError: fewer than two pairs, or shapes differ.
        ArithmeticError: codes are not finite.
    """
    centred = first - first.mean(dim=0), second - second.mean(dim=0)
    return torch.linalg.svdvals(whitened_covariance(*centred, ridge)[2]).sum()
