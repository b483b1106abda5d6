"""Training of the encoder: it learns, it resumes, it keeps its best."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from rendered_pairs import write_pairs

from ugaar.errors import DataError
from ugaar.models.asmcmr import Design, new_encoder
from ugaar.train.encoder_loop import TrainingPlan, train_encoder, validate
from ugaar.train.snippets import read_snippets

CPU = torch.device("cpu")
DESIGN = Design((2, 4, 4, 8), 32)
PLAN = TrainingPlan(
    steps=4,
    batch_size=20,
    learning_rate=0.002,
    schedule="cosine",
    loss="ranking",
    margin=0.7,
    temperature=0.1,
    weight_decay=1e-5,
    validate_every=2,
    precision="float32",
    seed=0,
)


@pytest.fixture(scope="module")
def pools(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("pairs")
    write_pairs(folder, n=6, valid=2)
    return read_snippets(
        folder / "windows.parquet",
        folder / "split.parquet",
        folder / "audio",
        folder / "sheet",
        ("train", "valid"),
    )


class KilledError(Exception):
    """Stands for the end of the process."""


def kill_at(step: int):
    def after_checkpoint(done: int) -> None:
        if done == step:
            raise KilledError

    return after_checkpoint


def trained(pools, plan=PLAN, **options):
    encoder = new_encoder(DESIGN, plan.seed)
    history = train_encoder(encoder, pools["train"], pools["valid"], plan, CPU, **options)
    return encoder, history


def same(first, second) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first.values(), second.values(), strict=True))


def test_a_killed_and_resumed_training_equals_an_uninterrupted_one(pools, tmp_path):
    whole, history = trained(pools)
    checkpoint = tmp_path / "checkpoint.pt"
    with pytest.raises(KilledError):
        trained(pools, checkpoint=checkpoint, after_checkpoint=kill_at(2))
    resumed, resumed_history = trained(pools, checkpoint=checkpoint)
    assert same(whole.state_dict(), resumed.state_dict())
    assert history == resumed_history
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


@pytest.mark.parametrize("other", ["margin", "data", "no checkpoint"])
def test_a_checkpoint_of_another_training_is_ignored(pools, tmp_path, other):
    checkpoint = tmp_path / "checkpoint.pt"
    if other == "margin":
        trained(pools, plan=replace(PLAN, margin=0.5), checkpoint=checkpoint)
    elif other == "data":
        moved = replace(pools["train"], column=pools["train"].column + 1.0)
        trained({**pools, "train": moved}, checkpoint=checkpoint)
    else:
        torch.save({"something": "else"}, checkpoint)
    assert same(
        trained(pools)[0].state_dict(), trained(pools, checkpoint=checkpoint)[0].state_dict()
    )


@pytest.mark.parametrize("loss", ["ranking", "contrastive"])
def test_training_beats_random_weights(pools, loss):
    plan = replace(PLAN, steps=24, validate_every=24, loss=loss)
    encoder, history = trained(pools, plan=plan)
    # 40 validation pairs: chance is an MRR of 0.107.
    refitted = {name: value for phase, _, name, value in history if phase == "refitted"}
    assert min(refitted["MRR sheet-to-audio"], refitted["MRR audio-to-sheet"]) > 0.2
    assert not encoder.training


def test_the_best_validation_is_kept(pools):
    # A learning rate this high ruins the weights in the second half.
    plan = replace(PLAN, learning_rate=0.3, schedule="constant")
    encoder, history = trained(pools, plan)
    scores = {
        step: np.mean([v for p, s, n, v in history if (p, s) == ("valid", step) and "MRR" in n])
        for step in (2, 4)
    }
    best = max(scores, key=scores.get)
    assert best == 2
    until_best, _ = trained(pools, replace(plan, steps=best))
    assert same(until_best.state_dict(), encoder.state_dict())


def test_validation_of_a_blind_encoder_is_a_tie(pools):
    encoder = new_encoder(DESIGN, 0).eval()
    with torch.no_grad():
        encoder.cca.first_projection.zero_()
    scores = validate(encoder, pools["valid"], "float32", CPU)
    n = len(pools["valid"])
    assert scores["MRR sheet-to-audio"] == pytest.approx(2 / (n + 1), rel=1e-3)
    assert scores["R@1 sheet-to-audio"] == 0.0


def test_divergence_is_named(pools):
    plan = replace(PLAN, learning_rate=1e30, validate_every=4)
    with pytest.raises(DataError, match=r"diverged at step \d .*learning_rate"):
        trained(pools, plan)


def test_too_few_pairs_are_named(pools):
    plan = replace(PLAN, batch_size=1000)
    with pytest.raises(DataError, match="80 training pairs are fewer than a batch of 1000"):
        trained(pools, plan)
