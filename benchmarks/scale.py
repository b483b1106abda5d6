"""What each stage that grows with the collection costs, at several sizes, on made-up data.

    python benchmarks/scale.py [--sizes 1000 12809] [--stages evaluate metrics]

82713 (all windows of the lyrics-melody collection) takes about half an hour and 6 GB of disk; the
default sizes take a few minutes. Inputs are synthetic where rendering or an encoder would be
needed (see scale_data.py): features are noise around a shared latent, embeddings and ranks are
drawn. Each stage is the command that the workflow runs, in a process of its own whose processor
time and largest resident memory the kernel counts.

Printed besides: the cost of each further window from one size to the next, which the start of the
process does not blur. Exact neighbours and exact ranks compare all pairs, so for `ground-truth` and
`evaluate` that cost rises with the number of windows; `evaluate` ranks them all in six directions.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SIZES = (1000, 12809)
OVERRIDES = """\
split: {min_test_windows: 1}
features: {lyrics: {epochs: 1}}
model: {epochs: 1}
evaluate: {galleries: []}
"""


@dataclass(frozen=True)
class Cost:
    """Wall and processor seconds, and the largest resident memory in MB (10^6 bytes)."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def stages(folder: Path) -> dict[str, list[str]]:
    """Return the name of each measured stage -> its command line, in an order that works."""

    def at(name: str) -> str:
        return str(folder / f"{name}.parquet")

    joined = ["--windows", at("windows"), "--split", at("split")]
    features = [f"--{name}={at(name)}" for name in ("audio", "sheet", "lyrics")]
    parts = {
        name: ["--parts", *(at(f"{name}-{shard}") for shard in range(8))]
        for name in ("audio", "sheet")
    }

    def train(method: str) -> list[str]:
        made = [f"--{kind}-out={at(f'{method}-{kind}')}" for kind in ("embeddings", "history")]
        model = [f"--model-out={folder / method}.pt"]
        return ["train", f"--method={method}", "--seed=0", *joined, *features, *made, *model]

    return {
        "window": [
            *("window", "--songs", at("songs-in"), "--rejects", at("rejects-in")),
            *("--songs-out", at("songs"), "--windows-out", at("windows")),
            *("--rejects-out", at("rejects")),
        ],
        "split": [
            *("split", "--songs", at("songs"), "--windows", at("windows")),
            *("--protocol", "song-disjoint", "--seed", "0", "--out", at("split")),
        ],
        "merge-audio": [
            *("merge-audio", *parts["audio"], *joined),
            *("--out", at("audio"), "--frames-out", at("audio_frames")),
        ],
        "merge-sheet": ["merge-sheet", *parts["sheet"], *joined, "--out", at("sheet")],
        "features-lyrics (1 epoch)": [
            *("features-lyrics", *joined, "--out", at("lyrics"), "--model-out", at("skipgram")),
        ],
        "ground-truth": [
            *("ground-truth", *features[:2], "--split", at("split")),
            *("--out", at("ground_truth")),
        ],
        "train cca": train("cca"),
        "train baseline (1 epoch)": train("baseline"),
        "evaluate": [
            *("evaluate", "--method", "baseline", "--embeddings", at("embeddings")),
            *("--windows", at("windows"), "--split", at("all-test"), "--out", at("evaluated")),
        ],
        "metrics (5 seeds)": [
            *("metrics", "--ranks", at("ranks"), "--ranks-out", at("all-ranks")),
            *("--metrics-out", at("metrics"), "--comparisons-out", at("comparisons")),
        ],
    }


def measured(command: list[str], log: Path) -> Cost:
    """Run a command and return what it cost.

    The kernel counts this process's own memory for the child until it starts the command: this
    module therefore imports nothing large.
    """
    start = time.perf_counter()
    with log.open("wb") as out:
        child = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)
        _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(command[:5])} ... failed:\n{log.read_text()[-3000:]}")
    wall = time.perf_counter() - start
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6)


def make(step: str, folder: Path, size: int) -> None:
    """Write one kind of input in a process of its own; see `scale_data`."""
    code = f"import sys, pathlib, scale_data as data; data.make_{step}(pathlib.Path(sys.argv[1])"
    code += ", int(sys.argv[2]))" if step == "songs" else ")"
    command = [sys.executable, "-c", code, str(folder), str(size)]
    subprocess.run(command, check=True, cwd=Path(__file__).parent)


def needed(name: str, wanted: list[str]) -> bool:
    """Tell whether a stage must run: it is wanted, or makes what a wanted one reads."""
    chain = list(stages(Path()))
    before_ranking = chain.index("evaluate")
    joined = [other for other in wanted if chain.index(other) < before_ranking]
    last = max(map(chain.index, joined), default=0)
    return name in wanted or name == "window" or chain.index(name) < last


def run(size: int, folder: Path, wanted: list[str]) -> dict[str, Cost]:
    """Measure the wanted stages at one size, running those they need besides."""
    settings = folder / "scale.yaml"
    settings.write_text(OVERRIDES)
    configs = ["--config", str(ROOT / "config.yaml"), str(settings)]
    makers = {"window": "songs", "merge-audio": "features", "evaluate": "embeddings"}
    makers["metrics (5 seeds)"] = "embeddings"
    made = set()
    costs = {}
    for name, command in stages(folder).items():
        if not needed(name, wanted):
            continue
        if name in makers and makers[name] not in made:
            make(makers[name], folder, size)
            made.add(makers[name])
        cost = measured([sys.executable, "-m", "ugaar", *command, *configs], folder / "log.txt")
        if name in wanted:
            costs[name] = cost
            print(
                f"{size:>7} windows  {name:26s} {cost.wall_s:8.1f} s  processor {cost.cpu_s:8.1f} s"
                f"  peak {cost.peak_mb:6.0f} MB",
                flush=True,
            )
    return costs


def main() -> None:
    """Measure the stages at every size, then print the cost of each further window."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    names = list(stages(Path()))
    parser.add_argument("--stages", nargs="+", choices=names, default=names)
    parser.add_argument("--folder", type=Path, help="where the data go (default: a temporary one)")
    arguments = parser.parse_args()
    costs: dict[int, dict[str, Cost]] = {}
    for size in sorted(arguments.sizes):
        with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="ugaar-scale-") as folder:
            costs[size] = run(size, Path(folder), arguments.stages)
    print("\nprocessor ms of each further window, and largest memory:")
    for name in arguments.stages:
        steps = [
            f"{low}-{high}: "
            f"{1e3 * (costs[high][name].cpu_s - costs[low][name].cpu_s) / (high - low):8.3f} ms"
            for low, high in itertools.pairwise(sorted(costs))
        ]
        peak = max(cost[name].peak_mb for cost in costs.values())
        print(f"{name:26s} {'  '.join(steps)}  {peak:6.0f} MB")


if __name__ == "__main__":
    main()
