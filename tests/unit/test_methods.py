"""The train stage: every method end to end, resume, determinism, identical items, bad input."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from synthetic_features import make_vectors, write_features

from ugaar.errors import DataError
from ugaar.parquet_files import metadata_of, read_table
from ugaar.stages import ground_truth, train
from ugaar.tables import EMBEDDINGS, HISTORY
from ugaar.train import loop
from ugaar.train.checkpoint import Checkpoint, load_file, save_file
from ugaar.train.dataset import load_features
from ugaar.train.embed import embed_distinct
from ugaar.train.methods import METHODS, Job, run_method
from ugaar.train.model_settings import ModelSettings
from ugaar.train.normalise import Normaliser
from ugaar.train.training_set import TrainingSet
from ugaar.train.validation import mean_reciprocal_ranks, reciprocal_ranks

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())
QUICK = {"epochs": 6, "rounds": 3, "batch_size": 32, "dimensions": 16, "draws": 2}
TRAINED = ("baseline", "baseline-longer", "baseline-gan", "ugaar")


def other_of(key, *values):
    return next(value for value in values if value != CONFIG["model"][key])


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    found = write_features(folder, n=400, twins=20)
    found["truth"] = folder / "truth.parquet"
    ground_truth.run(
        Namespace(audio=found["audio"], sheet=found["sheet"], split=found["split"],
                  out=found["truth"]),
        {"ground_truth": CONFIG["ground_truth"], "cca": CONFIG["cca"]},
    )  # fmt: skip
    found["baseline"] = folder / "baseline.pt"
    run_stage(found, folder, "baseline")
    return found


def run_stage(paths, out, method, seed=0, **changes):
    settings = {
        "model": {**CONFIG["model"], **QUICK, **changes}, "cca": CONFIG["cca"], "device": "cpu",
    }  # fmt: skip
    arguments = Namespace(
        method=method, seed=seed, windows=paths["windows"], split=paths["split"],
        audio=paths["audio"], sheet=paths["sheet"], lyrics=paths["lyrics"],
        ground_truth=paths["truth"] if method == "ugaar" else None,
        baseline=paths["baseline"] if method in TRAINED[1:] else None,
        checkpoint=out / "checkpoint.pt", model_out=out / f"{method}.pt",
        embeddings_out=out / f"{method}.parquet", history_out=out / f"{method}-history.parquet",
    )  # fmt: skip
    train.run(arguments, settings)
    return [out / f"{method}.pt", out / f"{method}.parquet", out / f"{method}-history.parquet"]


def job_of(paths, method, **changes):
    features = load_features({m: paths[m] for m in ("audio", "sheet", "lyrics")}, paths["split"],
                             paths["windows"])  # fmt: skip
    return Job(
        method, 0, features, ModelSettings(**{**CONFIG["model"], **QUICK, **changes}),
        CONFIG["cca"]["ridges"], None,
        baseline=load_file(paths["baseline"]) if method in TRAINED[1:] else None,
        neighbours=train._neighbours(paths["truth"], features.take("train"))
        if method == "ugaar" else None,
    )  # fmt: skip


def points_of(path):
    table = read_table(path, EMBEDDINGS).to_pandas()
    return {
        space: {
            modality: (rows["window_id"].tolist(), np.stack(rows["embedding"]))
            for modality, rows in by_modality.groupby("modality")
        }
        for space, by_modality in table.groupby("space")
    }


@pytest.mark.parametrize("method", METHODS)
def test_method_writes_what_evaluation_reads_and_the_same_bytes_twice(paths, tmp_path, method):
    (tmp_path / "again").mkdir()
    first, second = run_stage(paths, tmp_path, method), run_stage(paths, tmp_path / "again", method)
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
    assert not (tmp_path / "checkpoint.pt").exists()
    spaces = points_of(first[1])
    linear = method not in ("random", *TRAINED)
    assert set(spaces) == (
        {"audio-sheet", "audio-lyrics", "sheet-lyrics"} if linear else {"common"}
    )
    split = pq.read_table(paths["split"]).to_pandas()
    expected = sorted(split.loc[split["fold"] != "train", "window_id"])
    for space, modalities in spaces.items():
        assert set(modalities) == (
            {"audio", "sheet", "lyrics"} if space == "common" else set(space.split("-"))
        )
        for window_id, points in modalities.values():
            assert window_id == expected
            assert np.isfinite(points).all()
    metadata = metadata_of(first[1])
    assert metadata["similarity"] == ("euclidean" if method in TRAINED else "cosine")
    assert (metadata["method"], metadata["seed"]) == (method, "0")
    # Windows that repeat another have its embedding, to the last bit.
    keys = pq.read_table(paths["windows"], columns=["window_id", "audio_key"]).to_pandas()
    key_of = dict(zip(keys["window_id"], keys["audio_key"], strict=True))
    for modalities in spaces.values():
        for window_id, points in modalities.values():
            seen = {}
            for window, point in zip(window_id, points, strict=True):
                assert seen.setdefault(key_of[window], point.tobytes()) == point.tobytes()
            assert len(seen) < len(window_id)


def test_seeds_differ(paths, tmp_path):
    files = []
    for seed in (0, 1):
        (tmp_path / str(seed)).mkdir()
        files.append(run_stage(paths, tmp_path / str(seed), "baseline", seed)[1].read_bytes())
    assert files[0] != files[1]


def test_training_learns_and_keeps_the_best_epoch(paths):
    result = run_method(job_of(paths, "baseline", epochs=25))
    scores = {e: v for p, e, m, v in result.history if m == "valid MRR mean"}
    assert max(scores.values()) == result.model["best_score"] == scores[result.model["best_epoch"]]
    assert scores[max(scores)] > 2 * scores[1]
    # The kept embeddings are those of the best epoch, not of the last.
    valid = result.evaluated.take("valid")
    rows = np.isin(result.evaluated.window_id, valid.window_id)
    space = {m: points[rows] for m, points in result.spaces["common"].items()}
    found = mean_reciprocal_ranks([space], valid.content, "euclidean")
    assert np.mean(list(found.values())) == pytest.approx(result.model["best_score"], abs=1e-6)


def test_patience_stops_early(paths):
    result = run_method(job_of(paths, "baseline", epochs=40, patience=1, learning_rate=0.5))
    assert max(row[1] for row in result.history) < 40


@pytest.mark.parametrize("method", TRAINED)
def test_interrupted_and_resumed_equals_uninterrupted(paths, tmp_path, monkeypatch, method):
    whole = run_method(job_of(paths, method))
    job = replace(job_of(paths, method), checkpoint_path=tmp_path / "c.pt",
                  checkpoint_interval_s=0.0)  # fmt: skip
    validate = loop._log_validation

    def stop(history, trainee, phase, epoch):
        if epoch == 3:
            raise InterruptedError
        return validate(history, trainee, phase, epoch)

    monkeypatch.setattr(loop, "_log_validation", stop)
    with pytest.raises(InterruptedError):
        run_method(job)
    monkeypatch.setattr(loop, "_log_validation", validate)
    assert load_file(tmp_path / "c.pt")["state"]["epoch"] == 2
    resumed = run_method(job)
    assert resumed.history == whole.history
    for modality, points in whole.spaces["common"].items():
        assert resumed.spaces["common"][modality].tobytes() == points.tobytes()


def test_checkpoint_of_other_settings_or_a_broken_one_is_not_used(paths, tmp_path, caplog):
    file = tmp_path / "c.pt"
    job = replace(job_of(paths, "baseline"), checkpoint_path=file, checkpoint_interval_s=0.0)
    run_method(job)
    plain = run_method(job_of(paths, "baseline", learning_rate=0.01))
    other = run_method(replace(job, model=plain_model(learning_rate=0.01)))
    assert other.history == plain.history
    file.write_bytes(file.read_bytes()[:1000])
    assert run_method(replace(job, model=plain_model(learning_rate=0.01))).history == plain.history
    assert "starting from the beginning" in caplog.text


def plain_model(**changes):
    return ModelSettings(**{**CONFIG["model"], **QUICK, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"input_norm": "none"},
        {"input_norm": "zscore"},
        {"distance_unit": 1.0},
        {"negatives": "random"},
        {"negatives": "hardest"},
        {"exclude_identical": False},
        {"weight_decay": 0.01},
        {"generator_start": other_of("generator_start", "scratch", "baseline")},
        {"truth_pairs": other_of("truth_pairs", "neighbour", "mixed")},
        {"queries": other_of("queries", "lyrics", "all")},
        {"game_weight": 0.5},
        {"discriminator_loss": "softplus"},
        {"candidates": "paired"},
        {"temperature": 0.2},
        {"reward": "softplus"},
        {"reward_baseline": not CONFIG["model"]["reward_baseline"]},
        {"kl_weight": 0.0},
        {"kl_weight": 5.0},
        {"kl_teacher_gradient": True},
        {"use_lyrics_pairs": False},
        {"test_network": "generator"},
        {"draws": 3},
        {"discriminator_epochs": 2},
        {"generator_epochs": 1},
    ],
    ids=str,
)
def test_every_option_changes_the_training(paths, changes):
    plain = run_method(job_of(paths, "ugaar"))
    key = next(iter(changes))
    assert getattr(plain_model(), key) != changes[key]
    job = job_of(paths, "ugaar", **changes)
    if key == "input_norm":
        job = replace(job, baseline=run_method(job_of(paths, "baseline", **changes)).model)
    assert run_method(job).history != plain.history


def test_use_lyrics_pairs_false_leaves_out_the_transfer(paths):
    metrics = {m for _, _, m, _ in run_method(job_of(paths, "ugaar")).history}
    without = run_method(job_of(paths, "ugaar", use_lyrics_pairs=False)).history
    assert metrics - {m for _, _, m, _ in without} == {"transfer loss"}


def test_nan_names_phase_epoch_and_step(paths):
    with pytest.raises(DataError, match=r"baseline, epoch \d+, step \d+: loss is (nan|inf)"):
        run_method(job_of(paths, "baseline", margin=float("inf")))


def test_nan_feature_is_found_on_reading(paths, tmp_path):
    table = pq.read_table(paths["sheet"])
    broken = np.stack(table["embedding"].to_pandas().to_numpy()).copy()
    broken[7, 3] = np.nan
    column = pa.FixedSizeListArray.from_arrays(pa.array(broken.ravel()), 32)
    field = table.schema.field("embedding")
    pq.write_table(
        table.set_column(table.column_names.index("embedding"), field, column.cast(field.type)),
        tmp_path / "sheet.parquet",
    )
    with pytest.raises(DataError, match="1 sheet features are not finite, first of window"):
        run_stage({**paths, "sheet": tmp_path / "sheet.parquet"}, tmp_path, "random")


def test_windows_that_one_modality_lacks_are_left_out(paths, tmp_path):
    pq.write_table(pq.read_table(paths["audio"]).slice(10), tmp_path / "audio.parquet")
    found = load_features(
        {"audio": tmp_path / "audio.parquet", "sheet": paths["sheet"]}, paths["split"]
    )
    assert len(found) == 390
    whole = load_features({"audio": paths["audio"], "sheet": paths["sheet"]}, paths["split"])
    np.testing.assert_array_equal(found.vectors["sheet"], whole.vectors["sheet"][10:])
    pq.write_table(pq.read_table(paths["audio"]).slice(0, 0), tmp_path / "none.parquet")
    with pytest.raises(DataError, match="no window is in all of"):
        load_features({"audio": tmp_path / "none.parquet"}, paths["split"])


def test_baseline_of_another_seed_is_refused(paths, tmp_path):
    with pytest.raises(DataError, match="differs in 'seed'"):
        run_stage(paths, tmp_path, "baseline-gan", seed=1)
    with pytest.raises(DataError, match="give --baseline"):
        run_method(replace(job_of(paths, "ugaar"), baseline=None))
    with pytest.raises(DataError, match="give --ground-truth"):
        run_method(replace(job_of(paths, "ugaar"), neighbours=None))
    with pytest.raises(DataError, match="'nonsense' is not known"):
        run_method(replace(job_of(paths, "random"), method="nonsense"))


def test_cca_keeps_the_ridge_that_is_best_on_the_validation_fold(paths):
    result = run_method(job_of(paths, "cca"))
    for space, chosen in ((s, result.model[s]["ridge"]) for s in result.spaces):
        rows = [row for row in result.history if row[0] == f"cca {space}"]
        ridges = [row[3] for row in rows if row[2] == "ridge"]
        scores = [row[3] for row in rows if row[2] == "valid MRR mean"]
        assert ridges == CONFIG["cca"]["ridges"]
        assert chosen == ridges[int(np.argmax(scores))]


def test_cca_of_too_few_windows_says_so(tmp_path):
    paths = write_features(tmp_path, n=50)
    with pytest.raises(DataError, match="30 training rows are too few for 40 dimensions"):
        run_stage(paths, tmp_path, "cca")
    assert not (tmp_path / "cca.parquet").exists()


def test_reciprocal_ranks_by_hand():
    similarities = np.array([[3.0, 2, 1, 0], [5, 4, 3, 9], [1, 1, 1, 0], [0, 9, 9, 9]])
    # Query 2 ties with two others: mid-rank 2; query 3 with two others as well.
    found = reciprocal_ranks(similarities, np.arange(4))
    assert found.tolist() == [1, 1 / 3, 1 / 2, 1 / 2]
    # Items 1 and 3 are the same: they tie for query 1 and share rank 1.5 (score of the better).
    assert reciprocal_ranks(similarities, np.array([0, 1, 2, 1]))[1] == 1 / 1.5


@pytest.mark.parametrize("similarity", ["cosine", "euclidean"])
def test_blocks_of_queries_do_not_change_the_ranks(monkeypatch, similarity):
    chance = np.random.default_rng(3)
    points = {m: chance.integers(-2, 3, size=(40, 3)).astype(float) for m in ("audio", "sheet")}
    content = {m: chance.integers(30, size=40) for m in points}
    whole = mean_reciprocal_ranks([points], content, similarity)
    monkeypatch.setattr("ugaar.train.validation.SCORES_PER_BLOCK", 7 * 40)
    assert mean_reciprocal_ranks([points], content, similarity) == pytest.approx(whole, abs=1e-12)


def test_embeddings_that_are_not_finite_do_not_count_as_perfect():
    broken = {m: np.full((3, 2), np.nan) for m in ("audio", "sheet")}
    found = mean_reciprocal_ranks([broken], {m: np.arange(3) for m in broken}, "euclidean")
    assert np.isnan(list(found.values())).all()


def test_wrong_answers_leave_out_equal_content(paths):
    features = job_of(paths, "random").features.take("train")
    rows = torch.arange(4)
    features.content["audio"][:4] = [0, 1, 0, 2]
    features.content["sheet"][:4] = [5, 5, 6, 7]
    normaliser = Normaliser.fit(features.vectors, "zscore")
    cpu = torch.device("cpu")
    wrong = TrainingSet(features, normaliser, cpu, True).wrong_answers(rows)["audio", "sheet"]
    assert wrong.int().tolist() == [[0, 0, 0, 1], [0, 0, 1, 1], [0, 1, 0, 1], [1, 1, 1, 0]]
    wrong = TrainingSet(features, normaliser, cpu, False).wrong_answers(rows)["audio", "sheet"]
    assert torch.equal(wrong, ~torch.eye(4, dtype=torch.bool))


def test_zscore_uses_training_statistics_and_ignores_constants():
    rows = make_vectors(50)["audio"]
    rows[:, 5] = 1 / 3
    normaliser = Normaliser.fit({"audio": rows}, "zscore")
    found = normaliser.apply("audio", rows)
    kept = [i for i in range(rows.shape[1]) if i != 5 and rows[:, i].std() > 0]
    np.testing.assert_allclose(found[:, kept].mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(found[:, kept].std(0), 1, atol=1e-5)
    assert (normaliser.apply("audio", rows + 1)[:, 5] == 0).all()
    literal = Normaliser.fit({"audio": rows}, "none").apply("audio", rows)
    np.testing.assert_array_equal(literal, rows)


def test_embeddings_do_not_depend_on_which_other_rows_there_are():
    rows = np.random.default_rng(0).normal(size=(300, 17)).astype(np.float32)
    weights = np.random.default_rng(1).normal(size=(17, 9)).astype(np.float32)
    whole = embed_distinct(np.concatenate([rows, rows[:50]]), lambda block: block @ weights)
    assert whole[300:].tobytes() == whole[:50].tobytes()
    assert embed_distinct(rows[:7], lambda block: block @ weights).shape == (7, 9)


def test_batches_have_one_size_and_no_row_twice():
    chance = torch.Generator().manual_seed(0)
    found = loop.batches_of(150, 64, chance)
    assert found.shape == (2, 64)
    assert len(found.unique()) == 128
    assert loop.batches_of(10, 64, chance).shape == (1, 10)


def test_model_file_refuses_code(tmp_path):
    save_file(tmp_path / "a.pt", {"weights": {"w": torch.ones(2)}, "seed": 1})
    save_file(tmp_path / "b.pt", {"weights": {"w": torch.ones(2)}, "seed": 1})
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()
    torch.save({"weights": Checkpoint(None, "")}, tmp_path / "code.pt")
    with pytest.raises(DataError, match="not a readable model file"):
        load_file(tmp_path / "code.pt")
    with pytest.raises(DataError, match="missing"):
        load_file(tmp_path / "none.pt")


def test_history_table_is_complete(paths, tmp_path):
    history = run_stage(paths, tmp_path, "ugaar")[2]
    rows = read_table(history, HISTORY).to_pandas()
    assert set(rows["epoch"]) == {0, 1, 2, 3}
    assert {"discriminator loss", "generator loss", "phi", "reward", "transfer loss"} <= set(
        rows["metric"]
    )
    assert rows.loc[rows["metric"] == "reward", "value"].between(0.5, 1).all()
    assert float(metadata_of(history)["best_score"]) == pytest.approx(
        rows.loc[rows["metric"] == "valid MRR mean", "value"].max()
    )
