"""Exact ranks in six directions: blocked counting against a full argsort, in one run.

    OMP_NUM_THREADS=1 python benchmarks/evaluate_ranks.py --n 3000

Both compute the same float32 scores; their matrix products may round differently, so ranks of
nearly equal scores may differ (counted). Time is the best of a few repeats; memory is the peak of
Python and numpy allocations (tracemalloc), taken in a run of its own because tracing costs time.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Callable
from itertools import permutations

import numpy as np

from ugaar.evaluate.ranks import rank_matches

MIB = 2**20


def blocked(queries: np.ndarray, gallery: np.ndarray, content: list[str]) -> np.ndarray:
    """Return the ranks by counting better items in blocks."""
    n_better, _ = rank_matches(queries, gallery, content, "cosine")
    return n_better + 1


def full_sort(queries: np.ndarray, gallery: np.ndarray, content: list[str]) -> np.ndarray:
    """Return the ranks as is commonly done: the whole score matrix, sorted row by row."""
    queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    gallery = gallery / np.linalg.norm(gallery, axis=1, keepdims=True)
    order = np.argsort(-(queries @ gallery.T), axis=1)
    return np.argmax(order == np.arange(len(queries))[:, None], axis=1) + 1


def measure(
    rank: Callable[[np.ndarray, np.ndarray, list[str]], np.ndarray],
    vectors: list[np.ndarray],
    content: list[str],
    repeats: int,
) -> tuple[float, float, np.ndarray]:
    """Return the best wall time (s), the peak memory (MiB) and the ranks of the six directions."""

    def six() -> np.ndarray:
        return np.stack(
            [rank(query, gallery, content) for query, gallery in permutations(vectors, 2)]
        )

    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        ranks = six()
        seconds.append(time.perf_counter() - start)
    tracemalloc.start()
    six()
    peak = tracemalloc.get_traced_memory()[1] / MIB
    tracemalloc.stop()
    return min(seconds), peak, ranks


def main() -> None:
    """Measure both ways on the same vectors and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=3000, help="windows in the gallery")
    parser.add_argument("--dimensions", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    hidden = random.normal(size=(arguments.n, arguments.dimensions))
    vectors = [(hidden + 2 * random.normal(size=hidden.shape)).astype(np.float32) for _ in range(3)]
    content = [str(number) for number in range(arguments.n)]
    counted = measure(blocked, vectors, content, arguments.repeats)
    sorted_ = measure(full_sort, vectors, content, arguments.repeats)
    different = float(np.mean(counted[2] != sorted_[2]))
    print(f"N = {arguments.n}, {arguments.dimensions} dimensions, six directions")
    print(f"blocked counting: {counted[0]:.3f} s, peak {counted[1]:.0f} MiB")
    print(f"full argsort:     {sorted_[0]:.3f} s, peak {sorted_[1]:.0f} MiB")
    faster, smaller = sorted_[0] / counted[0], sorted_[1] / counted[1]
    print(f"ratio: {faster:.1f} x faster, {smaller:.1f} x less memory")
    print(f"ranks that differ by rounding: {100 * different:.3f} %")


if __name__ == "__main__":
    main()
