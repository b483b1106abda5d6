"""Guards the folds: what makes a duplicate group, and that no group crosses folds."""

import argparse
import random

import numpy as np
import pyarrow as pa
import pytest
from ingest_settings import WINDOW

from ugaar.errors import DataError
from ugaar.parquet_files import read_table, write_table
from ugaar.score.groups import UnionFind, duplicate_groups
from ugaar.score.runs import melody_hashes, text_hashes
from ugaar.score.split import quotas, split_rows
from ugaar.stages import split as split_stage
from ugaar.stages import window as window_stage
from ugaar.tables import MODALITIES, REJECTS, SONGS, SPLIT, WINDOWS

Q = 10080
SETTINGS = {
    "valid_share": 0.12,
    "test_share": 0.17,
    "min_test_windows": 1,
    "run_length": 10,
    "run_distinct": 6,
    "max_group_share": 0.05,
    "distinct": False,
}


def song(name, pitches=None, syllables=None, path=None, steps=None, seed=None):
    """A song of 20 notes, random unless given; its single window has the song's name."""
    draw = random.Random(seed if seed is not None else name)
    steps = steps or [draw.choice([1, 2, 3, 4]) for _ in range(20)]
    return {
        "song_id": name,
        "path": path or name,
        "pitch": pitches or [draw.randrange(50, 80) for _ in range(20)],
        "onset_tick": [Q * sum(steps[:place]) for place in range(20)],
        "syllable": syllables or [f"{name}-{place}" for place in range(20)],
    }


def window(row, collection="c"):
    return {
        "window_id": f"{row['song_id']}-0",
        "song_id": row["song_id"],
        "collection": collection,
        "pitch": row["pitch"],
        "lyrics_key": "".join(row["syllable"]),
    }


def groups_of(*songs):
    return duplicate_groups(songs, [window(row) for row in songs], 10, 6)


def joined(first, second):
    found = groups_of(first, second)
    return found[first["song_id"]] == found[second["song_id"]]


def test_strangers_stay_apart():
    assert groups_of(song("a"), song("b")) == {"a": "a", "b": "b"}


def test_melody_up_to_transposition():
    first = song("a", seed=1)
    moved = [pitch + 3 for pitch in first["pitch"]]
    assert joined(first, song("b", pitches=moved, seed=1))
    other_rhythm = song("b", pitches=moved, steps=[1] * 20)
    assert not joined(song("a", pitches=first["pitch"], steps=[2] * 20), other_rhythm)


def test_semitone_and_whole_tone_down_are_different():
    # hash(-1) == hash(-2) in Python: runs must be compared, not their hashes.
    down = [80 - place for place in range(20)]
    faster = [80 - 2 * place for place in range(20)]
    assert not joined(song("a", pitches=down, steps=[1] * 20), song("b", faster, steps=[1] * 20))


def test_shared_run_of_syllables():
    run = [f"s{place}" for place in range(10)]
    first = song("a", syllables=[*run, *"abcdefghij"])
    assert joined(first, song("b", syllables=[*"klmnopqrst", *run]))
    assert not joined(first, song("b", syllables=[*"klmnopqrstu", *run[:9]]))


def test_fa_la_la_is_no_evidence():
    refrain = ["fa", "la"] * 5
    first, second = (song(n, syllables=[*refrain, *(f"{n}{i}" for i in range(10))]) for n in "ab")
    assert not joined(first, second)


def test_voices_of_a_file_and_chains_are_one_group():
    run, other = [f"s{i}" for i in range(10)], [f"t{i}" for i in range(10)]
    found = groups_of(
        song("a", path="f"),
        song("b", path="f", syllables=[*run, *"0123456789"]),
        song("c", syllables=[*run, *other]),
        song("d", syllables=[*other, *"9876543210"]),
        song("e"),
    )
    assert found == {"a": "a", "b": "a", "c": "a", "d": "a", "e": "e"}


def test_songs_without_windows_join_nothing():
    run, other = [f"s{i}" for i in range(10)], [f"t{i}" for i in range(10)]
    first = song("a", syllables=[*run, *"0123456789"])
    bridge = song("b", syllables=[*run, *other])
    last = song("c", syllables=[*other, *"9876543210"])
    found = duplicate_groups([first, bridge, last], [window(first), window(last)], 10, 6)
    assert found == {"a": "a", "c": "c"}


