"""Guards the promise to users: a folder of their MIDI files becomes clips, strips and folds."""

import random
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))
import midi_files as unit

SYLLABLES = [first + rest for first in "bdfklmnprst" for rest in ("a", "el", "ir", "on", "um")]
LEADING = 4
"""Quarter notes before the first note; text events at the very start are credits."""


def words(draw, count):
    """Lists of one to three syllables, `count` syllables in all."""
    made = []
    while count:
        length = min(draw.choice((1, 2, 2, 3)), count)
        made.append([draw.choice(SYLLABLES) for _ in range(length)])
        count -= length
    return made


def marked(word, dialect):
    """The events of a word in the dialect of its file."""
    if dialect == "spaces":
        return [*word[:-1], word[-1] + " "]
    if dialect == "hyphens":
        return [*(syllable + "-" for syllable in word[:-1]), word[-1]]
    return word


def random_song(number):
    """A song of 42 to 48 syllables, its file name, and the syllables."""
    draw = random.Random(number)
    dialect = ("spaces", "hyphens", "whole-words")[number % 3]
    text = words(draw, draw.randint(42, 48))
    events = [event for word in text for event in marked(word, dialect)]
    notes, now, pitch = [], LEADING, 64
    for _ in events:
        length = draw.choice((0.5, 0.5, 1, 1, 1.5))
        pitch = min(max(pitch + draw.choice((-4, -2, -1, 0, 1, 2, 3, 5)), 55), 79)
        notes.append((now, length, pitch))
        now += length
    karaoke = number % 2 == 0
    song = unit.Song(
        notes=notes,
        lyrics=[(note[0], event) for note, event in zip(notes, events, strict=True)],
        kind="text" if karaoke else "lyrics",
        headers=["@KMIDI KARAOKE FILE", f"@TSong {number}"] if karaoke else [],
        meter=((4, 4), (3, 4))[number % 2],
        key=(None, "Eb", "D")[number % 3],
    )
    name = f"{('folk', 'pop')[number % 2]}/{number:02}.{'kar' if karaoke else 'mid'}"
    return name, song, [syllable for word in text for syllable in word]


@pytest.mark.slow
def test_a_folder_of_midi_files_becomes_clips_strips_and_folds(make_project):
    project = make_project("own-midi")
    songs = project.folder / "songs"
    sung = {}
    for number in range(16):
        name, song, syllables = random_song(number)
        path = songs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(unit.midi_bytes(song))
        sung[name] = syllables
    bad = {
        "cut.mid": (unit.truncated(), "truncated"),
        "frames.mid": (unit.smpte_timed(), "smpte-timing"),
        "picture.kar": (b"GIF89a", "not-midi"),
    }
    for name, (data, _) in bad.items():
        (songs / name).write_bytes(data)
    config = {
        "dataset": "mine",
        "shards": 2,
        "source": {"kind": "midi", "path": str(songs)},
        "split": {"min_test_windows": 2, "max_group_share": 0.5},
    }
    results = project.make_data(config)

    def rows(*names):
        return [row for name in names for row in pq.read_table(results / name).to_pylist()]

    found = {row["path"]: row["syllable"] for row in rows("songs.parquet")}
    assert found == sung
    windows = rows("windows.parquet")
    assert len(windows) == 2 * len(sung)
    shards = [f"shard-{number}.parquet" for number in range(2)]
    clips = {row["audio_key"]: row for row in rows(*(f"audio/{shard}" for shard in shards))}
    strips = {row["sheet_key"]: row for row in rows(*(f"sheet/{shard}" for shard in shards))}
    for window in windows:
        assert clips[window["audio_key"]]["flac"][:4] == b"fLaC"
        strip = strips[window["sheet_key"]]
        assert strip["png"][:4] == b"\x89PNG"
        assert set(strip["note_index"]) == set(range(20))

    rejects = {row["path"]: row for row in rows("rejects.parquet")}
    assert {name: row["reason"] for name, row in rejects.items()} == {
        name: reason for name, (_, reason) in bad.items()
    }
    assert all(row["detail"] and row["remedy"] for row in rejects.values())

    folds: dict[str, set[str]] = {}
    for row in rows("song-disjoint/split.parquet"):
        folds.setdefault(row["group"], set()).add(row["fold"])
    assert all(len(fold) == 1 for fold in folds.values())
    assert {"train", "test"} <= set.union(*folds.values())
