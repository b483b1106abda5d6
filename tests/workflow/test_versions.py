"""The plan of the versions task, and a run of all its stages on a small collection."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]

OWN = """
dataset: small
task: versions
seeds: [0]
versions:
  path: {path}
  shingle_s: 6
  folds: 2
  dimensions: [4]
  query_s: [6, 0]
  passage_s: 1
  training: {{steps: 60, batch_size: 16}}
evaluate: {{bootstrap: 50}}
"""


def _snakemake(folder, *options):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), *options],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )


def test_the_preset_trains_every_fold_length_and_seed(tmp_path):
    configs = [str(ROOT / "config.yaml"), str(ROOT / "config/shingles.yaml")]
    done = _snakemake(tmp_path, "-n", "--cores", "2", "--configfile", *configs)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    jobs = {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", text, flags=re.M)}
    assert jobs["train_shingles"] == 4 * 3 * 3
    assert jobs["evaluate_shingles"] == 3 * 3
    assert "ingest" not in jobs


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """Five works in three versions of different length, and a file that is no recording."""
    folder = tmp_path_factory.mktemp("recordings")
    random = np.random.default_rng(0)
    for work in range(5):
        tune = random.random((12, 30)) ** 6
        for version, frames in enumerate((30, 33, 27)):
            places = np.linspace(0, 29, frames).round().astype(int)
            chroma = tune[:, places] + 0.05 * random.random((12, frames))
            np.savez(
                folder / f"Nobody_Tune{work}_version-{version}.npz",
                f_chroma=chroma / np.linalg.norm(chroma, axis=0),
                f_chroma_ax_time=np.arange(frames, dtype=float),
            )
    (folder / "Nobody_Tune0_broken.npz").write_bytes(b"no archive")
    return folder


@pytest.mark.slow
def test_a_small_collection_goes_through_twice_to_the_same_bytes(tmp_path, collection):
    from ugaar.parquet_files import read_table
    from ugaar.tables import REJECTS
    from ugaar.version_tables import VERSION_METRICS

    runs = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "mine.yaml").write_text(OWN.format(path=collection))
        options = ["--cores", "2", "--configfile", str(ROOT / "config.yaml"), "mine.yaml"]
        done = _snakemake(folder, *options)
        assert done.returncode == 0, done.stdout + done.stderr
        made = folder / "results/small"
        runs.append(
            {
                path.relative_to(made): path.read_bytes()
                for path in sorted(made.rglob("*"))
                if path.is_file() and "benchmarks" not in path.parts
            }
        )
    assert runs[0].keys() == runs[1].keys()
    assert [path for path in runs[0] if runs[0][path] != runs[1][path]] == []
    assert not any("checkpoints" in path.parts for path in runs[0])
    made = tmp_path / "one/results/small"
    rejects = read_table(made / "rejects.parquet", REJECTS).to_pylist()
    assert [(row["path"], row["reason"]) for row in rejects] == [
        ("Nobody_Tune0_broken.npz", "unreadable-file")
    ]
    values = {
        row["system"]: row["value"]
        for row in read_table(made / "version_metrics.parquet", VERSION_METRICS).to_pylist()
        if row["seed"] is None
        and (row["gallery"], row["answers"], row["query_s"], row["mean_over"], row["metric"])
        == ("all-works", "shingles", 6, "works", "P@1")
    }
    assert values["raw"] > 90
    assert values["network"] > 2 * values["chance"]
