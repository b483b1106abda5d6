"""Guards the shingle network: its loss by hand, its training, resuming and stopping."""

import dataclasses

import numpy as np
import pytest
import torch

from ugaar.errors import DataError
from ugaar.models.shingle_network import ShingleNetwork, new_network, triplet_loss
from ugaar.train.shingle_loop import ShinglePlan, batch, encode, train_shingles
from ugaar.versions.pairs import PairPool
from ugaar.versions.recordings import Shingles

PLAN = ShinglePlan(
    steps=30,
    batch_size=16,
    learning_rate=0.002,
    margin=0.4,
    negatives="hardest",
    transpose=True,
    reverse=False,
    log_every=10,
    seed=3,
)
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def collection(works=4, frames=24, length=8):
    """Each work is random chroma in two versions, the second with a little noise."""
    random = np.random.default_rng(0)
    names, of_work, chroma = [], [], []
    for work in range(works):
        base = random.random((frames, 12)) ** 4
        for version in range(2):
            noisy = base + 0.05 * version * random.random((frames, 12))
            names.append(f"{work}-{version}")
            of_work.append(str(work))
            chroma.append((noisy / np.linalg.norm(noisy, axis=1, keepdims=True)).astype(np.float32))
    shingles = Shingles(names, of_work, chroma, length)
    count = frames - length + 1
    anchor = np.concatenate([np.arange(count) + 2 * work * count for work in range(works)])
    starts = np.arange(works + 1) * count
    return shingles, PairPool(anchor.astype(np.int32), (anchor + count).astype(np.int32), starts)


def on_a_circle(degrees):
    radians = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    return torch.stack([torch.cos(radians), torch.sin(radians)], dim=1)


def chord(degrees):
    return 2 * np.sin(np.deg2rad(degrees) / 2)


@pytest.mark.parametrize(
    ("negatives", "expected"),
    [
        # Anchors at 0, 90 and 200 degrees, positives 30 degrees on; works 0, 1 and 1. Distances
        # in degrees from anchor 0: right 30, wrong 120, 130; from 1: right 30, wrong 60; from 2:
        # right 30, wrong 170.
        ("hardest", [chord(30) - chord(120), chord(30) - chord(60), chord(30) - chord(170)]),
        ("semi-hard", [chord(30) - chord(120), chord(30) - chord(60), chord(30) - chord(170)]),
        (
            "all",
            [
                chord(30) - chord(120),
                chord(30) - chord(130),
                chord(30) - chord(60),
                chord(30) - chord(170),
            ],
        ),
    ],
)
def test_the_loss_is_that_of_a_hand_worked_batch(negatives, expected):
    anchors, positives = on_a_circle([0.0, 90.0, 200.0]), on_a_circle([30.0, 120.0, 230.0])
    loss = triplet_loss(anchors, positives, torch.tensor([0, 1, 1]), 1.5, negatives)
    assert loss.item() == pytest.approx(np.maximum(np.array(expected) + 1.5, 0).mean())


def test_semi_hard_skips_what_is_nearer_than_the_right_one():
    # From 0 degrees: right at 60, wrong at 20 and 100.
    anchors, positives = on_a_circle([0.0, 180.0, 180.0]), on_a_circle([60.0, 20.0, 100.0])
    works = torch.tensor([0, 1, 1])
    hardest = triplet_loss(anchors[:1], positives[:1], works[:1], 0.4, "hardest")
    assert hardest == 0  # one work only: no triplet
    loss = triplet_loss(anchors, positives, works, 2.0, "semi-hard")
    # Anchors 1 and 2 have one wrong answer, at 120; the right ones are at 160 and 80.
    expected = [chord(60) - chord(100), chord(160) - chord(120), chord(80) - chord(120)]
    assert loss.item() == pytest.approx(np.mean(expected) + 2.0)


