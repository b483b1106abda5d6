"""From ranks to metrics and paired differences, with intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ugaar.errors import DataError
from ugaar.evaluate.bootstrap import draw, interval, over_seeds, resample
from ugaar.evaluate.metrics import chance_values, metrics_of
from ugaar.tables import DIRECTIONS

CHANCE = "chance"

PAIRS = (
    ("baseline-gan", "baseline"),
    ("ugaar", "baseline-gan"),
    ("ugaar", "baseline"),
    ("ugaar", "baseline-longer"),
    ("cca", "ugaar"),
)
"""Methods that are compared on the same queries, each with its reference."""

COMPARED = ("R@1", "R@10", "MRR", "MedR/N")
"""Metrics that are compared."""

MEAN = "mean over six"
"""Direction of a row that averages the six directions."""


@dataclass(frozen=True)
class RankGrid:
    """The ranks of one method in one direction: every seed ranks the same queries.

    Attributes:
        protocol: split protocol.
        method: name of the method.
        direction: <query modality>-to-<gallery modality>.
        seeds: S seeds, ascending.
        windows: Q query windows, ascending.
        n_better: (S, Q) gallery items strictly better than the right answer.
        n_tied: (S, Q) items tied with it, itself included.
        gallery_size: number of gallery items.
    """

    protocol: str
    method: str
    direction: str
    seeds: tuple[int, ...]
    windows: tuple[str, ...]
    n_better: np.ndarray
    n_tied: np.ndarray
    gallery_size: int


@dataclass(frozen=True)
class Resampled:
    """One metric of one method in one direction, with its bootstrap.

    Attributes:
        by_seed: (S,) value of each seed.
        resampled: (resamples, S) value of each seed in each resample of the queries.
        pooled: (resamples,) means over the drawn seeds.
        chance: exact value of a random order.
    """

    by_seed: np.ndarray
    resampled: np.ndarray
    pooled: np.ndarray
    chance: float


def rank_grids(ranks: pa.Table) -> list[RankGrid]:
    """Sort a ranks table into grids of seeds and queries.

    Args:
        ranks: rows of the ranks table, in any order.

    Returns:
        Grids ordered by protocol, method, direction and falling size of the gallery.

    Raises:
        DataError: a seed lacks queries that another has, a query is there twice, or methods were
            ranked in galleries of different size.
    """
    protocols, protocol = _coded(ranks["protocol"])
    methods, method = _coded(ranks["method"])
    directions, direction = _coded(ranks["direction"])
    names, window = _coded(ranks["window_id"])
    direction = np.array([DIRECTIONS.index(name) for name in directions], dtype=np.int32)[direction]
    seed, size, n_better, n_tied = (
        ranks[name].to_numpy() for name in ("seed", "gallery_size", "n_better", "n_tied")
    )
    keys = (protocol, method, direction, -size)
    order = np.lexsort((window, seed, *reversed(keys)))
    steps = np.any([np.diff(key[order]) != 0 for key in keys], axis=0)
    grids = []
    shared: dict[bytes, tuple[str, ...]] = {}
    for rows in np.split(order, np.flatnonzero(steps) + 1) if len(order) else ():
        place = (
            protocols[protocol[rows[0]]],
            methods[method[rows[0]]],
            DIRECTIONS[direction[rows[0]]],
        )
        gallery_size = int(size[rows[0]])
        seeds, queries = np.unique(seed[rows]), np.unique(window[rows])
        shape = (len(seeds), len(queries))
        if len(rows) != shape[0] * shape[1] or (window[rows].reshape(shape) != queries).any():
            raise DataError(
                f"ranks of {place[1]}, {place[2]} ({place[0]}, gallery {gallery_size}): "
                f"{len(rows)} rows for {shape[0]} seeds and {shape[1]} queries; every seed "
                "must rank the same queries once: evaluate the method again"
            )
        # Galleries of one size have the same queries in every direction: one tuple for all.
        windows = shared.setdefault(queries.tobytes(), tuple(names[code] for code in queries))
        grids.append(
            RankGrid(
                *place,
                tuple(seeds.tolist()),
                windows,
                n_better[rows].reshape(shape),
                n_tied[rows].reshape(shape),
                gallery_size,
            )
        )
    _check_galleries(grids)
    return grids


def _coded(column: pa.ChunkedArray) -> tuple[list[str], np.ndarray]:
    """Return the values of a text column in order, and for each row the number of its value."""
    coded = column.combine_chunks().dictionary_encode()
    values = coded.dictionary.to_pylist()
    ascending = sorted(range(len(values)), key=values.__getitem__)
    number = np.empty(len(values), dtype=np.int32)
    number[ascending] = np.arange(len(values), dtype=np.int32)
    return [values[place] for place in ascending], number[coded.indices.to_numpy()]


def _check_galleries(grids: Sequence[RankGrid]) -> None:
    """Raise `DataError` if two methods of a protocol were ranked in galleries of other sizes."""
    found: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for grid in grids:
        found[grid.protocol, grid.method, grid.direction].add(grid.gallery_size)
    first: dict[str, tuple[set[int], tuple[str, str, str]]] = {}
    for key, sizes in found.items():
        expected, other = first.setdefault(key[0], (sizes, key))
        if sizes != expected:
            raise DataError(
                f"ranks of {key[1]}, {key[2]} ({key[0]}): galleries of {sorted(sizes)} items, but "
                f"{sorted(expected)} in {other[1]}, {other[2]}; metrics compare only on equal "
                "galleries: evaluate all methods on the same windows"
            )


def largest_galleries(grids: Sequence[RankGrid]) -> list[RankGrid]:
    """Return the grids of each protocol's largest gallery, its whole fold."""
    largest: dict[str, int] = defaultdict(int)
    for grid in grids:
        largest[grid.protocol] = max(largest[grid.protocol], grid.gallery_size)
    return [grid for grid in grids if grid.gallery_size == largest[grid.protocol]]


