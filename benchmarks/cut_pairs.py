"""Time the pair pool against a loop over single pairs, and weigh it with 100 and 1,000 pieces.

    python benchmarks/cut_pairs.py [--batches 30] [--pieces 100 1000]

Plain: strips and spectrograms as lists of arrays in memory, and every pair of a batch cut,
augmented and converted by itself. Both cut the same random batches of 100 pairs, 80 x 100 pixels
and 92 x 84 frames, in CPU time of one thread. Memory: each size runs in a process of its own, which
writes the stores piece by piece, opens them and cuts; what a process holds for itself is told apart
from pages of the mapped files, which the system takes back when it needs them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ugaar.features.media_store import Layout, write_store
from ugaar.parquet_files import write_table
from ugaar.snippet_tables import SNIPPETS, SPECTROGRAM_INDEX, STRIP_INDEX
from ugaar.train.pair_pool import Augmentation, PairPool, Shape, read_pool

SHAPE = Shape(80, 100, 84)
BATCH = 100
COLUMNS, FRAMES, NOTES = 1200, 700, 60  # a tune of 35 s


def write_pieces(folder: Path, count: int) -> None:
    """Write snippets, a store of strips and one of spectrograms, of random content."""
    names = [f"{number:06d}" for number in range(count)]

    def media(rows: int, width: int, dtype: type) -> Iterator[tuple[str, np.ndarray]]:
        random = np.random.default_rng(0)
        for name in names:
            values = random.integers(0, 256, (rows, width), dtype=np.uint8)
            yield name, values.astype(dtype)

    for kind, rows, width, dtype, index in (
        ("strips", COLUMNS, 80, np.uint8, STRIP_INDEX),
        ("spectrograms", FRAMES, 92, np.float16, SPECTROGRAM_INDEX),
    ):
        layout = Layout(dict.fromkeys(names, rows), {n: n for n in names}, width, dtype)
        files = folder / f"{kind}.npy", folder / f"{kind}.parquet"
        write_store(*files, index, layout, media(rows, width, dtype), {"front_end": "20fps"})
    note = np.tile(np.arange(NOTES), count)
    zero = np.zeros(len(note), dtype=np.int64)
    places = {"piece_id": np.repeat(names, NOTES), "note": note, "fold": ["train"] * len(note)}
    places |= {"onset_s": note * 0.55, "frame_20fps": note * 11, "frame_31fps": note * 17}
    places |= {"x_px": note * 38.0 + 60, "twin_3": zero, "twin_5": zero, "twin_8": zero}
    write_table(folder / "snippets.parquet", SNIPPETS, places)


def open_pool(folder: Path) -> PairPool:
    """Open what `write_pieces` wrote."""
    strips, index = folder / "strips.npy", folder / "strips.parquet"
    spectrograms = [(folder / "spectrograms.npy", folder / "spectrograms.parquet")]
    return read_pool(folder / "snippets.parquet", strips, index, spectrograms, "train", "20fps")


class PlainPairs:
    """The same pairs, cut one after another from lists of arrays in memory."""

    def __init__(self, pool: PairPool) -> None:
        strips = {int(i): int(j) for i, j in zip(pool.strip_first, pool.strip_stop, strict=True)}
        self.strips = {i: np.array(pool.strips[i:j]).T.copy() for i, j in strips.items()}
        first, stop = pool.frame_first[0], pool.frame_stop[0]
        clips = {int(i): int(j) for i, j in zip(first, stop, strict=True)}
        self.clips = {i: np.array(pool.spectrograms[0][i:j]) for i, j in clips.items()}
        self.pool = pool

    def cut(self, chosen: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Cut and augment a batch."""
        pairs = [self._one(int(pair), random) for pair in chosen]
        crops, excerpts = zip(*pairs, strict=True)
        return np.stack(crops)[:, None], np.stack(excerpts)[:, None]

    def _one(self, pair: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        limits = Augmentation()
        shift = random.uniform(-1, 1) * limits.shift_px / 2
        scale = 1 + random.uniform(-1, 1) * limits.scaling
        late, tempo = random.integers(-1, 2), 1 + random.uniform(-1, 1) * limits.tempo
        rows = np.floor((np.arange(80) - 39.5) * scale + 40 + shift).astype(int)
        columns = np.floor((np.arange(100) - 49.5) * scale + self.pool.column[pair]).astype(int)
        crop = _pick(self.strips[int(self.pool.strip_first[pair])], rows, columns, 255)
        steps = np.rint((np.arange(84) - 42) * tempo).astype(int)
        frames = steps + self.pool.frame[0, pair] + late
        clip = self.clips[int(self.pool.frame_first[0, pair])]
        excerpt = _pick(clip, frames, np.arange(92), 0)
        return crop / np.float32(255), excerpt.T.astype(np.float32)


def _pick(image: np.ndarray, rows: np.ndarray, columns: np.ndarray, outside: int) -> np.ndarray:
    picked = image[np.clip(rows, 0, len(image) - 1)]
    picked = picked[:, np.clip(columns, 0, image.shape[1] - 1)]
    picked[(rows < 0) | (rows >= len(image))] = outside
    picked[:, (columns < 0) | (columns >= image.shape[1])] = outside
    return picked


def milliseconds(batches: int, n_pairs: int, cut) -> float:  # noqa: ANN001
    """Return the median CPU time of a batch; the first, which reads from disk, is left out."""
    taken = []
    for number in range(batches + 1):
        random = np.random.default_rng(number)
        chosen = random.integers(n_pairs, size=BATCH)
        start = time.process_time()
        cut(chosen, random)
        taken.append(1e3 * (time.process_time() - start))
    return float(np.median(taken[1:]))


def memory_mb() -> dict[str, float]:
    """Return the peak of all resident memory, and what is now the process's own and mapped."""
    lines = Path("/proc/self/status").read_text().splitlines()
    found = dict(line.split(":", 1) for line in lines)
    return {name: int(found[name].split()[0]) / 1024 for name in ("VmHWM", "RssAnon", "RssFile")}


def child(step: str, folder: Path, count: int, batches: int) -> None:
    """Write stores or cut from them, and say what memory that took."""
    if step == "write":
        write_pieces(folder, count)
    else:
        pool = open_pool(folder)
        milliseconds(batches, len(pool), lambda chosen, random: pool.cut(chosen, SHAPE, random))
    memory = memory_mb()
    print(
        f"| {step} | {count:,} | {memory['VmHWM']:.0f} | {memory['RssAnon']:.0f} | "
        f"{memory['RssFile']:.0f} |",
        flush=True,
    )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=30)
    parser.add_argument("--pieces", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        step, folder, count = arguments.child
        child(step, Path(folder), int(count), arguments.batches)
        return
    with tempfile.TemporaryDirectory() as folder:
        print("| | pieces | peak, MB | own memory at the end, MB | mapped pages, MB |")
        print("|---|---:|---:|---:|---:|", flush=True)
        for count in arguments.pieces:
            for step in ("write", "cut"):
                command = [sys.executable, __file__, "--batches", str(arguments.batches)]
                subprocess.run([*command, "--child", step, folder, str(count)], check=True)
        pool = open_pool(Path(folder))
        held = PairPool(
            **vars(pool)
            | {"strips": np.array(pool.strips), "spectrograms": [np.array(pool.spectrograms[0])]}
        )
        plain = PlainPairs(pool)
        times = {
            "one by one, lists in memory": milliseconds(arguments.batches, len(pool), plain.cut),
            "pool, in memory": milliseconds(
                arguments.batches, len(pool), lambda chosen, random: held.cut(chosen, SHAPE, random)
            ),
            "pool, mapped files": milliseconds(
                arguments.batches, len(pool), lambda chosen, random: pool.cut(chosen, SHAPE, random)
            ),
        }
    slowest = times["one by one, lists in memory"]
    print(f"\n| {BATCH} augmented pairs | ms | times as fast |\n|---|---:|---:|")
    for name, taken in times.items():
        print(f"| {name} | {taken:.2f} | {slowest / taken:.1f} |")


if __name__ == "__main__":
    main()
