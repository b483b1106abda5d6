"""The training of pairs: it learns, it resumes, it keeps its best, it refuses what does not fit."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from rendered_pairs import write_pairs

from ugaar.errors import DataError
from ugaar.models.encoder_file import read_tensors
from ugaar.models.ranking_losses import PairLoss
from ugaar.models.systems.cca_layer import Design, new_encoder
from ugaar.train.pair_checkpoint import PairCheckpoint
from ugaar.train.pair_codes import encode_pool, retrieval_scores
from ugaar.train.pair_pool import Augmentation
from ugaar.train.pair_training import PairTraining, TrainingPlan, batches
from ugaar.train.window_pairs import read_window_pairs

CPU = torch.device("cpu")
DESIGN = Design((2, 4, 4, 8), 32)
PLAN = TrainingPlan(
    steps=4,
    batch_size=20,
    validate_every=2,
    validation_pairs=40,
    refit_pairs=80,
    optimiser="adam",
    learning_rate=0.002,
    weight_decay=1e-5,
    schedule="cosine",
    precision="float32",
    seed=0,
)


@pytest.fixture(scope="module")
def pools(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("pairs")
    write_pairs(folder, n=6, valid=2)
    return read_window_pairs(
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


def training_of(pools, plan=PLAN, loss="ranking", augment=Augmentation()):  # noqa: B008
    encoder = new_encoder(DESIGN, plan.seed, PairLoss(loss))
    return encoder, PairTraining("toy", encoder, pools["train"], pools["valid"], plan, augment, CPU)


def trained(pools, plan=PLAN, loss="ranking", checkpoint=None, after_checkpoint=None):
    encoder, training = training_of(pools, plan, loss)
    if checkpoint is not None:
        checkpoint = PairCheckpoint(checkpoint, training.identity())
    return encoder, training.run(checkpoint, after_checkpoint)


def same(first, second) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first.values(), second.values(), strict=True))


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_a_killed_and_resumed_training_equals_an_uninterrupted_one(pools, tmp_path, optimiser):
    plan = replace(PLAN, optimiser=optimiser)
    whole, history = trained(pools, plan)
    checkpoint = tmp_path / "checkpoint.pt"
    with pytest.raises(KilledError):
        trained(pools, plan, checkpoint=checkpoint, after_checkpoint=kill_at(2))
    resumed, resumed_history = trained(pools, plan, checkpoint=checkpoint)
    assert same(whole.state_dict(), resumed.state_dict())
    assert history == resumed_history
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_training_killed_after_its_last_step_is_only_refitted(pools, tmp_path):
    whole, history = trained(pools)
    checkpoint = tmp_path / "checkpoint.pt"
    with pytest.raises(KilledError):
        trained(pools, checkpoint=checkpoint, after_checkpoint=kill_at(4))
    resumed, resumed_history = trained(pools, checkpoint=checkpoint)
    assert same(whole.state_dict(), resumed.state_dict())
    assert history == resumed_history


def test_a_checkpoint_of_other_settings_is_refused_with_the_difference(pools, tmp_path):
    checkpoint = tmp_path / "checkpoint.pt"
    trained(
        pools, plan=replace(PLAN, learning_rate=0.5, schedule="constant"), checkpoint=checkpoint
    )
    stored = checkpoint.read_bytes()
    with pytest.raises(DataError) as caught:
        trained(pools, checkpoint=checkpoint)
    text = str(caught.value)
    assert "plan.learning_rate 0.5 and 0.002" in text
    assert "plan.schedule constant and cosine" in text
    assert "batch_size" not in text
    assert "Delete the file" in text
    assert checkpoint.read_bytes() == stored


def test_a_checkpoint_of_other_data_is_refused(pools, tmp_path):
    checkpoint = tmp_path / "checkpoint.pt"
    moved = replace(pools["train"], column=pools["train"].column + 1.0)
    trained({**pools, "train": moved}, checkpoint=checkpoint)
    with pytest.raises(DataError, match=r"pairs\.train [0-9a-f]{64} and [0-9a-f]{64}"):
        trained(pools, checkpoint=checkpoint)


def test_other_files_are_no_checkpoints(pools, tmp_path):
    checkpoint = tmp_path / "checkpoint.pt"
    torch.save({"something": "else"}, checkpoint)
    with pytest.raises(DataError, match=r"not a checkpoint .* delete it"):
        trained(pools, checkpoint=checkpoint)
    checkpoint.write_bytes(b"half a file")
    with pytest.raises(DataError, match="delete it"):
        trained(pools, checkpoint=checkpoint)


@pytest.mark.parametrize("loss", ["ranking", "contrastive"])
def test_training_beats_random_weights(pools, loss):
    plan = replace(PLAN, steps=24, validate_every=24)
    encoder, history = trained(pools, plan=plan, loss=loss)
    # 40 validation pairs: chance is an MRR of 0.107.
    refitted = {name: value for phase, _, name, value in history if phase == "refitted"}
    assert min(refitted["MRR sheet-to-audio"], refitted["MRR audio-to-sheet"]) > 0.2
    assert refitted["canonical correlation 1"] >= refitted["canonical correlation 32"] >= 0.0
    assert refitted["canonical correlation 1"] == pytest.approx(encoder.cca.correlations[0].item())
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


def test_codes_that_do_not_tell_anything_are_ties():
    blind = torch.zeros(40, 32)
    scores = retrieval_scores(blind, blind)
    assert scores["MRR sheet-to-audio"] == pytest.approx(2 / 41)
    assert scores["R@1 audio-to-sheet"] == 0.0


def test_scores_by_hand():
    sheet = torch.eye(3)
    audio = torch.stack([sheet[0], sheet[2], sheet[2]])
    scores = retrieval_scores(sheet, audio)
    # Sheet 1 is unlike all audio (a tie of three: rank 2); the third audio answers sheet 2, tied
    # with the second one (rank 1.5).
    assert scores["MRR sheet-to-audio"] == pytest.approx((1 + 1 / 2 + 1 / 1.5) / 3)
    # Audio 1 finds sheet 2 first; sheet 1 ties with sheet 0 behind it (rank 2.5).
    assert scores["MRR audio-to-sheet"] == pytest.approx((1 + 1 / 2.5 + 1) / 3)
    assert scores["R@1 audio-to-sheet"] == pytest.approx(200 / 3)
    with pytest.raises(ArithmeticError):
        retrieval_scores(sheet * float("nan"), audio)


def test_divergence_names_system_and_step_and_keeps_the_last_good_checkpoint(pools, tmp_path):
    checkpoint = tmp_path / "checkpoint.pt"
    plan = replace(PLAN, steps=6)
    with pytest.raises(KilledError):
        trained(pools, plan, checkpoint=checkpoint, after_checkpoint=kill_at(2))
    content = read_tensors(checkpoint)
    good = checkpoint.read_bytes()
    # From here on the numbers are broken, as after a step that was too long.
    _, training = training_of(pools, plan)
    stored = PairCheckpoint(checkpoint, training.identity())
    with torch.no_grad():
        content["weights"]["sheet.blocks.0.conv1.weight"][0] = float("nan")
    torch.save(content, checkpoint)
    broken = checkpoint.read_bytes()
    with pytest.raises(DataError, match=r"toy: .*step 3 .*checkpoint of step 2 is kept") as caught:
        training.run(stored)
    assert str(checkpoint) in str(caught.value)
    assert "learning_rate" in str(caught.value)
    assert checkpoint.read_bytes() == broken != good


def test_divergence_without_a_checkpoint(pools):
    with pytest.raises(DataError, match=r"toy: training diverged at step \d .*no checkpoint"):
        trained(pools, replace(PLAN, learning_rate=1e30, validate_every=4))


def test_too_few_pairs_are_named(pools):
    with pytest.raises(DataError, match="toy: 80 training pairs are fewer than a batch of 1000"):
        training_of(pools, replace(PLAN, batch_size=1000))


def test_silence_is_named(pools):
    train = pools["train"]
    silent = replace(train, spectrograms=[0 * array for array in train.spectrograms], contents=())
    with pytest.raises(DataError, match=r"toy: 80 excerpts of the sound .* all equal"):
        training_of({**pools, "train": silent})
    blank = replace(train, strips=np.full_like(train.strips, 255), contents=())
    with pytest.raises(DataError, match=r"crops of the sheet .* \(of mean 1\)"):
        training_of({**pools, "train": blank})


def test_every_pair_is_seen_once_in_a_pass_and_resuming_goes_on_in_it():
    whole = batches(10, 3, seed=1, done=0)
    first = [next(whole) for _ in range(7)]
    assert len(set(np.concatenate(first[:3]).tolist())) == 9
    resumed = batches(10, 3, seed=1, done=4)
    for expected in first[4:]:
        np.testing.assert_array_equal(next(resumed), expected)


def test_learning_rates():
    plan = replace(PLAN, steps=10, learning_rate=0.1, halve_every=4)
    rates = [replace(plan, schedule="halving").rate_at(step) for step in (1, 4, 5, 8, 9)]
    assert rates == pytest.approx([0.1, 0.1, 0.05, 0.05, 0.025])
    assert replace(plan, schedule="constant").rate_at(9) == 0.1
    assert plan.rate_at(1) == 0.1
    assert plan.rate_at(6) == pytest.approx(0.05)


def test_codes_do_not_depend_on_the_chunk(pools):
    encoder = new_encoder(DESIGN, 0)
    pool = pools["valid"]
    whole = encode_pool(encoder, pool, "float32", CPU)
    part = encode_pool(encoder, pool.spaced(3), "float32", CPU)
    rows = np.linspace(0, len(pool) - 1, 3).astype(int)
    for all_codes, some in zip(whole, part, strict=True):
        torch.testing.assert_close(all_codes[rows], some)


def test_the_history_names_what_was_measured(pools):
    _, history = trained(pools)
    found = {(phase, re.sub(r"\d+$", "", metric)) for phase, _, metric, _ in history}
    directions = ("sheet-to-audio", "audio-to-sheet")
    expected = {("train", "loss"), ("refitted", "canonical correlation ")}
    for phase in ("valid", "refitted"):
        expected |= {(phase, f"{kind} {way}") for kind in ("MRR", "R@1") for way in directions}
    assert found == expected
