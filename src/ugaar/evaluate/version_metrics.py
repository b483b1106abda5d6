"""From the scores of recordings to precision at 1 and mean average precision, with intervals.

A few works have most recordings, so each work counts the same: the mean over its recordings, then
over works. Works are what a new collection would differ in; the interval resamples them and seeds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ugaar.evaluate.bootstrap import draw, interval, over_seeds, resample

CHANCE = "chance"
METRICS: Mapping[str, str] = {"P@1": "precision_at_1", "MAP": "average_precision"}
"""Printed name -> column of the scores."""

WORKS, RECORDINGS = "works", "recordings"

System = tuple[str, int]
Setting = tuple[str, str, int]
"""Gallery, answers, length of the query in seconds."""


@dataclass(frozen=True)
class Scores:
    """The scores of one system in one setting, in percent.

    Attributes:
        seeds: training seeds.
        works: (recordings,) work of each recording.
        values: column of the scores -> (seeds, recordings).
        n_queries: number of queries of all recordings.
    """

    seeds: list[int]
    works: NDArray[np.str_]
    values: Mapping[str, NDArray[np.float64]]
    n_queries: int

    def by_work(self, column: str) -> NDArray[np.float64]:
        """Return (seeds, works) means over the recordings of each work, in the order of names."""
        values = self.values[column]
        names = np.unique(self.works)
        return np.stack([values[:, self.works == name].mean(axis=1) for name in names], axis=1)


def gather(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[System, Setting], Scores]:
    """Gather rows of the scores table; every seed of a system has the same recordings."""
    parts: dict[tuple[System, Setting], dict[int, list[Mapping]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in rows:
        system = row["system"], row["dimensions"]
        setting = row["gallery"], row["answers"], row["query_s"]
        parts[system, setting][row["seed"]].append(row)
    found = {}
    for key, seeds in sorted(parts.items()):
        grid = [sorted(seeds[seed], key=lambda row: row["recording_id"]) for seed in sorted(seeds)]
        columns = [*METRICS.values(), *(f"chance_{name}" for name in METRICS.values())]
        found[key] = Scores(
            sorted(seeds),
            np.array([row["work"] for row in grid[0]]),
            {
                name: 100.0 * np.array([[row[name] for row in part] for part in grid])
                for name in columns
            },
            sum(row["n_queries"] for row in grid[0]),
        )
    return found


def metric_rows(
    gathered: Mapping[tuple[System, Setting], Scores], resamples: int, confidence: float
) -> Iterator[dict[str, Any]]:
    """Yield rows of the metrics table: each seed, the mean over seeds, and exact chance."""
    seen = set()
    for ((system, dimensions), setting), scores in gathered.items():
        for metric, column in METRICS.items():
            for unit in (WORKS, RECORDINGS):
                if (setting, metric, unit) not in seen:
                    seen.add((setting, metric, unit))
                    values = _units(scores, f"chance_{column}", unit)[:1]
                    yield {
                        **_named(CHANCE, 0, setting, metric, unit, scores, 0),
                        **_spread(values),
                    }
                values = _units(scores, column, unit)
                for seed, of_seed in zip(scores.seeds, values, strict=True):
                    yield {
                        **_named(system, dimensions, setting, metric, unit, scores, 1),
                        **_spread(of_seed[None]),
                        "seed": seed,
                    }
                draws = draw(resamples, values.shape[1], len(scores.seeds))
                samples = over_seeds(resample(values, draws.queries, median=False), draws.seeds)
                low, high = interval(samples, confidence)
                spread = float(values.mean(axis=1).std(ddof=1)) if len(values) > 1 else None
                yield {
                    **_named(system, dimensions, setting, metric, unit, scores, len(scores.seeds)),
                    **_spread(values),
                    "std": spread,
                    "ci_low": low,
                    "ci_high": high,
                }


def comparison_rows(
    gathered: Mapping[tuple[System, Setting], Scores], resamples: int, confidence: float
) -> Iterator[dict[str, Any]]:
    """Yield each network minus PCA of the same length, and each of both minus the raw shingle."""
    for (system, setting), scores in gathered.items():
        for reference in sorted({other for other, where in gathered if where == setting}):
            same_length = reference == ("pca", system[1]) and system[0] == "network"
            if not (same_length or (reference[0] == "raw" and system[0] != "raw")):
                continue
            for metric, column in METRICS.items():
                ours = scores.by_work(column)
                theirs = gathered[reference, setting].by_work(column).mean(axis=0)
                difference = ours - theirs
                draws = draw(resamples, difference.shape[1], len(difference))
                samples = over_seeds(resample(difference, draws.queries, False), draws.seeds)
                low, high = interval(samples, confidence)
                yield {
                    "system": system[0],
                    "dimensions": system[1],
                    "reference": reference[0],
                    "reference_dimensions": reference[1],
                    **_of_setting(setting),
                    "metric": metric,
                    "difference": float(difference.mean()),
                    "ci_low": low,
                    "ci_high": high,
                    "n_better": int((difference.mean(axis=0) > 0).sum()),
                    "n_works": difference.shape[1],
                }


def _units(scores: Scores, column: str, unit: str) -> NDArray[np.float64]:
    return scores.by_work(column) if unit == WORKS else scores.values[column]


def _of_setting(setting: Setting) -> dict[str, Any]:
    return dict(zip(("gallery", "answers", "query_s"), setting, strict=True))


def _named(
    system: str,
    dimensions: int,
    setting: Setting,
    metric: str,
    unit: str,
    scores: Scores,
    n_seeds: int,
) -> dict[str, Any]:
    return {
        "system": system,
        "dimensions": dimensions,
        "seed": None,
        **_of_setting(setting),
        "mean_over": unit,
        "metric": metric,
        "std": None,
        "ci_low": None,
        "ci_high": None,
        "n_queries": scores.n_queries,
        "n_recordings": len(scores.works),
        "n_works": len(np.unique(scores.works)),
        "n_seeds": n_seeds,
    }


def _spread(values: NDArray[np.float64]) -> dict[str, float]:
    """Return the mean and the extremes over units of (seeds, units) values."""
    units = values.mean(axis=0)
    return {
        "value": float(units.mean()),
        "lowest": float(units.min()),
        "highest": float(units.max()),
    }
