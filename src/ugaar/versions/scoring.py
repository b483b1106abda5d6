"""How well the shingles of each recording find other versions of its work.

Exact: every query is compared with the whole gallery, one recording's queries at a time, so memory
is (queries of a recording) x (gallery).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ugaar.versions.pairs import Folds, Places
from ugaar.versions.precision import average_precision, chance, right_at_1
from ugaar.versions.recordings import Shingles

TEST_WORKS, ALL_WORKS = "test-works", "all-works"
SHINGLES, PASSAGES, RECORDINGS = "shingles", "passages", "recordings"


@dataclass(frozen=True)
class Asked:
    """What is asked.

    Attributes:
        query_step: seconds between the queries of a recording.
        query_s: lengths of a query that looks for recordings, seconds; a longer one is a row of
            shingles, `query_step` apart. 0 = the whole recording.
        passage_s: how far a shingle may start from the aligned second to show the same passage.
    """

    query_step: int
    query_s: Sequence[int]
    passage_s: int


@dataclass
class _Sums:
    """Sums over the queries of a recording."""

    n_queries: int = 0
    gallery_size: int = 0
    values: NDArray[np.float64] = field(default_factory=lambda: np.zeros(4))

    def add(self, right: NDArray[np.floating], wrong: NDArray[np.floating]) -> None:
        """Count a query, given the distances of right and wrong answers; none right = no query."""
        if not len(right):
            return
        self.n_queries += 1
        self.gallery_size = max(self.gallery_size, len(right) + len(wrong))
        self.values += [
            right_at_1(right, wrong),
            average_precision(right, wrong),
            *chance(len(right), len(right) + len(wrong)),
        ]


def score_recording(
    number: int,
    distances: NDArray[np.float32],
    shingles: Shingles,
    folds: Folds,
    places: Places,
    asked: Asked,
) -> Iterator[dict[str, Any]]:
    """Yield the scores of one recording's queries.

    Its own shingles and those of copies of the same performance are left out of the gallery.

    Args:
        number: number of the recording.
        distances: (queries, all shingles) distances; queries are `query_step` seconds apart.
        shingles: all shingles.
        folds: fold and copies of each recording.
        places: alignments of the recording with the other versions.
        asked: what is asked.
    """
    works = np.array(shingles.works)
    same_work = works == works[number]
    others = folds.copies != folds.copies[number]
    nearest = np.minimum.reduceat(distances, shingles.starts, axis=1)
    for gallery, inside in (
        (TEST_WORKS, others & (folds.fold == folds.fold[number])),
        (ALL_WORKS, others),
    ):
        is_right = (inside & same_work)[shingles.recording]
        is_wrong = (inside & ~same_work)[shingles.recording]
        passages = _passages(number, shingles, places, np.flatnonzero(inside & same_work), asked)
        of_shingles, of_passages = _Sums(), _Sums()
        for row, passage in zip(distances, passages, strict=True):
            wrong = np.sort(row[is_wrong])
            of_shingles.add(row[is_right], wrong)
            of_passages.add(row[passage], wrong)
        yield from _row(gallery, SHINGLES, shingles.length, of_shingles)
        yield from _row(gallery, PASSAGES, shingles.length, of_passages)
        for query_s in asked.query_s:
            count = len(nearest)
            if query_s:
                count = (query_s - shingles.length) // asked.query_step + 1
            of_recordings = _Sums()
            for start in range(len(nearest) - count + 1):
                mean = nearest[start : start + count].mean(axis=0)
                of_recordings.add(mean[inside & same_work], mean[inside & ~same_work])
            yield from _row(gallery, RECORDINGS, query_s, of_recordings)


def _passages(
    number: int,
    shingles: Shingles,
    places: Places,
    versions: NDArray[np.integer],
    asked: Asked,
) -> list[NDArray[np.int64]]:
    """Return for each query the shingles that show its passage in the given versions."""
    seconds = np.arange(0, shingles.counts[number], asked.query_step)
    found: list[list[NDArray[np.int64]]] = [[] for _ in seconds]
    for version in versions:
        starts = places.of_shingles(shingles, number, int(version))[seconds]
        last = shingles.counts[version] - 1
        low = np.maximum(starts - asked.passage_s, 0)
        high = np.minimum(starts + asked.passage_s, last)
        for query, (first, stop) in enumerate(zip(low, high + 1, strict=True)):
            found[query].append(shingles.starts[version] + np.arange(first, stop))
    return [np.concatenate(parts) if parts else np.zeros(0, np.int64) for parts in found]


def _row(gallery: str, answers: str, query_s: int, sums: _Sums) -> Iterator[dict[str, Any]]:
    if not sums.n_queries:
        return
    precision, average, chance_precision, chance_average = sums.values / sums.n_queries
    yield {
        "gallery": gallery,
        "answers": answers,
        "query_s": query_s,
        "n_queries": sums.n_queries,
        "gallery_size": sums.gallery_size,
        "precision_at_1": precision,
        "average_precision": average,
        "chance_precision_at_1": chance_precision,
        "chance_average_precision": chance_average,
    }


def squared_distances(
    queries: NDArray[np.float32], gallery: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return (queries, gallery) squared Euclidean distances."""
    found = queries @ gallery.T
    found *= -2.0
    found += (queries**2).sum(axis=1)[:, None]
    found += (gallery**2).sum(axis=1)
    return np.maximum(found, 0.0, out=found)


def score_fold(
    codes: NDArray[np.float32],
    recordings: Iterable[int],
    shingles: Shingles,
    folds: Folds,
    places: Places,
    asked: Asked,
    done: Callable[[], None] = lambda: None,
) -> Iterator[dict[str, Any]]:
    """Yield the scores of some recordings, with their names and works.

    Args:
        codes: (all shingles, dimensions) codes of the model that tests these recordings.
        recordings: numbers of the recordings whose shingles are queries.
        shingles: all shingles.
        folds: fold and copies of each recording.
        places: alignments.
        asked: what is asked.
        done: called after each recording.
    """
    for number in recordings:
        first = shingles.starts[number]
        queries = codes[first : first + shingles.counts[number] : asked.query_step]
        distances = squared_distances(queries, codes)
        named = {"recording_id": shingles.names[number], "work": shingles.works[number]}
        for row in score_recording(number, distances, shingles, folds, places, asked):
            yield named | row
        done()
