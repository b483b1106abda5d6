"""The lyrics-melody collection: safe reading and duplicate groups against the plain ways.

    PYTHONPATH=src python benchmarks/ingest_collection.py --path FOLDER_OR_ZIP [--songs N]

Reading: `numpy.load(allow_pickle=True)`, which runs whatever a file asks for, and loops over the
notes, against the allow-list reader, which checks every note. Groups: runs as Python tuples in a
dictionary against hashed runs. Both ways of each pair work on the same songs in the same run, in
turns of a few hundred songs where they can, so that other work on the machine meets both. Songs and
groups must come out equal. Times are CPU time; memory is the peak of Python and numpy allocations
(tracemalloc), taken in a run of its own because tracing costs time.
"""

from __future__ import annotations

import argparse
import io
import time
import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ugaar.score.groups import UnionFind, duplicate_groups
from ugaar.score.lyrics import normalise
from ugaar.score.windows import windows_of
from ugaar.sources.archive import Files
from ugaar.sources.lmd_lyrics import SUFFIX, row_of, song_files
from ugaar.sources.npy_song import LARGEST_FILE, parse
from ugaar.tables import TICKS_PER_QUARTER

MIB = 2**20
TURN = 200
RUN_LENGTH, RUN_DISTINCT, NOTES = 10, 6, 20
WINDOW = {
    "notes": NOTES,
    "per_song": "all",
    "max_silence_s": 4.0,
    "max_note_s": 100.0,
    "grid_per_quarter": 4,
    "max_quantise_error_s": 0.12,
}
COLUMNS = ("pitch", "onset_s", "duration_s", "onset_tick", "duration_tick", "text", "syllable")

Song = Mapping[str, Any]


def plain_read(data: bytes, _: str) -> dict[str, list]:
    """Return the note columns of a file as a short script would."""
    continuous, discrete, syllables = np.load(
        io.BytesIO(data), allow_pickle=True, encoding="latin1"
    )[0]
    song: dict[str, list] = {name: [] for name in COLUMNS}
    seconds, ticks = 0.0, 0
    for (start, length, _, _), (pitch, duration, rest), text in zip(
        continuous, discrete, syllables, strict=True
    ):
        seconds += max(start, 0.0)
        ticks += round(rest * TICKS_PER_QUARTER)
        song["pitch"].append(int(pitch))
        song["onset_s"].append(seconds)
        song["duration_s"].append(length)
        song["onset_tick"].append(ticks)
        song["duration_tick"].append(round(duration * TICKS_PER_QUARTER))
        song["text"].append(text)
        song["syllable"].append(normalise.__wrapped__(text) or text.lower())
        ticks += song["duration_tick"][-1]
    return song


def safe_read(data: bytes, path: str) -> dict[str, Any]:
    """Return a song as the stage reads it; words are joined by hyphens only."""
    return row_of(parse(data), path, "")


def plain_groups(songs: Iterable[Song], windows: list[Song], *_: int) -> dict[str, str]:
    """Return the duplicate groups by tuples of notes and of syllables."""
    used = {window["song_id"] for window in windows}
    groups = UnionFind(used)
    first: dict[tuple, str] = {}
    for window in windows:
        name = window["song_id"]
        groups.join(name, first.setdefault(("lyrics", window["lyrics_key"]), name))
    for song in songs:
        name = song["song_id"]
        if name not in used:
            continue
        pitch, onset = song["pitch"], song["onset_tick"]
        steps = [
            (pitch[i + 1] - pitch[i], round((onset[i + 1] - onset[i]) / (TICKS_PER_QUARTER // 4)))
            for i in range(len(pitch) - 1)
        ]
        for start in range(len(steps) - NOTES + 2):
            run = ("melody", *steps[start : start + NOTES - 1])
            groups.join(name, first.setdefault(run, name))
        for start in range(len(pitch) - RUN_LENGTH + 1):
            text = song["syllable"][start : start + RUN_LENGTH]
            if len(set(text)) >= RUN_DISTINCT:
                groups.join(name, first.setdefault(("text", *text), name))
    return {name: groups.find(name) for name in used}


def cpu_time(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU time of some work in seconds, and its result."""
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def peak_memory(work: Callable[[], Any]) -> float:
    """Return the peak of allocations in MiB."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1] / MIB
    tracemalloc.stop()
    return peak


def main() -> None:
    """Measure both pairs and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--path", required=True, type=Path, help="the collection")
    parser.add_argument("--songs", type=int, default=1000, help="songs; 0 = all")
    arguments = parser.parse_args()
    with Files(arguments.path, (SUFFIX,)) as files:
        chosen = list(song_files(files.names).items())[: arguments.songs or None]
        blobs = [(path, files.read(names[0], LARGEST_FILE)) for path, names in chosen]
    seconds = {plain_read: 0.0, safe_read: 0.0}
    songs: list[Song] = []
    for start in range(0, len(blobs), TURN):
        turn = blobs[start : start + TURN]
        found = {}
        normalise.cache_clear()
        for read in seconds:
            used, found[read] = cpu_time(
                lambda read=read, turn=turn: [read(data, path) for path, data in turn]
            )
            seconds[read] += used
        for plain, safe in zip(*found.values(), strict=True):
            if any(plain[name] != safe[name] for name in COLUMNS):
                raise SystemExit(f"the two ways read {safe['path']} differently")
        songs += found[safe_read]
    n_notes = sum(song["n_notes"] for song in songs)
    print(f"{len(songs)} songs, {n_notes} notes")
    _report("reading", seconds[plain_read], seconds[safe_read])
    windows = [window for song in songs for window in windows_of(song, WINDOW)[0]]
    limits = (RUN_LENGTH, RUN_DISTINCT)
    ours, groups = cpu_time(lambda: duplicate_groups(songs, windows, *limits))
    plain_s, expected = cpu_time(lambda: plain_groups(songs, windows))
    if groups != expected:
        raise SystemExit("the two ways find different groups")
    print(f"{len(windows)} windows, {len(set(groups.values()))} groups of {len(groups)} songs")
    _report("groups", plain_s, ours)
    memory = peak_memory(lambda: plain_groups(songs, windows))
    less = peak_memory(lambda: duplicate_groups(songs, windows, *limits))
    print(f"groups: memory {memory:.0f} MiB plain, {less:.0f} MiB ours, ratio {memory / less:.1f}")


def _report(name: str, plain_s: float, ours_s: float) -> None:
    print(f"{name}: {plain_s:.2f} s plain, {ours_s:.2f} s ours, ratio {plain_s / ours_s:.2f}")


if __name__ == "__main__":
    main()
