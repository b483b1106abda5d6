"""Equations of UGAAR: fixed points of phi and D, probabilities, gradients, draws."""

import itertools
import math

import pytest
import torch

from ugaar.models.generator import (
    draw_pairs,
    pair_log_probabilities,
    policy_gradient_loss,
    reward_of,
    split_pairs,
)
from ugaar.models.losses import (
    pair_point,
    probability_of_truth,
    ranking_hinges,
    relevance,
    squared_distances,
    transfer_divergence,
)
from ugaar.models.projection import Projection


@pytest.fixture
def chance():
    return torch.Generator().manual_seed(0)


def points_of(chance, *shape):
    return torch.randn(*shape, generator=chance, dtype=torch.float64)


def test_relevance_of_the_truth_is_the_margin_and_d_is_a_constant(chance):
    query, truth = points_of(chance, 9, 4), points_of(chance, 9, 4)
    phi = relevance(query, truth, truth, margin=1.0)
    torch.testing.assert_close(phi, torch.ones(9, dtype=torch.float64))
    assert probability_of_truth(phi)[0].item() == pytest.approx(0.7311, abs=5e-5)


def test_relevance_by_hand():
    query, truth = torch.tensor([0.0]), torch.tensor([1.0])
    drawn = torch.tensor([[0.5], [1.0], [1.2], [3.0]])
    # 1 + 1 - d^2, never below 0: nearer than the truth is more relevant.
    assert relevance(query, truth, drawn, 1.0).tolist() == pytest.approx([1.75, 1, 0.56, 0])


def test_reward_lies_between_a_half_and_one():
    phi = torch.linspace(0, 12, 50)
    sigmoid = reward_of(phi, "sigmoid")
    assert sigmoid[0] == 0.5
    assert bool(((sigmoid >= 0.5) & (sigmoid < 1)).all())
    torch.testing.assert_close(reward_of(phi, "softplus"), torch.log1p(phi.exp()))


@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_probabilities_equal_the_equation_written_out(chance, temperature):
    lyrics, audio, sheet = (points_of(chance, n, 6) for n in (3, 5, 5))
    found = pair_log_probabilities(lyrics, audio, sheet, temperature, "cross").exp()
    torch.testing.assert_close(found.sum(1), torch.ones(3, dtype=torch.float64))
    pairs = list(itertools.product(range(5), range(5)))
    weight = torch.tensor(
        [
            [
                math.exp(-float((z - (audio[j] + sheet[k]) / 2).square().sum()) / temperature)
                for j, k in pairs
            ]
            for z in lyrics
        ],
        dtype=torch.float64,
    )
    torch.testing.assert_close(found, weight / weight.sum(1, keepdim=True))
    columns = torch.arange(25)
    assert torch.stack(split_pairs(columns, 5, "cross")).T.tolist() == [list(p) for p in pairs]


def test_paired_candidates_are_the_diagonal_of_cross_ones(chance):
    lyrics, audio, sheet = (points_of(chance, 4, 6) for _ in range(3))
    cross = pair_log_probabilities(lyrics, audio, sheet, 1.0, "cross").reshape(4, 4, 4)
    diagonal = cross.diagonal(dim1=1, dim2=2)
    paired = pair_log_probabilities(lyrics, audio, sheet, 1.0, "paired")
    torch.testing.assert_close(paired, diagonal - diagonal.logsumexp(1, keepdim=True))


@pytest.mark.parametrize("candidates", ["cross", "paired"])
def test_large_distances_stay_finite(candidates):
    far = torch.full((2, 128), 50.0)
    found = pair_log_probabilities(-far, far, far + torch.eye(2, 128), 0.01, candidates)
    assert bool(torch.isfinite(found).all())


@pytest.mark.parametrize("reward_baseline", [False, True])
def test_policy_gradient_is_that_of_the_expected_reward(chance, reward_baseline):
    logits = points_of(chance, 1, 4).requires_grad_()
    reward = torch.tensor([0.5, 0.9, 0.6, 0.7], dtype=torch.float64)
    (logits.softmax(1) @ reward).sum().neg().backward()
    exact = logits.grad.clone()
    # Expectation over all outcomes of two draws, each weighted by its probability.
    estimate = torch.zeros_like(exact)
    for pair in itertools.product(range(4), repeat=2):
        logits.grad = None
        columns = torch.tensor([pair])
        log_p = logits.log_softmax(1)
        policy_gradient_loss(log_p, columns, reward[columns], reward_baseline).backward()
        estimate += log_p.detach().exp()[0, list(pair)].prod() * logits.grad
    torch.testing.assert_close(estimate, exact)


