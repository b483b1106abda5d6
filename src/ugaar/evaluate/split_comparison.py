"""Splits side by side: what duplicates add to retrieval, and what a draw of the folds changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from ugaar.errors import DataError
from ugaar.evaluate.bootstrap import interval
from ugaar.evaluate.paper_tables import (
    Block,
    Cell,
    PrintedTable,
    Row,
    direction_label,
    method_label,
    method_order,
)
from ugaar.evaluate.summary import RankGrid, Resampled
from ugaar.score.split import PUBLISHED, SONG_DISJOINT
from ugaar.tables import DIRECTIONS

COMPARED = ("R@1", "MedR", "MedR/N")
"""Metrics whose change from one protocol to the other is reported."""

Cells = dict[tuple[str, str, int], dict[str, Resampled]]


def cells_of(grids: Sequence[RankGrid], metrics: Sequence[dict[str, Resampled]]) -> Cells:
    """Return the metrics of one split by method, direction and gallery size."""
    return {
        (grid.method, grid.direction, grid.gallery_size): found
        for grid, found in zip(grids, metrics, strict=True)
    }


def protocol_rows(
    song_disjoint: Cells, published: Cells, confidence: float
) -> Iterator[dict[str, object]]:
    """Yield what each metric changes from song-disjoint to published folds.

    Only galleries of equal size are compared. The two protocols ask different windows, so their
    resamples are independent; methods have the same training seeds in both.

    Args:
        song_disjoint: metrics of the song-disjoint split.
        published: metrics of the published split.
        confidence: level of the intervals, such as 0.95.

    Raises:
        DataError: no method was ranked in galleries of one size under both.
    """
    shared = sorted(
        song_disjoint.keys() & published.keys(),
        key=lambda key: (-key[2], method_order({key[0]}), key[0], DIRECTIONS.index(key[1])),
    )
    if not shared:
        raise DataError(
            "the protocols have no gallery size in common; add one to evaluate.galleries that "
            "is smaller than both test folds"
        )
    for key in shared:
        for name in COMPARED:
            ours, theirs = song_disjoint[key][name], published[key][name]
            # Equal sizes share their draws: set each resample beside the next one of the other.
            samples = np.roll(theirs.pooled, 1) - ours.pooled
            low, high = interval(samples, confidence)
            yield {
                "method": key[0],
                "direction": key[1],
                "metric": name,
                "gallery_size": key[2],
                "song_disjoint": float(ours.by_seed.mean()),
                "published": float(theirs.by_seed.mean()),
                "difference": float(theirs.by_seed.mean() - ours.by_seed.mean()),
                "ci_low": low,
                "ci_high": high,
            }


def mean_rows(splits: Mapping[str, Sequence[Cells]]) -> Iterator[dict[str, object]]:
    """Yield means over draws of the folds.

    Args:
        splits: protocol -> the metrics of each of its draws.

    Yields:
        Rows of the split_means table, for what every draw of a protocol has.
    """
    for protocol, draws in splits.items():
        shared = set.intersection(*(set(cells) for cells in draws))
        # The whole folds of two draws may differ by a few windows; they are one row.
        folds = [max(size for _, _, size in cells) for cells in draws]
        names = {(method, direction) for method, direction, _ in draws[0]}
        wanted = {key: [key] * len(draws) for key in shared} | {
            (*name, folds[0]): [(*name, fold) for fold in folds]
            for name in names
            if all((*name, fold) in cells for cells, fold in zip(draws, folds, strict=True))
        }
        for key in sorted(wanted, key=lambda one: (-one[2], one[0], DIRECTIONS.index(one[1]))):
            found = [cells[place] for cells, place in zip(draws, wanted[key], strict=True)]
            for metric in found[0]:
                values = np.array([metrics[metric].by_seed.mean() for metrics in found])
                yield {
                    "protocol": protocol,
                    "method": key[0],
                    "direction": key[1],
                    "metric": metric,
                    "gallery_size": key[2],
                    "n_splits": len(values),
                    "value": float(values.mean()),
                    "std": float(values.std(ddof=1)) if len(values) > 1 else None,
                    "lowest": float(values.min()),
                    "highest": float(values.max()),
                }


def protocols_table(rows: Iterable[Mapping], notes: Sequence[str]) -> PrintedTable:
    """Return both protocols side by side: a block for each gallery size and metric.

    Args:
        rows: rows of the protocol_differences table.
        notes: sentences below the table.
    """
    blocks: dict[tuple[int, str], dict[str, dict[str, Mapping]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for row in rows:
        blocks[row["gallery_size"], row["metric"]][row["method"]][row["direction"]] = row
    columns = ("song-disjoint", "published", "difference")

    def cells(found: Mapping[str, Mapping], metric: str) -> Iterator[Cell | None]:
        for direction in DIRECTIONS:
            row = found.get(direction)
            if row is None:
                yield from (None, None, None)
                continue
            yield Cell(metric, row["song_disjoint"])
            yield Cell(metric, row["published"])
            yield Cell(metric, row["difference"], None, row["ci_low"], row["ci_high"], signed=True)

    return PrintedTable(
        "protocols",
        "What duplicates add: song-disjoint and published folds at equal gallery size",
        ("Method",),
        tuple((direction_label(direction), columns) for direction in DIRECTIONS),
        tuple(
            Block(
                f"{metric}, galleries of {size} windows",
                tuple(
                    Row((method_label(method),), tuple(cells(methods[method], metric)))
                    for method in method_order(set(methods))
                ),
            )
            for (size, metric), methods in blocks.items()
        ),
        tuple(notes),
    )


def splits_table(rows: Iterable[Mapping], notes: Sequence[str]) -> PrintedTable:
    """Return the means over draws of the folds, with spread and range.

    Args:
        rows: rows of the split_means table.
        notes: sentences below the table.
    """
    metrics = ("R@1", "R@10", "MedR")
    lines: dict[tuple[str, str, int, int], dict[tuple[str, str], Mapping]] = defaultdict(dict)
    for row in rows:
        line = (row["protocol"], row["method"], row["gallery_size"], row["n_splits"])
        lines[line][row["direction"], row["metric"]] = row

    def cell(found: Mapping[tuple[str, str], Mapping], key: tuple[str, str]) -> Cell | None:
        row = found.get(key)
        if row is None:
            return None
        return Cell(key[1], row["value"], row["std"], row["lowest"], row["highest"])

    return PrintedTable(
        "splits",
        "Means over draws of the folds",
        ("Method", "Protocol", "N", "Draws"),
        tuple((direction_label(direction), metrics) for direction in DIRECTIONS),
        tuple(
            Block(
                heading,
                tuple(
                    Row(
                        (method_label(method), protocol, str(size), str(n_splits)),
                        tuple(
                            cell(found, (direction, metric))
                            for direction in DIRECTIONS
                            for metric in metrics
                        ),
                    )
                    for (protocol, method, size, n_splits), found in lines.items()
                    if (protocol == chosen)
                ),
            )
            for chosen, heading in (
                (SONG_DISJOINT, "Song-disjoint"),
                (PUBLISHED, "Published"),
            )
        ),
        tuple(notes),
    )
