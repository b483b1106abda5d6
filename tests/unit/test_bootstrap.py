"""Guards the intervals: reproducible, of the right width, and honest about both sources."""

import numpy as np
import pytest

from ugaar.evaluate.bootstrap import draw, interval, over_seeds, resample


def pooled(values, n_resamples=2000, median=False):
    draws = draw(n_resamples, values.shape[1], values.shape[0])
    return over_seeds(resample(values, draws.queries, median), draws.seeds)


def test_same_sizes_give_the_same_draws():
    one, other = draw(50, 20, 3), draw(50, 20, 3)
    np.testing.assert_array_equal(one.queries, other.queries)
    np.testing.assert_array_equal(one.seeds, other.seeds)
    # Queries do not depend on the number of seeds: methods stay paired by query.
    np.testing.assert_array_equal(one.queries, draw(50, 20, 1).queries)


def test_resample_worked_by_hand():
    values = np.array([[1.0, 2.0, 6.0], [0.0, 0.0, 3.0]])
    queries = np.array([[0, 0, 2], [1, 1, 1]])
    np.testing.assert_allclose(resample(values, queries, False), [[8 / 3, 1], [2, 0]])
    np.testing.assert_allclose(resample(values, queries, True), [[1, 0], [2, 0]])
    np.testing.assert_allclose(
        over_seeds(np.array([[8.0, 2.0], [4.0, 0.0]]), np.array([[0, 0], [0, 1]])), [8, 2]
    )


def test_constant_values_have_no_interval():
    assert interval(pooled(np.full((3, 40), 7.0)), 0.95) == (7.0, 7.0)


def test_width_is_that_of_theory():
    values = np.random.default_rng(0).normal(size=(1, 400))
    expected = values.std() / np.sqrt(400)
    assert pooled(values).std() == pytest.approx(expected, rel=0.06)
    low, high = interval(pooled(values), 0.95)
    assert (high - low) / 2 == pytest.approx(1.96 * expected, rel=0.1)


def test_seeds_widen_the_interval():
    same = np.tile(np.random.default_rng(1).normal(size=200), (5, 1))
    shifted = same + np.array([-1, -0.5, 0, 0.5, 1])[:, None]
    assert np.ptp(interval(pooled(shifted), 0.95)) > 2 * np.ptp(interval(pooled(same), 0.95))


def test_blocks_do_not_matter(monkeypatch):
    values = np.random.default_rng(2).normal(size=(2, 30))
    queries = draw(100, 30, 2).queries
    whole = resample(values, queries, True)
    monkeypatch.setattr("ugaar.evaluate.bootstrap._VALUES_PER_BLOCK", 90)
    np.testing.assert_array_equal(whole, resample(values, queries, True))
