"""Folders that look like those of finished runs, made by the real summaries of drawn ranks."""

from itertools import product
from pathlib import Path

import numpy as np
import synthetic
import yaml
from PIL import Image

from ugaar.evaluate.split_comparison import cells_of, mean_rows, protocol_rows
from ugaar.evaluate.summary import (
    chance_rows,
    comparison_rows,
    largest_galleries,
    metric_rows,
    rank_grids,
    resample_metrics,
)
from ugaar.parquet_files import read_table, write_table
from ugaar.tables import (
    COMPARISONS,
    DIRECTIONS,
    FEATURES_AUDIO,
    METRICS,
    PROTOCOL_DIFFERENCES,
    RANKS,
    SPLIT_MEANS,
    WINDOWS,
)

METHODS = ("cca", "baseline", "baseline-gan", "ugaar")
N = 40
TOP_K = (1, 5, 10)


def write_ranks(path: Path, protocol: str, skill: float, n: int = N) -> None:
    """Write ranks: lyrics at chance, audio and sheet found the better the larger the skill.

    Args:
        path: ranks table to write.
        protocol: its protocol.
        skill: 0 for chance; methods get a little more each, in the order of `METHODS`.
        n: number of queries and of gallery items.
    """
    random = np.random.default_rng([int(100 * skill), len(protocol)])
    rows = []
    for (place, method), seed, direction in product(enumerate(METHODS), (0, 1), DIRECTIONS):
        power = 1 if "lyrics" in direction else 1 + skill * (1 + place)
        better = (n * random.random(n) ** power).astype(int)
        rows += [
            {
                "protocol": protocol,
                "method": method,
                "seed": seed,
                "direction": direction,
                "window_id": f"{30 + query:012x}-0",
                "n_better": int(better[query]),
                "n_tied": 1,
                "gallery_size": n,
            }
            for query in range(n)
        ]
    write_table(path, RANKS, rows, metadata={"fold": "test"})


def write_split(folder: Path, protocol: str, skill: float) -> tuple[list, list]:
    """Write what a finished split holds; return its grids and their metrics."""
    write_ranks(folder / "ranks.parquet", protocol, skill)
    grids = rank_grids(read_table(folder / "ranks.parquet", RANKS))
    metrics = [resample_metrics(grid, TOP_K, 60) for grid in grids]
    rows = list(chance_rows(grids, TOP_K))
    for grid, found in zip(grids, metrics, strict=True):
        rows.extend(metric_rows(grid, found, 0.95))
    metadata = {"fold": "test", "bootstrap": "60", "confidence": "0.95"}
    write_table(folder / "metrics.parquet", METRICS, rows, metadata=metadata)
    assert len(largest_galleries(grids)) == len(grids)
    compared = list(comparison_rows(grids, metrics, 0.95))
    write_table(folder / "comparisons.parquet", COMPARISONS, compared, metadata=metadata)
    synthetic.write_funnel(folder / "funnel.parquet")
    synthetic.write_ground_truth(folder / "ground_truth.parquet")
    write_table(
        folder / "features/audio.parquet",
        FEATURES_AUDIO,
        [],
        {"embedding": 4},
        {"encoder": "musicnn", "settings": '{"layer":"3","weights":"/far/away/file.bin"}'},
    )
    (folder / "figures").mkdir()
    for name in ("ranks", "training", "funnel", "correlations"):
        Image.new("RGB", (300, 100), "white").save(folder / "figures" / f"{name}.png")
    return grids, metrics


def write_benchmark(path: Path, wall: str, cpu: str, memory: str) -> None:
    """Write a benchmark file as Snakemake does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    heads = ["s", "h:m:s", "max_rss", "max_vms", "max_uss", "max_pss"]
    heads += ["io_in", "io_out", "mean_load", "cpu_time"]
    values = [wall, "0:00:01", memory, "0", "0", "0", "0", "0", "0", cpu]
    path.write_text("\t".join(heads) + "\n" + "\t".join(values) + "\n")


def write_run(folder: Path, defaults: dict, skill: float = 1.0) -> Path:
    """Write a finished run of both protocols with one draw more, and return its folder."""
    synthetic.write_windows(folder, n=30 + N, test=N, n_texts=50)
    (folder / "split.parquet").unlink()
    assert len(read_table(folder / "windows.parquet", WINDOWS)) == 30 + N
    config = defaults | {
        "dataset": folder.name,
        "protocols": ["song-disjoint", "published"],
        "shards": 3,
        "mirror": "/somewhere",
        "methods": list(METHODS),
        "split": defaults["split"] | {"seeds": [0, 1], "repeat_methods": list(METHODS)},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    draws: dict[str, list] = {}
    cells = {}
    for name, protocol, extra in (
        ("song-disjoint", "song-disjoint", 0.0),
        ("song-disjoint-1", "song-disjoint", 0.1),
        ("published", "published", 4.0),
        ("published-1", "published", 4.1),
    ):
        cells[name] = cells_of(*write_split(folder / name, protocol, skill + extra))
        draws.setdefault(protocol, []).append(cells[name])
    write_table(folder / "split_means.parquet", SPLIT_MEANS, list(mean_rows(draws)))
    differences = list(protocol_rows(cells["song-disjoint"], cells["published"], 0.95))
    write_table(folder / "protocol_differences.parquet", PROTOCOL_DIFFERENCES, differences)
    write_benchmark(folder / "benchmarks/ingest/0.tsv", "10", "8", "100")
    write_benchmark(folder / "song-disjoint/benchmarks/train/cca-0.tsv", "4", "7", "300")
    return folder
