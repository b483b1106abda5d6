"""The CCA layer against finite differences and the textbook eigenproblem."""

import numpy as np
import pytest
import scipy.linalg
import torch
from torch.nn import functional

from ugaar.models.cca_layer import CCALayer, canonical_projections, whitened_covariance


def related(n: int, d: int, noise: float = 0.5, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    cause = draw(n, d)
    return cause @ draw(d, d) + noise * draw(n, d), cause @ draw(d, d) + noise * draw(n, d)


def similarities(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    layer = CCALayer(first.shape[1]).double().train()
    first, second = layer(first, second)
    return functional.normalize(first) @ functional.normalize(second).T


def test_gradients_agree_with_finite_differences():
    views = [view.requires_grad_() for view in related(12, 3)]
    assert torch.autograd.gradcheck(similarities, views)


def test_gradient_flows_through_the_projections():
    first, second = (view.requires_grad_() for view in related(30, 4))
    loss = similarities(first, second).diagonal().sum()
    (whole,) = torch.autograd.grad(loss, first)
    layer = CCALayer(4).double().train()
    layer(first, second)
    fixed = functional.normalize((first - layer.first_mean) @ layer.first_projection)
    other = functional.normalize((second - layer.second_mean) @ layer.second_projection)
    (direct,) = torch.autograd.grad((fixed * other).sum(), first)
    assert (whole - direct).norm() > 0.1 * whole.norm()


def test_projections_are_those_of_the_generalised_eigenproblem():
    first, second = (view - view.mean(0) for view in related(200, 4))
    ridge = 1e-3
    projections = canonical_projections(first, second, ridge)
    s11, s22, s12 = (a.T @ b / 199 for a, b in ((first, first), (second, second), (first, second)))
    s11, s22 = (s + ridge * torch.eye(4, dtype=s.dtype) for s in (s11, s22))
    # Textbook: S12 S22^-1 S21 w = d^2 S11 w.
    squares, directions = scipy.linalg.eigh(s12 @ torch.linalg.solve(s22, s12.T), s11)
    np.testing.assert_allclose(projections[2] ** 2, squares[::-1], rtol=1e-9)
    cosines = np.sum(directions[:, ::-1] * (s11 @ projections[0]).numpy(), axis=0)
    np.testing.assert_allclose(np.abs(cosines), 1.0, rtol=1e-9)
    across = projections[0].T @ s12 @ projections[1]
    np.testing.assert_allclose(across, torch.diag(projections[2]), atol=1e-10)


def test_training_output_is_white_and_correlated_along_the_diagonal():
    first, second = related(500, 6)
    layer = CCALayer(6, ridge=1e-12).double().train()
    a, b = layer(first, second)
    np.testing.assert_allclose(a.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(a.T @ a / 499, np.eye(6), atol=1e-8)
    np.testing.assert_allclose(a.T @ b / 499, torch.diag(layer.correlations), atol=1e-8)
    assert (layer.correlations.diff() <= 0).all()


def test_evaluation_uses_the_stored_batch():
    first, second = related(50, 4)
    layer = CCALayer(4).double().train()
    trained = layer(first, second)
    layer.eval()
    for single, whole in zip(layer(first[:1], second[:1]), trained, strict=True):
        torch.testing.assert_close(single, whole[:1].detach())
    layer(first * 3 + 1, second)
    torch.testing.assert_close(layer.project_first(first), trained[0].detach())


def test_refit_matches_the_training_statistics_of_the_same_codes():
    first, second = related(300, 5)
    trained, refitted = CCALayer(5).double().train(), CCALayer(5).double()
    trained(first, second)
    refitted.refit(first, second)
    for name, value in trained.state_dict().items():
        torch.testing.assert_close(refitted.state_dict()[name], value)


@pytest.mark.parametrize("case", ["fewer pairs than dimensions", "constant column", "equal views"])
def test_degenerate_batches_give_finite_values_and_gradients(case):
    first, second = (view.float() for view in related(40, 8))
    if case == "fewer pairs than dimensions":
        first, second = first[:5], second[:5]
    elif case == "constant column":
        first[:, 3], second[:, 2] = 1.0, 0.0
    else:
        second = first.clone()  # all canonical correlations equal: poles of the plain formula
    first, second = first.requires_grad_(), second.requires_grad_()
    layer = CCALayer(8).train()
    a, b = layer(first, second)
    (functional.normalize(a) * functional.normalize(b)).sum().backward()
    for tensor in (a, b, first.grad, second.grad):
        assert torch.isfinite(tensor).all()
    assert first.grad.abs().max() < 1e4


def test_misuse_is_named():
    with pytest.raises(ValueError, match="at least two pairs"):
        canonical_projections(torch.zeros(1, 3), torch.zeros(1, 3))
    with pytest.raises(ValueError, match="shapes"):
        canonical_projections(torch.zeros(4, 3), torch.zeros(4, 2))


def test_gradients_of_both_projections_agree_with_finite_differences():
    # Inner products within and across views see U and V through S11^-1, S22^-1 and their polar
    # factor; a function of U alone would see the sign of its columns, which is free.
    def products(first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, ...]:
        first, second = (view - view.mean(0) for view in (first, second))
        u, v, _ = canonical_projections(first, second)
        return u @ v.T, u @ u.T, v @ v.T

    views = [view.requires_grad_() for view in related(9, 3, seed=4)]
    assert torch.autograd.gradcheck(products, views)


def test_gradients_at_a_rank_deficient_batch_agree_with_finite_differences():
    # Three pairs of four dimensions: the covariances are singular but for the ridge.
    def correlation(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return whitened_covariance(first - first.mean(0), second - second.mean(0), 0.1)[2]

    views = [view.requires_grad_() for view in related(3, 4)]
    assert torch.autograd.gradcheck(correlation, views)


def test_refit_on_many_codes_finds_what_made_them():
    # Views that share two causes: two correlations of 1 / (1 + 0.25), and noise below.
    random = torch.Generator().manual_seed(1)
    cause = torch.randn(50_000, 2, generator=random)
    views = [
        torch.cat([cause + 0.5 * torch.randn(50_000, 2, generator=random), noise], dim=1)
        for noise in (torch.randn(50_000, 4, generator=random) for _ in range(2))
    ]
    layer = CCALayer(6)
    layer.refit(views[0], views[1] * 100 - 3)
    np.testing.assert_allclose(layer.correlations[:2], 0.8, atol=0.01)
    assert layer.correlations[2:].max() < 0.03
    projected = layer.project_first(views[0])
    np.testing.assert_allclose(projected.mean(0), 0.0, atol=1e-3)
    np.testing.assert_allclose(projected.std(0), 1.0, atol=2e-3)


def test_training_stores_the_last_batch_alone():
    layer = CCALayer(4).double().train()
    layer(*related(50, 4, seed=1))
    first, second = related(50, 4, seed=2)
    layer(first, second)
    # Paper: alpha = 1, the statistics of the current batch and no running mean.
    torch.testing.assert_close(layer.first_mean, first.mean(0))
    torch.testing.assert_close(layer.second_mean, second.mean(0))
