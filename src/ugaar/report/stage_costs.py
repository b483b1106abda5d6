"""What each stage of a finished run cost, from the files that `benchmark:` of each rule wrote."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ugaar.errors import DataError

SHARDED = ("ingest", "render_audio", "render_sheet", "features_audio", "features_sheet")
"""Stages whose jobs are shards of one pass over the windows; elsewhere a job is a pass."""

BENCHMARKS = "benchmarks"


@dataclass(frozen=True)
class StageCost:
    """The cost of one stage, or of one encoder or method of it.

    Attributes:
        stage: name of the rule.
        variant: encoder or method, empty where the stage has none.
        jobs: number of measured jobs.
        passes: how often the windows went through: once a split, method and seed.
        wall_s: wall time of all jobs together, seconds.
        cpu_s: processor time of all jobs together, seconds.
        longest_s: wall time of the longest job, seconds.
        peak_mb: largest resident memory of a job, MB.
    """

    stage: str
    variant: str
    jobs: int
    passes: int
    wall_s: float
    cpu_s: float
    longest_s: float
    peak_mb: float

    def windows_per_second(self, n_windows: int) -> float | None:
        """Return windows per processor second, all passes together; None where none was counted.

        Args:
            n_windows: windows of the collection.
        """
        return n_windows * self.passes / self.cpu_s if self.cpu_s > 0 else None


@dataclass(frozen=True)
class _Job:
    folder: Path
    stage: str
    variant: str
    wall_s: float
    cpu_s: float
    peak_mb: float


def stage_costs(run: Path, variants: bool = False) -> list[StageCost]:
    """Return the costs of every stage of a run, the largest processor time first.

    Counted are `benchmarks/<stage>.tsv` and `benchmarks/<stage>/<job>.tsv`, both of the run's
    folder and of its splits' folders.

    Args:
        run: results of a dataset.
        variants: whether the encoders and methods of a stage are told apart.

    Raises:
        DataError: no job of the run was measured, or a file is no benchmark.
    """
    jobs: dict[tuple[str, str], list[_Job]] = defaultdict(list)
    for folder in (run / BENCHMARKS, *sorted(run.glob(f"*/{BENCHMARKS}"))):
        for file in sorted(folder.rglob("*.tsv")):
            for job in _jobs_of(folder, file):
                jobs[job.stage, job.variant if variants else ""].append(job)
    if not jobs:
        raise DataError(f"{run / BENCHMARKS}: no benchmark files; finish the run with snakemake")
    costs = [_cost(stage, variant, found) for (stage, variant), found in jobs.items()]
    return sorted(costs, key=lambda cost: (-cost.cpu_s, cost.stage, cost.variant))


def _cost(stage: str, variant: str, jobs: Sequence[_Job]) -> StageCost:
    passes = {(job.folder, job.variant) for job in jobs} if stage in SHARDED else jobs
    return StageCost(
        stage,
        variant,
        len(jobs),
        len(passes),
        sum(job.wall_s for job in jobs),
        sum(job.cpu_s for job in jobs),
        max(job.wall_s for job in jobs),
        max(job.peak_mb for job in jobs),
    )


def _jobs_of(folder: Path, file: Path) -> Iterator[_Job]:
    """Yield the jobs of one file, a row each; Snakemake writes `-` or NA for what it missed."""
    stage, *rest = file.relative_to(folder).with_suffix("").parts
    # The job's name is [<encoder or method>-]<shard or seed>, or a method alone.
    name, _, number = rest[-1].rpartition("-") if rest else ("", "", "")
    variant = name if number.isdecimal() else (rest[-1] if rest else "")
    if variant.isdecimal():
        variant = ""
    with file.open(newline="", encoding="utf-8") as opened:
        for row in csv.DictReader(opened, delimiter="\t"):
            try:
                values = [_number(row[key]) for key in ("s", "cpu_time", "max_rss")]
            except (KeyError, TypeError, ValueError) as error:
                raise DataError(f"{file}: not a benchmark file of Snakemake ({error})") from error
            yield _Job(folder, stage, variant, *values)


def _number(text: str) -> float:
    value = float(text) if text not in ("-", "NA", "") else 0.0
    return 0.0 if math.isnan(value) else value