def test_gradients_agree_with_differences():
    torch.manual_seed(0)
    first, second = (torch.randn(5, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    works = torch.tensor([0, 0, 1, 2, 2])

    def loss(one, other):
        unit = torch.nn.functional.normalize
        return triplet_loss(unit(one), unit(other), works, 0.4, "all")

    assert torch.autograd.gradcheck(loss, (first, second))


def test_a_batch_transposes_both_shingles_of_a_pair_alike():
    shingles, pool = collection()
    plain = batch(shingles, pool, dataclasses.replace(PLAN, transpose=False), 1)
    moved = batch(shingles, pool, PLAN, 1)
    # The same work in another key counts as another one.
    np.testing.assert_array_equal(plain[2], moved[2] // 12)
    for one in range(PLAN.batch_size):
        shifts = [
            {
                shift
                for shift in range(12)
                if np.array_equal(np.roll(plain[part][one], shift, axis=0), moved[part][one])
            }
            for part in (0, 1)
        ]
        assert shifts[0] == shifts[1]
        assert shifts[0] == {moved[2][one] % 12}


def test_a_batch_plays_both_shingles_of_some_pairs_backwards():
    shingles, pool = collection()
    plain = batch(shingles, pool, dataclasses.replace(PLAN, transpose=False), 1)
    turned = batch(shingles, pool, dataclasses.replace(PLAN, transpose=False, reverse=True), 1)
    backwards = turned[2] % 2
    np.testing.assert_array_equal(turned[2] // 2, plain[2])
    assert set(backwards.tolist()) == {0, 1}
    for one, step in enumerate(np.where(backwards, -1, 1)):
        for part in (0, 1):
            np.testing.assert_array_equal(turned[part][one], plain[part][one][:, ::step])


def test_training_brings_versions_together_and_other_works_apart():
    shingles, pool = collection()
    network = new_network(8, 6, 0, unit_length=True)
    history = train_shingles(network, shingles, pool, PLAN, CPU)
    assert [step for _, step, _, _ in history] == [10, 20, 30]
    assert history[-1][3] < 0.6 * history[0][3]
    codes = encode(network, shingles, np.arange(len(shingles)), CPU)
    np.testing.assert_allclose(np.linalg.norm(codes, axis=1), 1, atol=1e-5)


def weights(network):
    return torch.cat([part.flatten() for part in network.state_dict().values()])


def test_a_killed_training_resumes_to_the_same_weights(tmp_path):
    shingles, pool = collection()
    whole, stopped, resumed = (new_network(8, 6, 0) for _ in range(3))
    expected = train_shingles(whole, shingles, pool, PLAN, CPU)
    file = tmp_path / "state.pt"

    class KilledError(Exception):
        pass

    def kill(step):
        if step == 20:
            raise KilledError

    with pytest.raises(KilledError):
        train_shingles(stopped, shingles, pool, PLAN, CPU, file, kill)
    assert file.exists()
    assert train_shingles(resumed, shingles, pool, PLAN, CPU, file) == expected
    assert torch.equal(weights(resumed), weights(whole))
    other = dataclasses.replace(PLAN, margin=0.3)
    kept = file.read_bytes()
    with pytest.raises(DataError, match=r"another training.*plan\.margin 0\.\d+ and 0\.3\. Delete"):
        train_shingles(new_network(8, 6, 0), shingles, pool, other, CPU, file)
    assert file.read_bytes() == kept


def test_a_loss_that_is_no_number_stops_with_step_and_experiment():
    shingles, pool = collection()
    network = new_network(8, 6, 0)
    with torch.no_grad():
        network.dense[-1].bias[0] = float("nan")
    with pytest.raises(DataError, match=r"6-dimensional.*seed 3.*step 1;.*learning_rate"):
        train_shingles(network, shingles, pool, PLAN, CPU)


def test_too_few_works_or_pairs_are_errors():
    shingles, pool = collection(works=1)
    with pytest.raises(DataError, match="two works"):
        train_shingles(new_network(8, 6, 0), shingles, pool, PLAN, CPU)
    shingles, pool = collection(works=2)
    plan = dataclasses.replace(PLAN, batch_size=100)
    with pytest.raises(DataError, match="34 training pairs are fewer than a batch of 100"):
        train_shingles(new_network(8, 6, 0), shingles, pool, plan, CPU)


def test_seeds_alone_decide_the_weights():
    assert torch.equal(weights(new_network(20, 6, 1)), weights(new_network(20, 6, 1)))
    assert not torch.equal(weights(new_network(20, 6, 1)), weights(new_network(20, 6, 2)))
    assert ShingleNetwork(20, 6)(torch.rand(2, 12, 20)).shape == (2, 6)


def test_the_pitch_axis_is_a_circle():
    network = new_network(20, 6, 0)
    shingles = torch.rand(2, 12, 20)
    turned = network.convolutions(shingles.roll(5, dims=1)[:, None])
    expected = network.convolutions(shingles[:, None]).roll(5, dims=2)
    torch.testing.assert_close(turned, expected)