def test_runs_by_hand():
    a, b, c = range(3)
    assert len(text_hashes(np.array([a, b, c, a]), 3, 3)) == 2
    assert len(text_hashes(np.array([a, a, b]), 3, 3)) == 0
    assert len(text_hashes(np.array([a, b]), 3, 1)) == 0
    assert len(melody_hashes([60, 62], [0, Q], 3)) == 0
    # The second step of 2500 ticks is nearer to a sixteenth note (2520) than to any other.
    (run,) = melody_hashes([60, 62, 61], [0, Q, Q + 2500], 3)
    assert run == melody_hashes([70, 72, 71], [5, Q + 5, Q + 2525], 3)[0]
    assert run != melody_hashes([60, 61, 59], [0, Q, Q + 2500], 3)[0]
    assert run != melody_hashes([60, 62, 61], [0, 2520, 2520 + Q], 3)[0]


def test_hashed_runs_agree_with_runs_compared_one_by_one():
    draw = np.random.default_rng(5)
    items = draw.integers(0, 2, 3000)
    hashes = text_hashes(items, 8, 1)
    runs = [tuple(items[start : start + 8]) for start in range(len(items) - 7)]
    assert len(set(hashes.tolist())) == len(set(runs)) == 256
    assert len(set(zip(hashes.tolist(), runs, strict=True))) == 256
    varied = [run for run in runs if len(set(run)) >= 2]
    assert len(text_hashes(items, 8, 2)) == len(varied) < len(runs)


def test_union_find_names_a_set_by_its_smallest():
    sets = UnionFind("abcd")
    sets.join("d", "c")
    sets.join("c", "b")
    assert [sets.find(name) for name in "abcd"] == ["a", "b", "b", "b"]


@pytest.mark.parametrize("wanted", [0, 1, 7, 30, 99])
def test_quotas_add_up(wanted):
    sizes = {"x": 17, "y": 9, "z": 4}
    found = quotas(sizes, wanted)
    assert sum(found.values()) == min(wanted, 30)
    assert all(found[name] <= sizes[name] for name in sizes)


