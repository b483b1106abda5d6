"""Guards the pages of audio-sheet and versions runs: numbers, verdicts, what is left to do."""

import json
import re
import shutil
from itertools import product
from pathlib import Path

import audio_sheet_runs
import finished_runs
import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from ugaar.cli import main
from ugaar.errors import ConfigError, DataError
from ugaar.evaluate.paper_tables import Cell
from ugaar.parquet_files import read_table, write_table
from ugaar.report.results_page_figures import LARGEST_BYTES
from ugaar.report.results_page_systems_run import SystemsRun, rejects_of
from ugaar.report.results_page_tasks import open_run
from ugaar.report.results_page_trainings import read_log, seconds_per_step
from ugaar.report.results_page_verdicts import attention_gains, order_by_recall, placed
from ugaar.snippet_tables import PIECE_SPLIT, PIECES, SYSTEM_METRICS, TWINS
from ugaar.tables import HISTORY, REJECTS
from ugaar.version_tables import RECORDINGS, VERSION_FOLDS, VERSION_METRICS, VERSION_SCORES

ROOT = Path(__file__).resolve().parents[2]
DEFAULTS = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
SYSTEMS = (("dcca", 1.6), ("cnn-2s", 1.2), ("cnn-2s-at", 0.7))
SEEDS = (0, 1)
FIGURES = ("learning", "correlations", "recall", "robustness")


def page_of(*runs, out):
    """Write the pages of some runs and return them by name, the page of all runs as `home`."""
    names = {"": "template", "run.": "run-template"}
    names |= {f"{task}.": f"{task}-template" for task in ("audio-sheet", "versions")}
    options = ["--defaults", str(ROOT / "config.yaml"), "--machine", "an abacus"]
    for name, option in names.items():
        options += [f"--{option}", str(ROOT / f"docs/results.{name}template.md.j2")]
    command = ["results", "--runs", *map(str, runs), "--out", str(out), *options]
    assert main(command) == 0
    pages = {
        path.stem: path.read_text(encoding="utf-8") for path in (out.parent / out.stem).glob("*.md")
    }
    return pages | {"home": out.read_text(encoding="utf-8")}


def write_config(folder, task, **changes):
    config = DEFAULTS | {"dataset": folder.name, "task": task, "seeds": list(SEEDS)} | changes
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def write_pieces(folder):
    lists = {column.name: [] for column in PIECES.columns if str(column.type).startswith("list")}
    texts = ("source", "collection", "path", "title", "audio_key", "sheet_key")
    common = lists | dict.fromkeys(texts, "") | {"key_fifths": None}
    pieces, split = [], []
    for number, fold in enumerate(("train", "train", "valid", "test")):
        counts = {"n_notes": 60, "n_onsets": 50, "n_repeated_notes": 20 * (number == 0)}
        pieces.append(common | counts | {"piece_id": f"{number:012x}"})
        row = {"piece_id": f"{number:012x}", "collection": "", "group": str(number)}
        split.append(row | {"n_onsets": 50, "fold": fold})
    write_table(folder / "pieces.parquet", PIECES, pieces)
    write_table(folder / "piece_split.parquet", PIECE_SPLIT, split)
    twins = [
        {"repeats": repeats, "fold": fold, "reach": reach, "n_onsets": 200}
        | {"with_twin": 60.0 - reach, "in_piece": 55.0, "ceiling": ceiling + reach}
        for (repeats, ceiling), fold, reach in product(
            (("cut", 80.0), ("keep", 40.0)), ("all", "test"), (3, 5, 8)
        )
    ]
    write_table(folder / "twins.parquet", TWINS, twins)
    write_rejects(folder / "rejects.parquet", "pieces", "duplicate-piece", 3)


def write_rejects(path, stage, reason, count):
    row = {"stage": stage, "level": "piece", "reason": reason, "path": "", "detail": ""}
    rows = [row | {"item": str(number), "remedy": ""} for number in range(count)]
    write_table(path, REJECTS, rows)


