"""Runs of the whole workflow in a copy of the project, shared by the tests of this folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("Snakefile", "config.yaml", "config", "workflow", "envs", "profiles", "src", "tests")


class Project:
    """A copy of the project in a folder of its own, where a test may edit and run."""

    def __init__(
        self, folder: Path, configfile: str = "tests/config.test.yaml", dataset: str = "small"
    ) -> None:
        self.folder, self.configfile, self.dataset = folder, configfile, dataset
        folder.mkdir(parents=True)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
                shutil.copytree(source, folder / name, ignore=ignore)
            else:
                shutil.copy2(source, folder / name)
        wheels = ROOT / "resources"
        if wheels.is_dir():
            shutil.copytree(wheels, folder / "resources")

    @property
    def results(self) -> Path:
        """The folder of results."""
        return self.folder / "results" / self.dataset

    @property
    def song_disjoint(self) -> Path:
        """The folder of its song-disjoint split."""
        return self.results / "song-disjoint"

    def take_results_of(self, other: "Project") -> None:
        """Take over everything that another project's runs made, with its times and records."""
        for name in ("results", ".snakemake", "resources"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            shutil.copytree(other.folder / name, self.folder / name, copy_function=shutil.copy2)

    def environment(self) -> dict[str, str]:
        """Environment variables in which `python` and `ugaar` are those of the tests."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return {**os.environ, "PATH": path, "PYTHONPATH": str(self.folder / "src")}

    def start(self, *options: str) -> subprocess.Popen:
        """Start Snakemake in a process group of its own."""
        return subprocess.Popen(
            self.command(*options),
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def command(self, *options: str) -> list[str]:
        """Return a Snakemake command line."""
        return [sys.executable, "-m", "snakemake", *options, "--configfile", self.configfile]

    def run(self, *options: str, check: bool = True) -> str:
        """Run Snakemake and return what it printed."""
        done = subprocess.run(
            self.command(*options),
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=2700,
        )
        if check and done.returncode:
            pytest.fail(f"{' '.join(options)} gave {done.returncode}:\n{done.stdout[-6000:]}")
        return done.stdout

    def make_data(self, config: dict) -> Path:
        """Run `snakemake data` with a user's configuration and return its results folder."""
        (self.folder / "mine.yaml").write_text(yaml.safe_dump(config))
        done = subprocess.run(
            [*self.command("data", "--cores", "2")[:-1], "mine.yaml"],
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, done.stdout[-6000:]
        return self.folder / "results" / config["dataset"]

    def tables(self) -> dict[str, bytes]:
        """Return every Parquet table and paper table of the results, by relative path.

        Shards and parts are left out, since their number is a setting.
        """
        kept = {}
        for file in sorted(self.results.rglob("*")):
            name = file.relative_to(self.results).as_posix()
            if file.suffix not in (".parquet", ".csv", ".md", ".tex"):
                continue
            if name.startswith(("audio/", "sheet/", "rejects/", "ingest/", "features/")):
                continue
            if "benchmarks" in name:
                continue
            kept[name] = file.read_bytes()
        return kept


@pytest.fixture(scope="session")
def make_project(tmp_path_factory):
    """Return a function that makes a copy of the project."""
    return lambda name, **options: Project(tmp_path_factory.mktemp(name) / "project", **options)


@pytest.fixture(scope="session")
def finished(make_project) -> Project:
    """A project whose small run is finished (two cores, two shards)."""
    project = make_project("finished")
    project.run("--cores", "2")
    return project
