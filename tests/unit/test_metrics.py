"""Guards the metrics against a wrong treatment of ties and a wrong chance level."""

from itertools import permutations

import numpy as np
import pytest

from ugaar.evaluate.metrics import (
    chance_values,
    harmonic_numbers,
    metrics_of,
    mid_rank,
    recall_at,
    reciprocal_rank,
)

# The five queries worked by hand in test_ranks: ranks 1, {1, 2}, {2, 3}, {1, 2, 3} and 5.
N_BETTER = np.array([[0, 0, 1, 0, 4]])
N_TIED = np.array([[1, 2, 2, 3, 1]])


def test_five_items_worked_by_hand():
    found = {
        metric.name: float(metric.by_seed()[0])
        for metric in metrics_of(N_BETTER, N_TIED, 5, (1, 2, 5))
    }
    # R@1: 1 + 1/2 + 0 + 1/3 + 0 of five; R@2: 1 + 1 + 1/2 + 2/3 + 0.
    assert found["R@1"] == pytest.approx(100 * (1 + 1 / 2 + 1 / 3) / 5)
    assert found["R@2"] == pytest.approx(100 * (2 + 1 / 2 + 2 / 3) / 5)
    assert found["R@5"] == pytest.approx(100)
    # Mid-ranks 1, 1.5, 2.5, 2, 5.
    assert found["MedR"] == 2.0
    assert found["MeanR"] == pytest.approx(12 / 5)
    assert found["MedR/N"] == pytest.approx(2 / 5)
    # 1, (1 + 1/2)/2, (1/2 + 1/3)/2, (1 + 1/2 + 1/3)/3, 1/5.
    assert found["MRR"] == pytest.approx((1 + 3 / 4 + 5 / 12 + 11 / 18 + 1 / 5) / 5)


def test_ties_are_expectations_over_their_order():
    for n_better in range(4):
        for n_tied in range(1, 5):
            ranks = n_better + 1 + np.arange(n_tied)  # each as likely as the others
            better, tied = np.array([n_better]), np.array([n_tied])
            assert mid_rank(better, tied)[0] == pytest.approx(ranks.mean())
            assert reciprocal_rank(better, tied)[0] == pytest.approx((1 / ranks).mean())
            for k in range(1, 10):
                assert recall_at(better, tied, k)[0] == pytest.approx((ranks <= k).mean())


def test_perfect_ranks():
    first = np.zeros((2, 7), dtype=int)
    found = {m.name: m.by_seed() for m in metrics_of(first, first + 1, 7, (1, 10))}
    assert found["R@1"].tolist() == [100, 100]
    assert found["R@10"].tolist() == [100, 100]  # a cut-off beyond the gallery
    assert found["MedR"].tolist() == found["MRR"].tolist() == [1, 1]


def test_harmonic_numbers():
    np.testing.assert_allclose(harmonic_numbers(4), [0, 1, 3 / 2, 11 / 6, 25 / 12])


@pytest.mark.parametrize("content", ["abcde", "aabcc", "aaaab", "aaaaa"])
def test_chance_is_the_mean_over_all_orders(content):
    """Every order of the distinct contents, equal contents tied: the stated rule of chance."""
    n = len(content)
    better, tied = [], []
    for order in permutations(sorted(set(content))):
        for right in content:  # every item is asked for once
            ahead = order[: order.index(right)]
            better.append(sum(content.count(key) for key in ahead))
            tied.append(content.count(right))
    better, tied = np.array(better), np.array(tied)
    exact = chance_values(n, (1, 2, 10))
    assert exact["R@1"] == pytest.approx(100 * recall_at(better, tied, 1).mean())
    assert exact["R@2"] == pytest.approx(100 * recall_at(better, tied, 2).mean())
    assert exact["R@10"] == 100
    assert exact["MRR"] == pytest.approx(reciprocal_rank(better, tied).mean())
    assert exact["MeanR"] == pytest.approx(mid_rank(better, tied).mean())
    assert exact["MedR"] == pytest.approx(np.median(mid_rank(better, tied)))
    assert exact["MedR/N"] == pytest.approx(exact["MedR"] / n)