def resample_metrics(
    grid: RankGrid, top_k: Iterable[int], n_resamples: int
) -> dict[str, Resampled]:
    """Return the metrics of a grid with their bootstrap; equal sizes share their draws."""
    draws = draw(n_resamples, len(grid.windows), len(grid.seeds))
    found: dict[str, Resampled] = {}
    for metric in metrics_of(grid.n_better, grid.n_tied, grid.gallery_size, top_k):
        if metric.name == "MedR/N":
            # A median scales with its values: no second resampling.
            resampled = found["MedR"].resampled / grid.gallery_size
        else:
            resampled = resample(metric.per_query, draws.queries, metric.median)
        found[metric.name] = Resampled(
            metric.by_seed(), resampled, over_seeds(resampled, draws.seeds), metric.chance
        )
    return found


def metric_rows(grid: RankGrid, metrics: dict[str, Resampled], confidence: float) -> Iterator[dict]:
    """Yield rows of the metrics table: one a metric and seed, then one for all seeds.

    A seed's interval is over queries alone. The spread of one seed is unknown: its std is null.
    """
    for name, metric in metrics.items():
        base = {
            "protocol": grid.protocol,
            "method": grid.method,
            "direction": grid.direction,
            "metric": name,
            "n_queries": len(grid.windows),
            "gallery_size": grid.gallery_size,
        }
        for number, seed in enumerate(grid.seeds):
            low, high = interval(metric.resampled[:, number], confidence)
            yield base | {
                "seed": seed,
                "value": float(metric.by_seed[number]),
                "std": None,
                "ci_low": low,
                "ci_high": high,
                "n_seeds": 1,
            }
        low, high = interval(metric.pooled, confidence)
        several = len(grid.seeds) > 1
        yield base | {
            "seed": None,
            "value": float(metric.by_seed.mean()),
            "std": float(metric.by_seed.std(ddof=1)) if several else None,
            "ci_low": low,
            "ci_high": high,
            "n_seeds": len(grid.seeds),
        }


def chance_rows(grids: Sequence[RankGrid], top_k: Iterable[int]) -> Iterator[dict]:
    """Yield the exact chance rows, one a protocol, gallery, direction and metric; no seeds."""
    done = set()
    for grid in grids:
        if (grid.protocol, grid.direction, grid.gallery_size) in done:
            continue
        done.add((grid.protocol, grid.direction, grid.gallery_size))
        for name, value in chance_values(grid.gallery_size, top_k).items():
            yield {
                "protocol": grid.protocol,
                "method": CHANCE,
                "seed": None,
                "direction": grid.direction,
                "metric": name,
                "value": value,
                "std": None,
                "ci_low": None,
                "ci_high": None,
                "n_queries": len(grid.windows),
                "gallery_size": grid.gallery_size,
                "n_seeds": 0,
            }


def comparison_rows(
    grids: Sequence[RankGrid],
    metrics: Sequence[dict[str, Resampled]],
    confidence: float,
) -> Iterator[dict]:
    """Yield the paired differences of `PAIRS`, in each direction and averaged over the six.

    Args:
        grids: ranks of all methods, one gallery size a protocol.
        metrics: their metrics, in the same order.
        confidence: level of the intervals, such as 0.95.

    Raises:
        DataError: two methods were ranked on different queries.
    """
    place = {
        (grid.protocol, grid.method, grid.direction): number for number, grid in enumerate(grids)
    }
    for protocol in sorted({grid.protocol for grid in grids}):
        for method, reference in PAIRS:
            shared = [
                (
                    direction,
                    place[protocol, method, direction],
                    place[protocol, reference, direction],
                )
                for direction in DIRECTIONS
                if (protocol, method, direction) in place
                and (protocol, reference, direction) in place
            ]
            differences: dict[str, list[tuple[float, np.ndarray]]] = defaultdict(list)
            for direction, one, other in shared:
                if grids[one].windows != grids[other].windows:
                    raise DataError(
                        f"{method} and {reference} were ranked on different queries in {direction};"
                        " evaluate both on the same windows"
                    )
                for name in COMPARED:
                    if name not in metrics[one]:
                        continue
                    ours, theirs = metrics[one][name], metrics[other][name]
                    differences[name].append(
                        (ours.by_seed.mean() - theirs.by_seed.mean(), ours.pooled - theirs.pooled)
                    )
            directions = [direction for direction, _, _ in shared]
            for name, values in differences.items():
                if len(values) == len(DIRECTIONS):
                    mean = float(np.mean([value for value, _ in values]))
                    samples = np.mean([sample for _, sample in values], axis=0)
                    named = [*zip(directions, values, strict=True), (MEAN, (mean, samples))]
                else:
                    named = list(zip(directions, values, strict=True))
                for direction, (value, sample) in named:
                    low, high = interval(sample, confidence)
                    yield {
                        "protocol": protocol,
                        "method": method,
                        "reference": reference,
                        "direction": direction,
                        "metric": name,
                        "difference": float(value),
                        "ci_low": low,
                        "ci_high": high,
                    }