def _collection(count=300, seed=3):
    """Windows in groups of 1 to 12 from three collections, and one giant group."""
    draw = random.Random(seed)
    windows, group_of_song = [], {}
    for group in range(count // 6):
        name = draw.choice(["bach", "bach", "monteverdi", "trecento"])
        for member in range(40 if group == 0 else draw.randint(1, 12)):
            song_id = f"s{group:03}-{member}"
            group_of_song[song_id] = f"g{group:03}"
            row = {"window_id": f"{song_id}-0", "song_id": song_id, "collection": name}
            windows.append(row)
    return windows, group_of_song


@pytest.mark.parametrize("seed", range(5))
def test_no_group_crosses_folds_and_shares_hold(seed):
    windows, groups = _collection()
    rows = split_rows(windows, groups, "song-disjoint", SETTINGS, seed)
    folds = {}
    for row in rows:
        folds.setdefault(row["group"], set()).add(row["fold"])
    assert all(len(found) == 1 for found in folds.values())
    assert folds["g000"] == {"train"}
    share = sum(row["fold"] == "test" for row in rows) / len(rows)
    assert share == pytest.approx(0.17, abs=0.02)
    assert len({row["group"] for row in rows if row["fold"] == "test"}) >= 5
    assert {row["collection"] for row in rows if row["fold"] == "test"} == {
        "bach",
        "monteverdi",
        "trecento",
    }


@pytest.mark.parametrize("protocol", ["song-disjoint", "published"])
def test_folds_do_not_depend_on_the_order_of_rows(protocol):
    windows, groups = _collection()
    once = split_rows(windows, groups, protocol, SETTINGS, 0)
    random.Random(1).shuffle(windows)
    again = split_rows(windows, groups, protocol, SETTINGS, 0)
    key = lambda row: row["window_id"]  # noqa: E731
    assert sorted(once, key=key) == sorted(again, key=key)
    other = split_rows(windows, groups, protocol, SETTINGS, 1)
    assert sorted(other, key=key) != sorted(once, key=key)


def test_published_protocol_takes_single_windows():
    windows, groups = _collection()
    rows = split_rows(windows, groups, "published", SETTINGS, 0)
    count = {fold: sum(row["fold"] == fold for row in rows) for fold in ("test", "valid")}
    assert count == {"test": round(0.17 * len(rows)), "valid": round(0.12 * len(rows))}
    giant = {row["fold"] for row in rows if row["group"] == "g000"}
    assert giant == {"train", "valid", "test"}
    assert {row["group_size"] for row in rows if row["group"] == "g000"} == {40}


def test_distinct_keeps_one_of_windows_alike_in_all_modalities():
    windows, groups = _collection()
    for row in windows:
        row |= {f"{modality}_key": row["window_id"] for modality in MODALITIES}
    first, second, third = windows[:3]
    second |= {f"{modality}_key": first["window_id"] for modality in MODALITIES}
    third |= {"audio_key": first["window_id"], "sheet_key": first["window_id"]}
    settings = SETTINGS | {"distinct": True}
    fold_of = {
        row["window_id"]: row["fold"]
        for row in split_rows(windows, groups, "song-disjoint", settings, 0)
    }
    assert fold_of[second["window_id"]] == "duplicate"
    assert list(fold_of.values()).count("duplicate") == 1
    published = split_rows(windows, groups, "published", settings, 0)
    assert "duplicate" not in {row["fold"] for row in published}


def test_too_few_test_windows_is_an_error_with_a_remedy():
    windows, groups = _collection()
    with pytest.raises(DataError, match=r"min_test_windows 400.*lower that key"):
        split_rows(windows, groups, "song-disjoint", SETTINGS | {"min_test_windows": 400}, 0)


def test_no_windows_at_all_is_an_error():
    with pytest.raises(DataError, match="0 windows"):
        split_rows([], {}, "song-disjoint", SETTINGS, 0)


def test_unknown_protocol():
    with pytest.raises(DataError, match="known: song-disjoint, published"):
        split_rows(*_collection(), "random", SETTINGS, 0)


def _full_song(number):
    draw = random.Random(number)
    count = draw.randrange(15, 60)
    return {
        "song_id": f"{number:012}",
        "source": "music21",
        "collection": "x",
        "path": f"x/{number}.xml",
        "part": "S",
        "title": "",
        "composer": "",
        "language": "en",
        "verse": "1",
        "encoding": "utf-8",
        "timing": "notated",
        "tempo_source": "default",
        "n_notes": count,
        "pitch": [draw.randrange(50, 80) for _ in range(count)],
        "onset_s": [0.5 * i for i in range(count)],
        "duration_s": [0.5] * count,
        "onset_tick": [Q * i for i in range(count)],
        "duration_tick": [Q] * count,
        "syllable": [f"{number}-{i}" for i in range(count)],
        "word": [f"{number}-{i}" for i in range(count)],
        "text": [f"{number}-{i}" for i in range(count)],
        "bar_tick": [0],
        "meter_tick": [0],
        "meter": ["4/4"],
        "key_tick": [],
        "key_fifths": [],
    }


def _window_and_split(folder, shards):
    """Run both stages by hand on songs dealt out to shards; return the bytes of their tables."""
    songs = [_full_song(number) for number in range(80)]
    parts, rejects = [], []
    for shard in range(shards):
        parts.append(folder / f"songs-{shard}.parquet")
        rejects.append(folder / f"rejects-{shard}.parquet")
        write_table(parts[-1], SONGS, songs[shard::shards])
        empty = {column.name: pa.array([], pa.string()) for column in REJECTS.columns}
        write_table(rejects[-1], REJECTS, empty)
    out = {name: folder / f"{name}.parquet" for name in ("songs", "windows", "rejects", "split")}
    window_stage.run(
        argparse.Namespace(
            songs=parts,
            rejects=rejects,
            songs_out=out["songs"],
            windows_out=out["windows"],
            rejects_out=out["rejects"],
        ),
        {"window": WINDOW},
    )
    arguments = argparse.Namespace(
        songs=out["songs"],
        windows=out["windows"],
        out=out["split"],
        protocol="song-disjoint",
        seed=0,
    )
    split_stage.run(arguments, {"split": SETTINGS})
    return out


def test_stages_give_the_same_bytes_whatever_the_shards(tmp_path):
    one = _window_and_split(tmp_path / "one", 1)
    four = _window_and_split(tmp_path / "four", 4)
    assert {name: path.read_bytes() for name, path in one.items()} == {
        name: path.read_bytes() for name, path in four.items()
    }
    windows = read_table(one["windows"], WINDOWS)
    folds = read_table(one["split"], SPLIT)
    assert windows["window_id"].to_pylist() == folds["window_id"].to_pylist()
    short = [row for row in read_table(one["rejects"], REJECTS).to_pylist()]
    assert {row["reason"] for row in short} == {"too-few-notes"}
    assert len(short) == sum(_full_song(number)["n_notes"] < 20 for number in range(80))
