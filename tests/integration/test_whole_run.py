"""The whole DAG with the real tools on a few scores: results, reruns, resuming, determinism."""

import os
import re
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest

from ugaar import tables
from ugaar.parquet_files import read_table

pytestmark = pytest.mark.slow


def _planned(project, *options):
    """Return the rules that a dry run would run."""
    return set(re.findall(r"^(?:local)?rule (\w+):", project.run("-n", *options), flags=re.M))


def test_every_promised_file_is_there_and_fits_its_declaration(finished):
    results, split = finished.results, finished.song_disjoint
    for name in ("songs", "windows", "rejects"):
        assert read_table(results / f"{name}.parquet", tables.TABLES[name]).num_rows > 0
    for name in ("split", "funnel", "ground_truth", "ranks", "metrics"):
        assert read_table(split / f"{name}.parquet", tables.TABLES[name]).num_rows > 0
    for name in ("audio", "sheet", "lyrics"):
        declared = tables.TABLES[f"features_{name}"]
        features = read_table(split / f"features/{name}.parquet", declared)
        assert features.num_rows == len(set(features["window_id"].to_pylist())) > 0
    for table in ("table_1", "table_2", "galleries", "comparisons"):
        for suffix in ("csv", "md", "tex"):
            assert (split / f"tables/{table}.{suffix}").stat().st_size > 200
    assert (results / "config.yaml").is_file()


def test_both_protocols_side_by_side(finished, make_project):
    project = make_project("protocols")
    project.take_results_of(finished)
    config = project.folder / "tests/config.test.yaml"
    both = "protocols: [song-disjoint, published]\nmethods: [cca, baseline]\n"
    config.write_text(config.read_text() + both)
    planned = _planned(project)
    assert "compare_splits" in planned
    assert not planned & {"ingest", "window", "render_audio", "render_sheet", "features_audio"}
    project.run("--cores", "2")
    rows = read_table(
        project.results / "protocol_differences.parquet", tables.PROTOCOL_DIFFERENCES
    ).to_pylist()
    assert {row["method"] for row in rows} == {"cca", "baseline"}
    assert {row["direction"] for row in rows} == set(tables.DIRECTIONS)
    text = (project.results / "tables/protocols.md").read_text()
    assert "song-disjoint / published / difference" in text
    published = read_table(project.results / "published/split.parquet", tables.SPLIT)
    assert set(published["protocol"].to_pylist()) == {"published"}


def test_sound_and_strips_agree_with_the_windows(finished):
    results = finished.results
    windows = read_table(results / "windows.parquet", tables.WINDOWS).to_pandas()
    audio = read_table(results / "audio", tables.AUDIO).to_pandas().set_index("audio_key")
    sheet = read_table(results / "sheet", tables.SHEET).to_pandas().set_index("sheet_key")
    for window in windows.itertuples():
        clip, strip = audio.loc[window.audio_key], sheet.loc[window.sheet_key]
        assert len(clip.onset_s) == len(window.pitch) == 20
        assert clip.duration_s >= window.onset_s[-1] + min(window.duration_s[-1], 0.1)
        assert set(strip.note_index) == set(range(20))
        assert strip.height_px == 160


