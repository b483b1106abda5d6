"""A MIDI file for each song of a table, and an index that says what became of each."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from ugaar.atomic import atomic_path
from ugaar.errors import DataError
from ugaar.export.song_midi import song_midi
from ugaar.parquet_files import iterate_table, read_table
from ugaar.progress import Progress
from ugaar.score.lyrics import normalise
from ugaar.tables import SONGS

SUFFIX = {"events": ".mid", "karaoke": ".kar"}
INDEX = "songs.csv"
COLUMNS = (
    "file",
    "song_id",
    "path",
    "part",
    "title",
    "n_notes",
    "ticks",
    "moved_notes",
    "shortened_notes",
    "textless_notes",
    "problem",
)
_SONGS_AT_A_TIME = 64


def export_songs(
    path: Path, folder: Path, wanted: int | Collection[str] | None, style: str
) -> Counter:
    """Write `<song_id>.mid` (`.kar` for karaoke) for songs of a table, and `songs.csv`.

    The index says for each song whether ticks are its own beats or even seconds, how many notes
    were moved by a tick, how many were shortened, and how many carry no letter (`??`), which a
    reader takes for punctuation and passes over; or why no file was written.

    Args:
        path: the songs table.
        folder: where the files go.
        wanted: number of songs, from the first; their ids; or None for all.
        style: `events` or `karaoke`.

    Returns:
        Counts of songs: written, failed, even, moved, shortened and textless.

    Raises:
        DataError: not a songs table, or an id is not in it.
    """
    ids = read_table(path, SONGS, ["song_id"])["song_id"].to_pylist()
    chosen = set(islice(ids, wanted) if wanted is None or isinstance(wanted, int) else wanted)
    unknown = sorted(chosen - set(ids))
    if unknown:
        raise DataError(f"{path}: no song {', '.join(unknown)}; see column song_id of this table")
    counts: Counter[str] = Counter()
    progress = Progress(len(chosen))
    with (
        atomic_path(folder / INDEX) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        index = csv.DictWriter(file, COLUMNS)
        index.writeheader()
        for song in _songs(path, chosen):
            row = _write_song(song, folder, style)
            index.writerow(row)
            counts["failed" if row["problem"] else "written"] += 1
            counts["even"] += row["ticks"] == "even"
            for what in ("moved", "shortened", "textless"):
                counts[what] += bool(row[f"{what}_notes"])
            progress.step()
    return counts


def _songs(path: Path, chosen: Collection[str]) -> Iterator[dict[str, Any]]:
    for rows in iterate_table(path, SONGS, batch_size=_SONGS_AT_A_TIME):
        yield from (row for row in rows if row["song_id"] in chosen)


def _write_song(song: dict[str, Any], folder: Path, style: str) -> dict[str, Any]:
    row = {name: song.get(name, "") for name in COLUMNS}
    try:
        midi, timing = song_midi(song, style)
    except DataError as error:
        return row | {"problem": str(error)}
    name = song["song_id"] + SUFFIX[style]
    with atomic_path(folder / name) as temporary:
        midi.save(temporary)
    return row | {
        "file": name,
        "ticks": "beats" if timing.beats else "even",
        "moved_notes": timing.moved,
        "shortened_notes": timing.shortened,
        "textless_notes": sum(not normalise(syllable) for syllable in song["syllable"]),
    }