def test_reward_gets_no_gradient(chance):
    log_p = points_of(chance, 2, 3).log_softmax(1).requires_grad_()
    reward = torch.ones(2, 1, dtype=torch.float64, requires_grad=True)
    policy_gradient_loss(log_p, torch.zeros(2, 1, dtype=torch.long), reward, False).backward()
    assert reward.grad is None


def test_draws_follow_the_probabilities_and_skip_what_is_marked(chance):
    log_p = torch.tensor([[0.1, 0.2, 0.7]]).log().repeat(4000, 1)
    counts = torch.bincount(draw_pairs(log_p, 2, chance).flatten(), minlength=3) / 8000
    torch.testing.assert_close(counts, torch.tensor([0.1, 0.2, 0.7]), atol=0.02, rtol=0)
    # What is left beside a marked certainty is far below the smallest float32.
    marked = torch.tensor([[-torch.inf, -400.0, -900.0]])
    assert draw_pairs(marked, 5, chance).unique().tolist() == [1]


def test_transfer_divergence_by_hand_and_its_gradients():
    lyrics = torch.tensor([[math.log(0.75), math.log(0.25)]], requires_grad=True)
    audio = torch.tensor([[math.log(0.5), math.log(0.5)]], requires_grad=True)
    found = transfer_divergence(lyrics, audio, teacher_gradient=False)
    assert found.item() == pytest.approx(0.75 * math.log(1.5) + 0.25 * math.log(0.5))
    found.backward()
    assert lyrics.grad is None
    assert audio.grad.tolist()[0] == pytest.approx([-0.25, 0.25])
    transfer_divergence(lyrics, audio, teacher_gradient=True).backward()
    assert lyrics.grad.abs().sum() > 0.1
    assert transfer_divergence(audio, audio, False).item() == 0.0


def hinges_of(points, wrong, negatives, chance=None):
    pair = ("audio", "sheet")
    return ranking_hinges(points, (pair,), {pair: wrong}, 1.0, 1.0, negatives, chance).item()


@pytest.mark.parametrize(("negatives", "expected"), [("all", 3.75 / 6), ("hardest", 3.75 / 3)])
def test_hinges_by_hand(negatives, expected):
    points = {"audio": torch.tensor([[0.0], [2], [4]]), "sheet": torch.tensor([[0.0], [0.5], [4]])}
    assert squared_distances(points["audio"], points["sheet"]).tolist() == [
        [0, 0.25, 16],  # query audio 0: 1 + 0 - 0.25 = 0.75
        [4, 2.25, 4],  # query sheet 1: 1 + 2.25 - 0.25 = 3; all other hinges are shut
        [16, 12.25, 0],
    ]
    wrong = ~torch.eye(3, dtype=torch.bool)
    assert hinges_of(points, wrong, negatives) == pytest.approx(expected)


def test_random_negative_is_a_wrong_one(chance):
    points = {"audio": torch.zeros(3, 1), "sheet": torch.tensor([[0.0], [0.5], [0.1]])}
    wrong = torch.zeros(3, 3, dtype=torch.bool)
    wrong[0, 1] = True
    # Query 0 has one wrong item at 0.25; no other query has any. In the other direction item 1
    # has wrong query 0 at the same distance as its own: the margin remains.
    assert hinges_of(points, wrong, "random", chance) == pytest.approx(0.75 + 1.0)


def test_no_wrong_item_gives_zero_not_nan(chance):
    points = {"audio": torch.zeros(2, 1), "sheet": torch.zeros(2, 1)}
    for negatives in ("all", "random", "hardest"):
        assert hinges_of(points, torch.zeros(2, 2, dtype=torch.bool), negatives, chance) == 0.0


def test_projection_is_a_tanh_layer_for_each_modality(chance):
    network = Projection({"audio": 5, "sheet": 4, "lyrics": 3}, 7, chance)
    rows = torch.randn(2, 4, generator=chance)
    layer = network.layers["sheet"]
    torch.testing.assert_close(
        network({"sheet": rows})["sheet"], torch.tanh(rows @ layer.weight.T + layer.bias)
    )
    assert sum(p.numel() for p in network.parameters()) == (5 + 4 + 3) * 7 + 3 * 7
    again = Projection({"audio": 5, "sheet": 4, "lyrics": 3}, 7, torch.Generator().manual_seed(0))
    torch.testing.assert_close(again.layers["audio"].weight, network.layers["audio"].weight)


def test_pair_point_is_the_mean():
    assert pair_point(torch.tensor([1.0]), torch.tensor([4.0])).tolist() == [2.5]
