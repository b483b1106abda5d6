"""From the ranks of audio-sheet systems to metrics, chance and ceilings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ugaar.errors import DataError
from ugaar.evaluate.bootstrap import draw, interval, over_seeds
from ugaar.evaluate.metrics import chance_values, metrics_of
from ugaar.evaluate.piece_bootstrap import resample_pieces
from ugaar.evaluate.snippet_ranks import EXACT

TOP_K = (1, 5, 10, 25)
"""Cut-offs of the published tables."""

METRICS = (*(f"R@{k}" for k in TOP_K), "MedR", "MRR")

CHANCE = "chance"
CEILING = "ceiling-"
"""Start of the names of ceilings; what tells snippets apart there follows."""


@dataclass(frozen=True)
class Group:
    """What the ranks of one cell have in common.

    Attributes:
        system: name of the system.
        condition: how the test pieces sound and look.
        direction: audio-to-sheet or sheet-to-audio.
        gallery_size: number of gallery items.
        right: what counts as right.
    """

    system: str
    condition: str
    direction: str
    gallery_size: int
    right: str


@dataclass(frozen=True)
class SystemGrid:
    """The ranks of one system in one cell: every seed ranks the same queries.

    Attributes:
        group: what they have in common.
        seeds: S seeds, ascending.
        pieces: P piece identifiers, ascending.
        piece_of: (Q,) number of the piece of each query, ascending.
        notes: (Q,) number of the onset of each query in its piece.
        n_better: (S, Q) wrong items strictly better than the best right answer.
        n_tied: (S, Q) wrong items tied with it, plus one.
    """

    group: Group
    seeds: tuple[int, ...]
    pieces: tuple[str, ...]
    piece_of: np.ndarray
    notes: np.ndarray
    n_better: np.ndarray
    n_tied: np.ndarray

    def places(self) -> list[tuple[str, int]]:
        """Return (piece, note) of each query."""
        names = [self.pieces[number] for number in self.piece_of]
        return list(zip(names, self.notes.tolist(), strict=True))


def system_grids(ranks: pa.Table) -> list[SystemGrid]:
    """Sort a system_ranks table into grids of seeds and queries, by the fields of `Group`.

    Args:
        ranks: rows of the table, in any order.

    Raises:
        DataError: a seed lacks queries that another has, or a query is there twice.
    """
    names: list[list[str]] = []
    keys = []
    for column in ("system", "condition", "direction"):
        values, numbers = _numbered(ranks[column])
        names.append(values)
        keys.append(numbers)
    rights, right = _numbered(ranks["right"])
    pieces, piece = _numbered(ranks["piece_id"])
    size, seed, note, n_better, n_tied = (
        ranks[name].to_numpy() for name in ("gallery_size", "seed", "note", "n_better", "n_tied")
    )
    keys += [-size.astype(np.int64), right]
    order = np.lexsort((note, piece, seed, *reversed(keys)))
    steps = np.any([np.diff(key[order]) != 0 for key in keys], axis=0)
    grids = []
    for rows in np.split(order, np.flatnonzero(steps) + 1) if len(order) else ():
        first = rows[0]
        system, condition, direction = (
            values[key[first]] for values, key in zip(names, keys[:3], strict=True)
        )
        group = Group(system, condition, direction, int(size[first]), rights[right[first]])
        seeds = np.unique(seed[rows])
        queries = len(rows) // len(seeds)
        shape = (len(seeds), queries)
        if len(rows) != len(seeds) * queries or any(
            (values[rows].reshape(shape) != values[rows[:queries]]).any()
            for values in (piece, note)
        ):
            raise DataError(
                f"ranks of {group.system}, {group.condition}, {group.direction}: the seeds ranked "
                "different snippets; evaluate the system again with the codes of all seeds"
            )
        own = piece[rows[:queries]]
        present, piece_of = np.unique(own, return_inverse=True)
        grids.append(
            SystemGrid(
                group,
                tuple(seeds.tolist()),
                tuple(pieces[number] for number in present),
                piece_of,
                note[rows[:queries]],
                n_better[rows].reshape(shape),
                n_tied[rows].reshape(shape),
            )
        )
    return grids


def _numbered(column: pa.ChunkedArray) -> tuple[list[str], np.ndarray]:
    """Return the values of a text column in order, and for each row the number of its value."""
    coded = column.combine_chunks().dictionary_encode()
    values, number = np.unique(coded.dictionary.to_pylist(), return_inverse=True)
    return values.tolist(), number[coded.indices.to_numpy()]


def metric_rows(grid: SystemGrid, n_resamples: int, confidence: float) -> Iterator[dict]:
    """Yield rows of system_metrics: one a metric and seed, then one for all seeds.

    Intervals are over pieces, those of all seeds over pieces and seeds. The spread of one seed is
    unknown: its std is null.

    Args:
        grid: ranks of a system in one cell.
        n_resamples: number of bootstrap resamples.
        confidence: level of the intervals, such as 0.95.
    """
    draws = draw(n_resamples, len(grid.pieces), len(grid.seeds))
    for metric in metrics_of(grid.n_better, grid.n_tied, grid.group.gallery_size, TOP_K):
        if metric.name not in METRICS:
            continue
        by_seed = metric.by_seed()
        resampled = resample_pieces(metric.per_query, grid.piece_of, draws.queries, metric.median)
        base = _base(grid) | {"system": grid.group.system, "metric": metric.name}
        for number, seed in enumerate(grid.seeds):
            low, high = interval(resampled[:, number], confidence)
            value = float(by_seed[number])
            yield base | {"seed": seed, "value": value, "ci_low": low, "ci_high": high}
        low, high = interval(over_seeds(resampled, draws.seeds), confidence)
        std = float(by_seed.std(ddof=1)) if len(grid.seeds) > 1 else None
        value = float(by_seed.mean())
        yield base | {"value": value, "std": std, "ci_low": low, "ci_high": high}


def chance_rows(grid: SystemGrid) -> Iterator[dict]:
    """Yield the exact metrics of a random order, for a grid where only the snippet is right."""
    for name, value in chance_values(grid.group.gallery_size, TOP_K).items():
        if name in METRICS:
            yield _base(grid) | {"system": CHANCE, "metric": name, "value": value}


def ceiling_rows(
    grid: SystemGrid, content: Mapping[str, Mapping[tuple[str, int], int | str]]
) -> Iterator[dict]:
    """Yield the best that can be had where equal contents cannot be told apart.

    The best order has a query's m equal contents first. They are in a random order there, so the
    mean of P(rank <= 1) = 1 / m over the queries is the number of contents by that of snippets.

    Args:
        grid: a grid where only the snippet itself is right.
        content: what tells snippets apart -> (piece, note) -> its hash. One that does not know
            every snippet of the grid gives no rows.
    """
    places = grid.places()
    for name, hash_of in content.items():
        if any(one not in hash_of for one in places):
            continue
        _, place, sizes = np.unique(
            np.array([hash_of[one] for one in places]), return_inverse=True, return_counts=True
        )
        n_tied = sizes[place][None, :]
        for metric in metrics_of(np.zeros_like(n_tied), n_tied, grid.group.gallery_size, TOP_K):
            if metric.name in METRICS:
                value = float(metric.by_seed()[0])
                yield _base(grid) | {
                    "system": CEILING + name,
                    "metric": metric.name,
                    "value": value,
                }


def bound_rows(
    grids: Sequence[SystemGrid],
    content: Mapping[str, Mapping[tuple[str, int], int | str]],
    done: set[tuple],
) -> Iterator[dict]:
    """Yield chance and ceilings, once for each condition, direction and size of the gallery.

    Args:
        grids: grids of any systems.
        content: see `ceiling_rows`.
        done: cells that have their rows; those of this call are added.
    """
    for grid in grids:
        cell = (grid.group.condition, grid.group.direction, grid.group.gallery_size)
        if grid.group.right != EXACT or cell in done:
            continue
        done.add(cell)
        yield from chance_rows(grid)
        yield from ceiling_rows(grid, content)


def _base(grid: SystemGrid) -> dict:
    return {
        "seed": None,
        "condition": grid.group.condition,
        "direction": grid.group.direction,
        "right": grid.group.right,
        "std": None,
        "ci_low": None,
        "ci_high": None,
        "n_queries": len(grid.piece_of),
        "gallery_size": grid.group.gallery_size,
        "n_pieces": len(grid.pieces),
    }
