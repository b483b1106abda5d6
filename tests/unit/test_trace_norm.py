"""The DCCA objective against finite differences, the published gradient and linear CCA."""

import numpy as np
import pytest
import torch
from test_cca_layer import related

from ugaar.align import cca
from ugaar.models.cca_layer import CCALayer
from ugaar.models.trace_norm import trace_norm

RIDGE = 1e-3


def test_gradients_agree_with_finite_differences():
    views = [view.requires_grad_() for view in related(14, 4)]
    assert torch.autograd.gradcheck(trace_norm, views)


def test_the_gradient_is_the_published_one():
    # Andrew et al. (ICML 2013): with T = U D V', d corr / dX = (2 D11 X + D12 Y) / (N - 1), where
    # D12 = S11^-1/2 U V' S22^-1/2 and D11 = -1/2 S11^-1/2 U D U' S11^-1/2. X is centred.
    first, second = related(40, 5)
    first.requires_grad_()
    (found,) = torch.autograd.grad(trace_norm(first, second, RIDGE), first)

    x, y = (view.detach().numpy() - view.detach().numpy().mean(0) for view in (first, second))
    n = len(x)

    def inverse_root(view):
        values, vectors = np.linalg.eigh(view.T @ view / (n - 1) + RIDGE * np.eye(5))
        return vectors @ np.diag(values**-0.5) @ vectors.T

    x_root, y_root = inverse_root(x), inverse_root(y)
    left, values, right = np.linalg.svd(x_root @ (x.T @ y / (n - 1)) @ y_root)
    d12 = x_root @ left @ right @ y_root
    d11 = -0.5 * x_root @ left @ np.diag(values) @ left.T @ x_root
    expected = (2 * x @ d11 + y @ d12.T) / (n - 1)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-10)


def test_the_value_is_the_sum_of_the_correlations_of_linear_cca():
    first, second = related(300, 6, noise=1.0)
    expected = cca.fit(first.numpy(), second.numpy(), ridge=0.0).correlations.sum()
    assert trace_norm(first, second, 1e-12).item() == pytest.approx(expected, rel=1e-8)
    layer = CCALayer(6, RIDGE).double()
    layer.refit(first, second)
    ridged = trace_norm(first, second, RIDGE).item()
    assert ridged == pytest.approx(layer.correlations.sum().item(), rel=1e-9)


def test_linear_networks_trained_on_it_reach_linear_cca():
    # Two of six dimensions are kept: the optimum is the sum of the two largest correlations.
    first, second = related(200, 6, noise=2.0, seed=3)
    expected = cca.fit(first.numpy(), second.numpy(), ridge=0.0).correlations
    generator = torch.Generator().manual_seed(0)
    weights = [
        torch.randn(6, 2, generator=generator, dtype=torch.float64).requires_grad_()
        for _ in range(2)
    ]
    optimiser = torch.optim.LBFGS(weights, max_iter=300, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = -trace_norm(first @ weights[0], second @ weights[1], 1e-9)
        loss.backward()
        return loss

    start = -closure().item()
    optimiser.step(closure)
    reached = -closure().item()
    assert reached == pytest.approx(expected[:2].sum(), rel=1e-5)
    assert start < 0.9 * reached


def test_it_does_not_see_linear_maps_of_a_view():
    first, second = related(80, 4)
    mixed = first @ related(4, 4, seed=5)[0] + 3.0
    assert trace_norm(mixed, second, 1e-12).item() == pytest.approx(
        trace_norm(first, second, 1e-12).item(), rel=1e-8
    )


def test_equal_views_reach_the_bound_and_have_a_finite_gradient():
    first, _ = related(60, 5)
    first.requires_grad_()
    value = trace_norm(first, first.detach(), 1e-9)
    value.backward()  # all correlations are equal: poles of the gradient of singular vectors
    assert value.item() == pytest.approx(5.0, rel=1e-6)
    assert torch.isfinite(first.grad).all()


@pytest.mark.parametrize("case", ["fewer pairs than dimensions", "constant column", "silence"])
def test_degenerate_batches_give_finite_values_and_gradients(case):
    first, second = (view.float() for view in related(40, 8))
    if case == "fewer pairs than dimensions":
        first, second = first[:5], second[:5]
    elif case == "constant column":
        first[:, 3], second[:, 2] = 1.0, 0.0
    else:
        second = torch.full_like(second, 0.25)
    first, second = first.requires_grad_(), second.requires_grad_()
    value = trace_norm(first, second)
    value.backward()
    assert 0.0 <= value.item() <= min(8, len(first) - 1) + 1e-4
    assert torch.isfinite(first.grad).all()
    assert torch.isfinite(second.grad).all()


def test_what_is_no_number_is_named():
    first, second = related(10, 3)
    first[2, 1] = float("nan")
    with pytest.raises(ArithmeticError, match="not finite"):
        trace_norm(first, second)
