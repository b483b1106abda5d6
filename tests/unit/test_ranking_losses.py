"""Losses over pairs, worked by hand."""

import math

import pytest
import torch

from ugaar.models.ranking_losses import contrastive, pairwise_ranking


def angle(*degrees: float) -> torch.Tensor:
    radians = torch.deg2rad(torch.tensor(degrees))
    return torch.stack((radians.cos(), radians.sin()), dim=1)


def test_ranking_loss_by_hand():
    sheet, audio = angle(0, 90), angle(0, 60)
    # s = [[1, .5], [0, cos 30]]; hinges: max(0, .7 - 1 + .5) = .2; max(0, .7 - .8660 + 0) = 0.
    assert pairwise_ranking(sheet, audio, 0.7).item() == pytest.approx(0.2 / 2, abs=1e-6)
    # Sheet items are the anchors: the other way round, .7 - 1 + 0 and .7 - .8660 + .5.
    expected = (0.7 - math.cos(math.pi / 6) + 0.5) / 2
    assert pairwise_ranking(audio, sheet, 0.7).item() == pytest.approx(expected, abs=1e-6)


def test_ranking_loss_of_equal_codes_is_the_margin():
    same = angle(10, 10, 10)
    assert pairwise_ranking(same, same, 0.7).item() == pytest.approx(0.7)


def test_contrastive_loss_of_equal_codes_is_log_n():
    same = angle(10, 10, 10)
    assert contrastive(same, same, 0.1).item() == pytest.approx(math.log(3), abs=1e-6)


def test_contrastive_loss_vanishes_for_separated_pairs():
    apart = angle(0, 120, 240)
    assert contrastive(apart, apart, 0.01).item() == pytest.approx(0.0, abs=1e-6)
