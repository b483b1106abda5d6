"""CCA: agreement with statsmodels, known answers, invariances, and views that break naive code."""

import numpy as np
import pytest
from statsmodels.multivariate.cancorr import CanCorr

from ugaar.align import cca
from ugaar.errors import DataError


@pytest.fixture
def correlated_views():
    chance = np.random.default_rng(1)
    shared = chance.normal(size=(400, 3))
    x = shared @ chance.normal(size=(3, 8)) + chance.normal(size=(400, 8))
    y = shared @ chance.normal(size=(3, 6)) + chance.normal(size=(400, 6))
    return x, y


def test_agrees_with_statsmodels(correlated_views):
    x, y = correlated_views
    np.testing.assert_allclose(
        cca.fit(x, y, ridge=0.0).correlations, CanCorr(y, x).cancorr, atol=1e-10
    )


def test_hand_worked_case():
    # x = (1, 1, -1, -1), y = (1, 0, 0, -1): covariance 2/3, variances 4/3 and 2/3.
    x, y = np.array([[1.0], [1], [-1], [-1]]), np.array([[1.0], [0], [0], [-1]])
    fitted = cca.fit(x, y, ridge=0.0)
    assert fitted.correlations == pytest.approx([(2 / 3) / np.sqrt(4 / 3 * 2 / 3)])
    # Variates have unit variance; projections are these times the correlation.
    expected = x[:, 0] / np.sqrt(4 / 3) * fitted.correlations[0]
    np.testing.assert_allclose(np.abs(fitted.project_x(x)[:, 0]), np.abs(expected))


def test_ridge_divides_by_variance_plus_ridge():
    x, y = np.array([[1.0], [1], [-1], [-1]]), np.array([[1.0], [0], [0], [-1]])
    # Both variances grow by the factor 1 + ridge, and so does their geometric mean.
    plain, damped = cca.fit(x, y, 0.0).correlations[0], cca.fit(x, y, 0.25).correlations[0]
    assert damped == pytest.approx(plain / 1.25)


def test_variates_are_uncorrelated_with_unit_variance(correlated_views):
    x, y = correlated_views
    fitted = cca.fit(x, y, ridge=0.0)
    u, v = (x - x.mean(0)) @ fitted.x_directions, (y - y.mean(0)) @ fitted.y_directions
    n = len(x) - 1
    np.testing.assert_allclose(u.T @ u / n, np.eye(6), atol=1e-9)
    np.testing.assert_allclose(v.T @ v / n, np.eye(6), atol=1e-9)
    np.testing.assert_allclose(u.T @ v / n, np.diag(fitted.correlations), atol=1e-9)


def test_projections_are_weighted_by_the_correlations(correlated_views):
    x, y = correlated_views
    fitted = cca.fit(x, y, ridge=0.01)
    plain = (x - x.mean(0)) @ fitted.x_directions
    np.testing.assert_allclose(fitted.project_x(x), plain * fitted.correlations)
    assert fitted.project_y(y).shape == (400, 6)


def test_invariant_to_affine_maps_and_row_order(correlated_views):
    x, y = correlated_views
    chance = np.random.default_rng(2)
    mapped = x @ chance.normal(size=(8, 8)) * 1e3 + 7
    order = chance.permutation(len(x))
    expected = cca.fit(x, y, 0.0).correlations
    np.testing.assert_allclose(cca.fit(mapped, y, 0.0).correlations, expected, atol=1e-9)
    np.testing.assert_allclose(cca.fit(x[order], y[order], 0.0).correlations, expected, atol=1e-9)


def test_ridge_is_relative_to_the_scale(correlated_views):
    x, y = correlated_views
    np.testing.assert_allclose(
        cca.fit(x * 1e4, y * 1e-3, 0.1).correlations, cca.fit(x, y, 0.1).correlations
    )


@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_constant_column_changes_nothing(correlated_views, ridge):
    x, y = correlated_views
    padded = np.column_stack([x, np.full(len(x), 1e6 / 3)])
    found, expected = cca.fit(padded, y, ridge), cca.fit(x, y, ridge)
    np.testing.assert_allclose(found.correlations, expected.correlations, atol=1e-8)
    np.testing.assert_allclose(
        np.abs(found.project_x(padded)), np.abs(expected.project_x(x)), atol=1e-6
    )


def test_independent_rank_deficient_views_do_not_correlate_perfectly():
    tops = []
    for seed in range(20):
        chance = np.random.default_rng(seed)
        views = [chance.normal(size=(60, 3)) @ chance.normal(size=(3, 30)) for _ in range(2)]
        fitted = cca.fit(*views, ridge=0.0)
        assert len(fitted.correlations) == 3
        tops.append(fitted.correlations[0])
    assert np.mean(tops) < 0.5


def test_principal_components_limit_the_dimensions(correlated_views):
    x, y = correlated_views
    assert len(cca.fit(x, y, 0.0, components=4).correlations) == 4
    wide = np.random.default_rng(3).normal(size=(50, 200))
    assert len(cca.fit(wide, y[:50], 0.0, components=10).correlations) == 6


def test_refitting_gives_equal_bytes(correlated_views):
    x, y = correlated_views
    first, second = cca.fit(x, y, 0.01), cca.fit(x.copy(), y.copy(), 0.01)
    assert first.x_directions.tobytes() == second.x_directions.tobytes()


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.ones((5, 8)), np.ones((5, 2)), "too few"),
        (np.random.default_rng(0).normal(size=(9, 2)), np.ones((9, 2)), "all rows"),
        (np.full((9, 2), np.nan), np.ones((9, 2)), "not finite, first in row 0"),
        (np.arange(18.0).reshape(9, 2), np.arange(16.0).reshape(8, 2), "pair up"),
        (np.arange(9.0), np.arange(9.0), "expected a matrix"),
    ],
)
def test_bad_input_is_named(x, y, message):
    with pytest.raises(DataError, match=message):
        cca.fit(x, y, 0.01)


def test_negative_ridge_and_wrong_width_are_errors(correlated_views):
    x, y = correlated_views
    with pytest.raises(DataError, match="negative"):
        cca.fit(x, y, -1.0)
    with pytest.raises(DataError, match="rows of 8 values"):
        cca.fit(x, y, 0.0).project_x(y)


def test_unit_rows_leaves_zero_rows():
    np.testing.assert_allclose(cca.unit_rows(np.array([[3.0, 4], [0, 0]])), [[0.6, 0.8], [0, 0]])
