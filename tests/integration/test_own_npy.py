"""Guards the promise to users: bad songs among theirs become rejects, and the others go on."""

import random
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))
import npy_songs


def song(number):
    """A song of 20 notes in the collection's format: one window."""
    draw = random.Random(number)
    text = [draw.choice("bdfklm") + draw.choice("aeiou") for _ in range(20)]
    continuous, discrete, _ = npy_songs.parts(20, text)
    for note in discrete:
        note[0] = float(draw.randint(60, 72))
    return continuous, discrete, text


@pytest.mark.slow
def test_bad_songs_are_rejects_and_the_others_become_clips_and_strips(make_project):
    project = make_project("own-npy")
    songs = project.folder / "songs"
    songs.mkdir()
    for number in range(8):
        (songs / f"{number}.npy").write_bytes(npy_songs.npy(*song(number)))
    continuous, discrete, text = song(8)
    (songs / "unequal.npy").write_bytes(npy_songs.npy(continuous, discrete, text[:-1]))
    discrete[3][0] = 60.5
    (songs / "pitch.npy").write_bytes(npy_songs.npy(continuous, discrete, text))
    config = {
        "dataset": "mine",
        "shards": 2,
        "source": {"kind": "lmd-lyrics", "path": str(songs)},
        "split": {"min_test_windows": 1, "max_group_share": 0.5},
    }
    results = project.make_data(config)
    rejects = pq.read_table(results / "rejects.parquet").to_pylist()
    assert {row["path"]: (row["stage"], row["reason"]) for row in rejects} == {
        "unequal.npy": ("ingest", "unequal-lengths"),
        "pitch.npy": ("ingest", "bad-pitch"),
    }
    assert all(row["detail"] and row["remedy"] for row in rejects)
    found = pq.read_table(results / "songs.parquet", columns=["path"])["path"].to_pylist()
    assert sorted(found) == [f"{number}.npy" for number in range(8)]
    windows = pq.read_table(results / "windows.parquet").to_pylist()
    assert len(windows) == 8
    for kind in ("audio", "sheet"):
        keys = pq.read_table(results / kind, columns=[f"{kind}_key"])[f"{kind}_key"].to_pylist()
        assert sorted(keys) == sorted(row[f"{kind}_key"] for row in windows)