def write_training(folder, system, seed):
    own = folder / f"systems/{system}/seed-{seed}"
    audio_sheet_runs.write_history(own / "history.parquet", system, seed)
    (own / "model.pt").write_bytes(b"weights")
    path = folder / f"benchmarks/train_system/{system}-{seed}.tsv"
    finished_runs.write_benchmark(path, "3000", "2900", "900")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished audio-sheet run of three systems, made by the real stages from drawn codes."""
    folder = tmp_path_factory.mktemp("results") / "folk"
    systems = {name: DEFAULTS["audio_sheet"]["systems"][name] for name, _ in SYSTEMS}
    write_config(folder, "audio-sheet", audio_sheet=DEFAULTS["audio_sheet"] | {"systems": systems})
    names = [name for name, _ in SYSTEMS]
    audio_sheet_runs.write_run(folder, SYSTEMS, SEEDS)
    audio_sheet_runs.evaluate(folder, names, SEEDS)
    (folder / "identify").mkdir()
    for name in names:
        (folder / f"id-{name}.parquet").rename(folder / f"identify/{name}.parquet")
        for seed in SEEDS:
            write_training(folder, name, seed)
    write_pieces(folder)
    for name in (*FIGURES, *(f"{name}/examples" for name in names)):
        path = folder / f"figures/{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (300, 100), "white").save(path)
    noise = np.random.default_rng(0).integers(0, 256, (250, 420, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "figures/recall.png")
    return folder


@pytest.fixture(scope="module")
def pages(finished, tmp_path_factory):
    """The pages of the finished run by name, and their folder."""
    out = tmp_path_factory.mktemp("docs") / "page.md"
    return page_of(finished, out=out) | {"folder": out.parent / "page"}


@pytest.fixture
def unfinished(finished, tmp_path):
    """The same run with DCCA in training, CNN-2s-AT without a job, and nothing tested."""
    folder = tmp_path / "results" / "folk"
    shutil.copytree(finished, folder)
    for name in ("dcca", "cnn-2s-at"):
        shutil.rmtree(folder / "systems" / name)
        for seed in SEEDS:
            (folder / f"benchmarks/train_system/{name}-{seed}.tsv").unlink()
    for name in ("system_metrics", "system_ranks"):
        (folder / f"{name}.parquet").unlink()
    shutil.rmtree(folder / "figures")
    shutil.rmtree(folder / "identify")
    history = [("train", 250, "loss", 0.5), ("valid", 250, "MRR audio-to-sheet", 0.25)]
    history += [("valid", 250, "MRR sheet-to-audio", 0.35), ("train", 500, "loss", 0.4)]
    state = {"step": 500, "history": history, "best_score": 0.3, "best": {}}
    content = {"identity": {"plan.steps": 2000, "plan.batch_size": 50}, "state": state}
    (folder / "checkpoints").mkdir()
    torch.save(content, folder / "checkpoints/train_system-dcca-0.pt")
    log = tmp_path / "logs/folk/train_system/dcca-0.log"
    log.parent.mkdir(parents=True)
    log.write_text(
        "23:59:00 INFO dcca: 900 training and 90 validation pairs; float32 on cpu, 1 threads\n"
        "23:59:10 INFO resumed at step 250\n"
        "23:59:50 INFO progress 270/2000 0.5/s eta 5s\n"
        "00:04:00 INFO progress 400/2000 0.5/s eta 5s\n"
    )
    return folder


def metric(folder, system, direction, name):
    wanted = (None, system, "clean", direction, "exact", name)
    names = ("seed", "system", "condition", "direction", "right", "metric")
    rows = read_table(folder / "system_metrics.parquet", SYSTEM_METRICS).to_pylist()
    found = [row for row in rows if tuple(row[key] for key in names) == wanted]
    return max(found, key=lambda row: row["gallery_size"])


# Finished runs


def test_numbers_of_the_pages_are_those_of_the_tables(finished, pages):
    for page in (pages["home"], pages["folk"]):
        for system, direction in product(
            ("dcca", "cnn-2s-at"), ("audio-to-sheet", "sheet-to-audio")
        ):
            row = metric(finished, system, direction, "R@1")
            cell = f"{row['value']:.2f} ± {row['std']:.2f}<br>"
            assert f"{cell}[{row['ci_low']:.2f}, {row['ci_high']:.2f}]" in page
    ceiling = metric(finished, "ceiling-5", "audio-to-sheet", "R@1")["value"]
    assert f"| {ceiling:.2f} |\n" in pages["home"]
    page = pages["folk"]
    assert "Machine: an abacus." in page
    assert "4 pieces with 240 notes at 200 onsets. 20 further notes (8 %), of 1 pieces" in page
    assert "| test | 1 | 50 | 400 |" in page
    # Repeats kept, then cut.
    assert "| all | ± 5 onsets | 200 | 55.0 | 55.0 | 45.0 | 200 | 55.0 | 55.0 | 85.0 |" in page
    assert "| pieces | piece | duplicate piece | 3 |" in page
    assert "| train_system, DCCA | 2 | 96.7 | 100.0 | 3000 | 900 |" in page
    # 3,000 s for 1,500 steps of 100 pairs.
    assert "| DCCA | 0 | finished | 1,500 | 100 | 2 | 50 | 50 min 00 s | 0 | – |" in page
    assert "| *DCCA [paper]* | 16000 | not stated | not stated | 43.10 | 89.10 |" in page
    assert "| *CNN-8s-AT [paper]* | 10000 |" in page


def test_nothing_is_missing_and_figures_are_small(finished, pages):
    assert "Left out" not in pages["home"] + pages["folk"]
    assert "Not finished" not in pages["folk"]
    links = re.findall(r"!\[.*\]\((.*)\)", pages["folk"])
    examples = [f"{name}-examples" for name in sorted(name for name, _ in SYSTEMS)]
    assert links == [f"folk/{name}.png" for name in (*FIGURES, *examples)]
    for link in links:
        assert 0 < (pages["folder"] / link).stat().st_size <= LARGEST_BYTES
    assert str(finished.parent) not in pages["home"] + pages["folk"]


def test_pages_are_the_same_every_time(unfinished, tmp_path):
    first, second = (page_of(unfinished, out=tmp_path / name / "page.md") for name in "ab")
    assert first == second
    drawn = [(tmp_path / name / "page/folk/learning.png").read_bytes() for name in "ab"]
    assert drawn[0] == drawn[1]


def test_runs_of_other_tasks_do_not_change_a_page(finished, tmp_path):
    retrieval = finished_runs.write_run(tmp_path / "results/first", DEFAULTS)
    alone = page_of(retrieval, out=tmp_path / "alone/page.md")
    beside = page_of(retrieval, finished, out=tmp_path / "beside/page.md")
    assert beside["first"] == alone["first"]
    blocks = beside["home"].split("\n\n")
    changed = [block for block in alone["home"].split("\n\n") if block not in blocks]
    assert len(changed) == 2
    assert "from the tables of first" in changed[0]
    assert changed[1] == "- [first](page/first.md)"
    assert "## Audio-sheet systems" in blocks
    assert "## Audio-sheet systems" not in alone["home"]


# Verdicts


def test_a_published_value_lies_beside_the_interval_by_rule():
    assert placed(Cell("R@1", 50.0, None, 44.0, 56.0), 43.1) == "ours is above, the whole interval"
    assert placed(Cell("R@1", 30.0, None, 24.0, 36.0), 43.1) == "ours is below, the whole interval"
    assert "holds" in placed(Cell("R@1", 40.0, None, 34.0, 46.0), 43.1)
    assert placed(Cell("R@1", 40.0), 43.1) == "no interval"


def test_sentences_follow_the_numbers(finished, tmp_path):
    run = SystemsRun(finished)
    values = {name: metric(finished, name, "audio-to-sheet", "R@1") for name, _ in SYSTEMS}
    gain = values["cnn-2s-at"]["value"] - values["cnn-2s"]["value"]
    assert f"CNN-2s-AT minus CNN-2s: +{gain:.2f} points" in attention_gains(run)
    assert "(published +6.52)" in attention_gains(run)
    best = values["cnn-2s-at"]["value"]
    assert order_by_recall(run).startswith("By R@1 from audio to sheet: CNN-2s-AT")
    # 400 candidates: chance is 0.25 %.
    assert f"CNN-2s-AT has {best:.2f} %, {best / 0.25:,.0f} times chance" in order_by_recall(run)
    # The other way round, every sentence turns.
    other = tmp_path / "folk"
    shutil.copytree(finished, other)
    swap = {"cnn-2s": "cnn-2s-at", "cnn-2s-at": "cnn-2s"}
    table = read_table(other / "system_metrics.parquet", SYSTEM_METRICS)
    rows = [row | {"system": swap.get(row["system"], row["system"])} for row in table.to_pylist()]
    metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    write_table(other / "system_metrics.parquet", SYSTEM_METRICS, rows, metadata=metadata)
    assert f"CNN-2s-AT minus CNN-2s: −{gain:.2f} points" in attention_gains(SystemsRun(other))
    assert order_by_recall(SystemsRun(other)).startswith("By R@1 from audio to sheet: CNN-2s ")


# Runs that are not finished


def test_an_unfinished_run_says_what_it_would_need(unfinished, tmp_path):
    pages = page_of(unfinished, out=tmp_path / "page.md")
    page = " ".join(pages["folk"].split())
    assert "**Not finished**: 4 of 6 trainings have no model yet" in page
    # 150 steps in 290 s from the resumption on: past midnight, without the steps done before.
    assert "| DCCA | 0 | not finished | 500 of 2,000 | 50 | 2 | 25 |" in page
    assert "| 1,500 | 50 min 00 s | 0.300 at 250 |" in page
    assert (
        "| CNN-2s-AT | 0 | not begun | 0 of 6,000 | 100 | – | – | – | 6,000 | not known | – |"
        in page
    )
    assert "| CNN-2s | 1 | finished | 1,500 | 100 | 2 | 50 |" in page
    assert "the systems are not tested yet" in page
    assert "![folk: validation MRR and training loss by step](folk/learning.png)" in page
    assert (tmp_path / "page/folk/learning.png").stat().st_size > 1000
    assert "| folk | DCCA: step 500 of 2,000 |" in pages["home"]
    assert "4 of 6 trainings are not finished" in " ".join(pages["home"].split())


def test_a_run_without_configuration_is_known_by_its_tables(unfinished, tmp_path):
    (unfinished / "config.yaml").unlink()
    assert type(open_run(unfinished)) is SystemsRun
    assert open_run(unfinished).systems == ["cnn-2s", "dcca"]
    page = page_of(unfinished, out=tmp_path / "page.md")["folk"]
    assert "| DCCA | 0 | not finished | 500 of 2,000 | 50 |" in page
    assert "*Left out: results/folk/config.yaml: missing" in page


def test_systems_that_are_not_asked_for_are_listed_as_such(unfinished):
    config = yaml.safe_load((unfinished / "config.yaml").read_text())
    config["audio_sheet"]["trained"] = ["cnn-2s"]
    (unfinished / "config.yaml").write_text(yaml.safe_dump(config))
    run = SystemsRun(unfinished)
    states = {(one.system, one.seed): (one.asked, one.begun) for one in run.trainings}
    assert states["cnn-2s", 1] == (True, True)
    assert states["dcca", 0] == (False, True)
    assert states["cnn-2s-at", 0] == (False, False)
    assert [(one.system, one.seed) for one in run.unfinished] == [("dcca", 0)]


def test_rejects_are_not_counted_twice_before_they_are_joined(unfinished):
    (unfinished / "rejects.parquet").unlink()
    for part, count in (("ingest_pieces-0", 2), ("pieces", 3), ("align", 1)):
        path = unfinished / f"rejects/{part}.parquet"
        write_rejects(path, part.partition("-")[0], "unreadable", count)
    found = {
        (stage, reason): count
        for (stage, _, reason), count in rejects_of(SystemsRun(unfinished)).items()
    }
    assert found == {("pieces", "unreadable"): 3, ("align", "unreadable"): 1}


def test_a_file_that_is_no_checkpoint_is_named(unfinished):
    torch.save({"state": 1}, unfinished / "checkpoints/train_system-dcca-0.pt")
    with pytest.raises(DataError, match=r"dcca-0\.pt: not a checkpoint of train-system"):
        _ = SystemsRun(unfinished).trainings


def test_a_log_without_progress_tells_no_rate(tmp_path):
    assert read_log(tmp_path / "none.log") is None
    (tmp_path / "a.log").write_text("Traceback\n")
    found = read_log(tmp_path / "a.log")
    assert (found.steps_run, found.planned) == (0, None)


def test_a_job_that_only_finished_a_training_tells_no_rate(tmp_path):
    """Its benchmark is of the refit alone, not of the steps before the checkpoint."""
    log, folder = tmp_path / "a.log", tmp_path / "benchmarks/train_system"
    log.write_text(
        "10:00:00 INFO a: 90 training and 9 validation pairs; float32 on cpu\n"
        "10:00:01 INFO resumed at step 50\n"
    )
    folder.mkdir(parents=True)
    (folder / "a-0.tsv").write_text("s\n7.0\n")
    assert read_log(log).resumed
    assert seconds_per_step(tmp_path, "a", 0, read_log(log), 50) is None
    assert seconds_per_step(tmp_path, "a", 0, None, 50) == pytest.approx(0.14)


def test_an_unknown_task_is_an_error(tmp_path):
    write_config(tmp_path / "odd", "audio-sheets")
    with pytest.raises(ConfigError, match="task 'audio-sheets' is not one of three-modalities"):
        open_run(tmp_path / "odd")


# Versions


def write_versions(folder):
    write_config(
        folder,
        "versions",
        versions=DEFAULTS["versions"] | {"dimensions": [6], "folds": 2},
    )
    works = [f"Composer_Work{number}" for number in range(4)]
    recordings = [(f"{work}_{player}", work) for work in works for player in "abc"]
    chroma = {"n_frames": 3600, "n_mended": 1, "path": "", "chroma": [0.0] * 12}
    names = {"collection": "Composer", "performer": "somebody"}
    rows = [{"recording_id": one, "work": work} | names | chroma for one, work in recordings]
    write_table(folder / "recordings.parquet", RECORDINGS, rows)
    rows = [
        {"recording_id": one, "work": work, "copies": one, "n_shingles": 10}
        | {"fold": works.index(work) % 2}
        for one, work in recordings
    ]
    write_table(folder / "version_folds.parquet", VERSION_FOLDS, rows)
    write_table(folder / "rejects.parquet", REJECTS, [])
    random = np.random.default_rng(5)
    settings = [
        (gallery, answers, 20)
        for gallery in ("test-works", "all-works")
        for answers in ("shingles", "passages")
    ]
    settings += [("all-works", "recordings", length) for length in (20, 40, 60, 0)]
    for system, dimensions, seeds, skill in (
        ("raw", 240, (0,), 0.8),
        ("pca", 6, (0,), 0.4),
        ("network", 6, SEEDS, 0.6),
    ):
        rows = [
            {"system": system, "dimensions": dimensions, "seed": seed, "gallery": gallery}
            | {"answers": answers, "query_s": length, "recording_id": one, "work": work}
            | {"n_queries": 10, "gallery_size": 100}
            | {"precision_at_1": skill + 0.1 * random.random()}
            | {"average_precision": skill / 2 + 0.1 * random.random()}
            | {"chance_precision_at_1": 0.05, "chance_average_precision": 0.06}
            for seed in seeds
            for gallery, answers, length in settings
            for one, work in recordings
        ]
        write_table(folder / f"version_scores/{system}.parquet", VERSION_SCORES, rows)
    return folder


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    """A versions run whose networks are half trained and whose drawn scores are summed up."""
    folder = write_versions(tmp_path_factory.mktemp("results") / "others")
    for fold in (0, 1):
        path = folder / f"train/network-6/fold-{fold}/seed-0/history.parquet"
        row = {"method": "network-6", "seed": 0, "phase": "train", "metric": "loss", "value": 1.0}
        write_table(path, HISTORY, [row | {"epoch": step} for step in (50, 100)])
        finished_runs.write_benchmark(
            folder / f"benchmarks/train_shingles/6-{fold}-0.tsv", "90", "9", "9"
        )
    evaluate = {"fold": "test", "bootstrap": 50, "confidence": 0.95}
    settings = json.dumps({"versions": {"shingle_s": 20}, "evaluate": evaluate})
    scores = sorted(str(path) for path in (folder / "version_scores").glob("*.parquet"))
    outputs = ["--metrics-out", str(folder / "version_metrics.parquet")]
    outputs += ["--comparisons-out", str(folder / "version_comparisons.parquet")]
    command = ["versions-tables", "--settings", settings, "--scores", *scores, *outputs]
    assert main([*command, "--out-dir", str(folder / "tables")]) == 0
    (folder / "figures").mkdir()
    Image.new("RGB", (300, 100), "white").save(folder / "figures/versions.png")
    return folder


def test_a_versions_page_has_the_numbers_of_the_tables(versions, tmp_path):
    pages = page_of(versions, out=tmp_path / "page.md")
    wanted = ("network", 6, None, "all-works", "shingles", 20, "works", "MAP")
    names = ("system", "dimensions", "seed", "gallery", "answers", "query_s", "mean_over", "metric")
    rows = read_table(versions / "version_metrics.parquet", VERSION_METRICS).to_pylist()
    row = next(row for row in rows if tuple(row[key] for key in names) == wanted)
    cell = f"{row['value']:.2f} ± {row['std']:.2f}<br>[{row['ci_low']:.2f}, {row['ci_high']:.2f}]"
    for page in (pages["home"], pages["others"]):
        assert cell in page
    page = " ".join(pages["others"].split())
    assert "12 recordings of 4 works, 12.0 hours of chroma; 12 vectors" in page
    assert "| 0 | 6 | 6 | 60 | Composer Work0, Composer Work2 |" in page
    # Two of the four networks (two folds, two seeds) are there.
    assert "2 of 4 networks are trained, 100 steps each, in 90 s each" in page
    assert "the others would need about 3 min 00 s" in page
    assert re.search(r"- Network \(ours\) 6 minus PCA 6, MAP: \+.* does not hold 0: Network", page)
    assert re.search(r"- PCA 6 minus Raw shingle 240, MAP: −.* Raw shingle 240 is better", page)
    assert "Left out" not in page


def test_a_versions_run_without_scores_is_not_finished(versions, tmp_path):
    folder = tmp_path / "others"
    shutil.copytree(versions, folder)
    (folder / "version_metrics.parquet").unlink()
    pages = page_of(folder, out=tmp_path / "page.md")
    assert "| others | not finished |" in pages["home"]
    assert "the systems are not tested yet" in pages["others"]
