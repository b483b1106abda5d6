"""What each stage of a finished run cost: jobs, wall and processor seconds, largest memory.

Reads the files that `benchmark:` of each rule wrote:

    python benchmarks/stage_costs.py [results/music21]
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd


def stage_costs(folder: Path) -> pd.DataFrame:
    """Return a row a stage, in order of its processor time.

    Args:
        folder: results of a dataset; `benchmarks/<stage>.tsv` or `benchmarks/<stage>/<job>.tsv`.
    """
    jobs = [
        pd.read_csv(file, sep="\t", na_values="-").assign(
            stage=file.relative_to(folder / "benchmarks").parts[0].removesuffix(".tsv")
        )
        for file in sorted((folder / "benchmarks").rglob("*.tsv"))
    ]
    costs = (
        pd.concat(jobs)
        .groupby("stage")
        .agg(
            jobs=("s", "size"),
            wall_s=("s", "sum"),
            cpu_s=("cpu_time", "sum"),
            longest_s=("s", "max"),
            peak_mb=("max_rss", "max"),
        )
    )
    return costs.sort_values("cpu_s", ascending=False)


def main() -> None:
    """Print the costs of the run named on the command line."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "results/music21")
    if not (folder / "benchmarks").is_dir():
        sys.exit(f"{folder}: no finished run here; make one with `make run`")
    costs = stage_costs(folder)
    print(costs.round(1).to_string())
    print(
        f"\nall: {int(costs.jobs.sum())} measured jobs, {costs.cpu_s.sum() / 60:.1f} processor "
        f"minutes, largest job {costs.peak_mb.max():.0f} MB"
    )


if __name__ == "__main__":
    main()