def test_folds_share_no_group_and_ranks_cover_the_test_fold(finished):
    results = finished.song_disjoint
    split = read_table(results / "split.parquet", tables.SPLIT).to_pandas()
    assert (split.groupby("group").fold.nunique() == 1).all()
    ranks = read_table(results / "ranks.parquet", tables.RANKS).to_pandas()
    test = split[split.fold == "test"]
    whole = ranks[ranks.gallery_size == ranks.gallery_size.max()]
    sizes = whole.groupby(["method", "seed", "direction"]).window_id.nunique()
    assert (sizes == len(test)).all()
    cut = ranks[ranks.gallery_size == 4].groupby(["method", "seed", "direction"]).size()
    assert (cut == len(test) // 4 * 4).all()
    assert set(ranks.direction) == set(tables.DIRECTIONS)


def test_nothing_is_left_to_do(finished):
    assert "Nothing to be done" in finished.run("-n")


def test_no_job_needs_more_than_two_gigabytes(finished):
    import pandas as pd

    files = sorted(finished.results.rglob("benchmarks/**/*.tsv"))
    assert files
    peaks = {file: pd.read_csv(file, sep="\t").max_rss.max() for file in files}
    assert max(peaks.values()) < 2048, max(peaks, key=peaks.get)


def test_report_opens_offline(finished, tmp_path):
    report = tmp_path / "report.html"
    finished.run("--cores", "1", "--report", str(report))
    text = report.read_text()
    assert "table_1.html" in text
    assert "rejects" in text or "funnel" in text
    assert not re.search(r'<(script|link|img)[^>]+(src|href)="https?://', text)


def test_edits_rerun_their_stage_and_those_after_it(finished, make_project):
    project = make_project("edited")
    project.take_results_of(finished)
    metrics = project.folder / "src/ugaar/evaluate/metrics.py"
    original = metrics.read_text()
    assert _planned(project) == set()
    metrics.write_text(original + "\n# a comment\n")
    assert _planned(project) == set()
    metrics.write_text(original + "\nNOBODY_READS_THIS = 1\n")
    assert _planned(project) == set()
    metrics.write_text(original.replace("(n_tied + 1) / 2", "(1 + n_tied) / 2"))
    planned = _planned(project)
    assert "metrics" in planned
    assert planned <= {"all", "evaluate", "metrics", "tables", "figures", "compare_splits"}
    metrics.write_text(original)
    config = project.folder / "tests/config.test.yaml"
    config.write_text(config.read_text().replace("bootstrap: 50", "bootstrap: 60"))
    changed = _planned(project)
    assert "metrics" in changed
    assert "train" not in changed


def test_one_or_two_shards_and_cores_give_the_same_tables(finished, make_project):
    project = make_project("one-shard")
    text = (project.folder / "tests/config.test.yaml").read_text()
    (project.folder / "tests/config.test.yaml").write_text(text.replace("shards: 2", "shards: 1"))
    project.run("--cores", "1")
    ours, theirs = project.tables(), finished.tables()
    assert sorted(ours) == sorted(theirs)
    differing = [name for name in ours if ours[name] != theirs[name]]
    assert differing == []


def test_a_killed_run_resumes_and_ends_the_same(finished, make_project):
    project = make_project("killed")
    process = project.start("--cores", "2")
    deadline = time.monotonic() + 600
    while not list(project.results.glob("encoder/*.pt")) and time.monotonic() < deadline:
        assert process.poll() is None, process.stdout.read()[-3000:]
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (project.results / "metrics.parquet").exists()
    project.run("--unlock")
    project.run("--cores", "2")
    assert project.tables() == finished.tables()
    assert not [file for file in project.results.rglob(".*") if file.is_file()]


def _ugaar_run(project, *options):
    return subprocess.run(
        [sys.executable, "-m", "ugaar", "run", "--configfile", "tests/config.test.yaml", *options],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=2700,
    )


def test_progress_is_one_line_a_job_and_the_report_follows(finished, make_project):
    project = make_project("followed")
    project.take_results_of(finished)
    (project.song_disjoint / "metrics.parquet").unlink()
    done = _ugaar_run(project, "--cores", "2")
    assert done.returncode == 0, done.stdout
    assert re.search(r"^\[ *\d+ %  \d+/\d+\]  metrics song-disjoint  \d", done.stdout, flags=re.M)
    assert re.search(r"^\[100 %  (\d+)/\1\]", done.stdout, flags=re.M)
    assert (project.results / "report.html").stat().st_size > 100_000
    assert "tables in results/small/song-disjoint/tables" in done.stdout
    assert "report in results/small/report.html" in done.stdout
    report = (project.results / "report.html").stat().st_mtime_ns
    again = _ugaar_run(project, "--cores", "2")
    assert again.returncode == 0, again.stdout
    assert (project.results / "report.html").stat().st_mtime_ns == report


def test_a_failed_job_shows_the_end_of_its_log(make_project):
    project = make_project("failing")
    font = project.folder / "font.sf3"
    font.write_bytes(b"RIFF....nothing")
    config = project.folder / "tests/config.test.yaml"
    config.write_text(config.read_text() + f"audio: {{soundfont: {font}}}\n")
    done = _ugaar_run(project, "--cores", "2")
    assert done.returncode != 0
    assert "FAILED  render_audio" in done.stdout
    assert "font.sf3" in done.stdout.split("FAILED  render_audio")[1]
    assert "Traceback" not in done.stdout
    assert not list(project.results.glob("audio/*.parquet"))


def test_every_number_in_the_tables_is_a_metric(finished):
    metrics = pq.read_table(finished.song_disjoint / "metrics.parquet").to_pandas()
    text = (finished.song_disjoint / "tables/table_1.csv").read_text()
    pooled = metrics[metrics.seed.isna() & (metrics.metric == "R@1")]
    assert len(pooled) >= len(tables.DIRECTIONS)
    for method in pooled.method.unique():
        assert method in text
