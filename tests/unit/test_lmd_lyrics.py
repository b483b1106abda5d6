"""Guards the lyrics-melody collection: times, words, exact counts, and bad files as rejects."""

import argparse
import json
import math
import os
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from npy_songs import Hostile, npy, parts, saved, write_zip

from ugaar.errors import ConfigError, DataError
from ugaar.parquet_files import read_table
from ugaar.score.rejects import REMEDIES
from ugaar.score.windows import windows_of
from ugaar.score.words import WordList, join_syllables
from ugaar.sources.lmd_lyrics import PUBLISHED_FOLDER, read_collection
from ugaar.sources.npy_song import LARGEST_FILE, parse
from ugaar.sources.song_names import artist_and_title
from ugaar.stages import ingest
from ugaar.tables import REJECTS, SONGS

Q = 10080
WINDOW = {
    "notes": 20,
    "per_song": "all",
    "song_share": 1.0,
    "max_silence_s": 4.0,
    "max_note_s": 100.0,
    "grid_per_quarter": 4,
    "max_quantise_error_s": 0.12,
}


def read(path, shard=0, shards=1, word_model=None):
    source = {"path": str(path), "lmd_lyrics": {"word_model": word_model}}
    return read_collection(source, shard, shards)


def test_start_is_the_time_since_the_previous_start():
    continuous = [[1.0, 0.4, 440, 90], [0.5, 0.4, 440, 90], [-0.25, 2.0, 440, 90], [3, 1, 440, 90]]
    discrete = [[60, 1, 0], [62, 0.75, 0.5], [64, 16.5, 0], [65, 0.25, 8]]
    song = parse(npy(continuous, discrete, ["a", "b", "c", "d"]))
    # The third note is stored as starting before the second: it starts with it.
    assert song.onset_s().tolist() == [1.0, 1.5, 1.5, 4.5]
    onsets, durations = song.ticks()
    assert durations.tolist() == [Q, 3 * Q // 4, 33 * Q // 2, Q // 4]
    assert onsets.tolist() == [0, 3 * Q // 2, 9 * Q // 4, 9 * Q // 4 + 33 * Q // 2 + 8 * Q]
    assert song.pitch.tolist() == [60, 62, 64, 65]


def test_silence_is_a_start_less_the_length_before():
    continuous, discrete, text = parts(20)
    continuous[5][1], continuous[6][0] = 2.0, 6.0
    (window,), _ = windows_of(_row(continuous, discrete, text), WINDOW)
    assert window["onset_s"][6] == pytest.approx(2.5 + 6.0)
    continuous[6][0] = 6.001
    _, (dropped,) = windows_of(_row(continuous, discrete, text), WINDOW)
    assert dropped["reason"] == "silence-over-limit"


def test_silence_before_a_window_is_not_in_it():
    continuous, discrete, text = parts(40)
    continuous[20][0] = 60.0
    windows, rejects = windows_of(_row(continuous, discrete, text), WINDOW)
    assert (len(windows), rejects) == (2, [])


def test_source_key_is_the_raw_triples_and_the_raw_text():
    def key(change=None, place=25):
        continuous, discrete, text = parts(40)
        if change == "text":
            text[place] = text[place].upper()
        elif change == "velocity":
            continuous[place][3] = 1.0
        elif change is not None:
            discrete[place][change] += 1
        return windows_of(_row(continuous, discrete, text), WINDOW)[0][1]["source_key"]

    assert key() == key("velocity")
    assert len({key(), key(0), key(1), key(2), key("text")}) == 5
    # The rest before the window's first note is part of its triple.
    assert key(2, place=20) != key()
    assert key(0, place=19) == key()


def _row(continuous, discrete, text):
    from ugaar.sources.lmd_lyrics import row_of

    return row_of(parse(npy(continuous, discrete, text)), "x.npy", "")


KNOWN = WordList([("I", 900), ("never", 50), ("to", 800), ("together", 60), ("love", 90)])


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["nev", "er", "to", "geth", "er"], "never never together together together"),
        (["to", "Nev", "er"], "to never never"),
        (["I'm", "nev", "er", "love's"], "i'm never never love's"),
        (["zu-", "sam", "-men", "to"], "zusam-men zusam-men zusam-men to"),
        (["la", "la", "la"], "la la la"),
        (["??", "love", "2"], "?? love 2"),
        (["Never"], "never"),
    ],
    ids=["known", "capital", "contraction", "hyphen", "refrain", "no letters", "one"],
)
def test_words_from_syllables(texts, words):
    expected = words.replace("zusam-men", "zusammen").split()
    assert join_syllables(texts, KNOWN) == expected


def test_apostrophe_between_syllables_is_inside_the_word():
    known = WordList([("every", 9), ("evry", 3)])
    assert join_syllables(["ev", "'ry"], known) == ["ev'ry", "ev'ry"]


def test_without_a_list_only_hyphens_join():
    assert join_syllables(["nev", "er", "a-", "way"], WordList([])) == [
        "nev",
        "er",
        "away",
        "away",
    ]


def test_joined_words_cover_their_syllables():
    draw = np.random.default_rng(0)
    texts = [
        str(draw.choice(["nev", "er", "I", "to", "geth", "'ry", "a-", "Q"])) for _ in range(500)
    ]
    words = join_syllables(texts, KNOWN)
    assert len(words) == len(texts)
    letters = "".join(text.strip("-'").lower() for text in texts)
    place = total = 0
    while place < len(words):
        word = words[place].replace("'", "")
        start = place
        length = 0
        while length < len(word):
            length += len(texts[place].strip("-'"))
            place += 1
        assert letters[total : total + length] == word
        assert len(set(words[start:place])) == 1
        total += length
    assert total == len(letters)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Beatles/Withalit.mid", ("Beatles", "Withalit")),
        ("J/James Taylor - You Ve Got a Friend L.mid", ("James Taylor", "You Ve Got a Friend")),
        ("Commercial Midi Pack 002/How Will I Know.mid", ("", "How Will I Know")),
        ("D/Dustinthewind 2 L.mid", ("", "Dustinthewind 2")),
        ("UNSORTED MIDI/x.mid", ("", "x")),
        ("", ("", "")),
    ],
)
def test_artist_and_title(name, expected):
    assert artist_and_title(name) == expected


def test_folder_zip_and_repository_zip_give_the_same_songs(tmp_path):
    songs = {f"{name}.npy": npy(*parts(22 + place)) for place, name in enumerate("abcd")}
    folder = tmp_path / "folder" / PUBLISHED_FOLDER
    folder.mkdir(parents=True)
    for name, data in songs.items():
        (folder / name).write_bytes(data)
    names = json.dumps({"a": "Abba/Waterloo.mid"})
    (folder.parent / "listSongJSON.json").write_text(names)
    (tmp_path / "folder" / "other.npy").write_bytes(songs["a.npy"])
    members = [(PUBLISHED_FOLDER + name, data) for name, data in songs.items()]
    members.append(("lmd-full_MIDI_dataset/listSongJSON.json", names))
    write_zip(tmp_path / "plain.zip", members)
    write_zip(tmp_path / "whole.zip", [(f"Repo-797/{name}", data) for name, data in members])
    expected, rejects = read(tmp_path / "folder")
    assert rejects == []
    assert [row["path"] for row in expected] == [PUBLISHED_FOLDER + name for name in songs]
    assert (expected[0]["composer"], expected[0]["title"]) == ("Abba", "Waterloo")
    assert expected[1]["title"] == ""
    assert read(tmp_path / "plain.zip") == read(tmp_path / "whole.zip") == (expected, [])
    halves = [read(tmp_path / "plain.zip", shard, 2)[0] for shard in range(2)]
    assert sorted(row["path"] for half in halves for row in half) == sorted(
        row["path"] for row in expected
    )


def test_own_songs_at_any_depth_with_equal_file_names(tmp_path):
    for folder in ("one", "two/deep"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "song.npy").write_bytes(npy(*parts()))
    # What numpy.array makes of lists of equal length: an array of shape (1, 3, notes).
    (tmp_path / "flat.npy").write_bytes(saved(np.array([parts()], dtype=object)))
    songs, rejects = read(tmp_path)
    assert rejects == []
    assert [row["path"] for row in songs] == ["flat.npy", "one/song.npy", "two/deep/song.npy"]
    assert [row["collection"] for row in songs] == [".", "one", "two"]
    assert len({row["song_id"] for row in songs}) == 3
    assert len({tuple(row["onset_tick"]) for row in songs}) == 1


def test_song_of_one_note_is_a_song_without_windows(tmp_path):
    (tmp_path / "one.npy").write_bytes(npy(*parts(1)))
    (song,), rejects = read(tmp_path)
    assert (song["n_notes"], rejects) == (1, [])
    windows, (dropped,) = windows_of(song, WINDOW)
    assert (windows, dropped["reason"]) == ([], "too-few-notes")


def _changed(note=3, **changes):
    continuous, discrete, text = parts()
    for name, value in changes.items():
        column = {"start": 0, "length": 1}.get(name)
        if column is not None:
            continuous[note][column] = value
        elif name == "text":
            text[note] = value
        else:
            discrete[note][("pitch", "duration", "rest").index(name)] = value
    return npy(continuous, discrete, text)


def _with_parts(change):
    entries = list(parts())
    change(entries)
    return npy(*entries)


BAD = {
    "empty-file": [b""],
    "not-npy": [b"hello world", b"\x93NUMPY\x09\x00" + b"x" * 90, npy(*parts())[:60]],
    "wrong-shape": [
        saved(np.zeros((3, 4))),
        saved(np.array([None], dtype=object)),
        saved(np.array([[[1], [2]]], dtype=object)),
        saved(np.array(None, dtype=object)),
        _with_parts(lambda entries: entries.__setitem__(0, 5)),
        _with_parts(lambda entries: entries[0].__setitem__(4, [0.0, 1.0])),
        _with_parts(lambda entries: entries[1].__setitem__(4, "abc")),
        _with_parts(lambda entries: entries[1].__setitem__(4, [60.0, [1.0], 0.0])),
        _changed(pitch="60"),
        _changed(length=None),
        _changed(length=True),
    ],
    "unequal-lengths": [
        _with_parts(lambda entries: entries[2].pop()),
        _with_parts(lambda entries: entries[0].append([0.0, 1.0, 2.0, 3.0])),
    ],
    "no-notes": [npy([], [], [])],
    "bad-pitch": [_changed(pitch=value) for value in (60.5, -1, 128, math.nan, math.inf)],
    "bad-time": [
        *(_changed(start=value) for value in (math.nan, math.inf, -math.inf, 1e9)),
        *(_changed(length=value) for value in (math.nan, math.inf, -0.1, 0, 10**400)),
        *(_changed(duration=value) for value in (math.nan, -1, 0, 1e300)),
        *(_changed(rest=value) for value in (math.nan, -0.5)),
    ],
    "bad-syllable": [_changed(text=value) for value in ("", "  ", None, 5, b"la")],
    "unreadable-file": [npy(*parts())[:-40]],
}


@pytest.mark.parametrize(
    ("reason", "data"), [(reason, data) for reason, blobs in BAD.items() for data in blobs]
)
def test_bad_files_are_rejects_and_the_others_stay(tmp_path, reason, data):
    (tmp_path / "bad.npy").write_bytes(data)
    (tmp_path / "good.npy").write_bytes(npy(*parts()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (song,), (row,) = read(tmp_path)
    assert song["path"] == "good.npy"
    assert (row["level"], row["item"], row["reason"]) == ("file", "bad.npy", reason)
    assert row["detail"]
    assert row["remedy"] == REMEDIES[reason]


def test_hostile_file_is_a_reject_and_is_not_run(tmp_path):
    witness = tmp_path / "ran"
    array = np.empty((1, 3), dtype=object)
    array[0] = Hostile(witness)
    (tmp_path / "hostile.npy").write_bytes(saved(array))
    songs, (row,) = read(tmp_path)
    assert (songs, row["reason"]) == ([], "unsafe-pickle")
    assert "mkdir" in row["detail"]
    assert not witness.exists()


def test_lists_that_share_lists_are_not_expanded(tmp_path):
    laughs = [0.0]
    for _ in range(40):
        laughs = [laughs, laughs]
    (tmp_path / "laughs.npy").write_bytes(npy([laughs], [[60, 1, 0]], ["la"]))
    _, (row,) = read(tmp_path)
    assert row["reason"] == "wrong-shape"


def test_members_that_leave_the_archive_bombs_and_repeats_are_rejects(tmp_path):
    good = npy(*parts())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of the repeated name that is wanted here
        path = write_zip(
            tmp_path / "songs.zip",
            [
                ("../out.npy", good),
                ("/abs.npy", good),
                ("a/bomb.npy", bytes(LARGEST_FILE + 1)),
                ("a/good.npy", good),
                ("a/twice.npy", good),
                ("a/twice.npy", good),
            ],
        )
    songs, rejects = read(path)
    assert [row["path"] for row in songs] == ["a/good.npy"]
    assert {row["path"]: row["reason"] for row in rejects} == {
        "../out.npy": "unsafe-file",
        "/abs.npy": "unsafe-file",
        "a/bomb.npy": "unsafe-file",
        "a/twice.npy": "duplicate-name",
    }
    assert not (tmp_path.parent / "out.npy").exists()


def test_bomb_that_states_a_small_size_is_not_inflated(tmp_path):
    path = write_zip(tmp_path / "songs.zip", [("bomb.npy", bytes(64 * 2**20))])
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = data.index(signature) + offset
        data[place : place + 4] = struct.pack("<I", 100)
    path.write_bytes(data)
    import tracemalloc

    tracemalloc.start()
    songs, (row,) = read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (songs, row["reason"]) == ([], "unreadable-file")
    assert peak < 20 * 2**20


def test_damaged_member_is_a_reject(tmp_path):
    path = write_zip(tmp_path / "songs.zip", [("a.npy", npy(*parts())), ("b.npy", npy(*parts()))])
    data = bytearray(path.read_bytes())
    data[60:90] = bytes(30)
    path.write_bytes(data)
    (song,), (row,) = read(path)
    assert (song["path"], row["path"], row["reason"]) == ("b.npy", "a.npy", "unreadable-file")


def test_no_collection_is_one_clear_error(tmp_path):
    with pytest.raises(ConfigError, match=r"none.*folder"):
        read(tmp_path / "none")
    (tmp_path / "text.zip").write_text("no archive")
    with pytest.raises(DataError, match=r"text\.zip"):
        read(tmp_path / "text.zip")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"\.npy"):
        read(tmp_path / "empty")
    write_zip(tmp_path / "other.zip", [("readme.txt", b"hello")])
    with pytest.raises(DataError, match=r"\.npy"):
        read(tmp_path / "other.zip")


def test_broken_list_of_names_costs_only_the_titles(tmp_path):
    (tmp_path / "a.npy").write_bytes(npy(*parts()))
    for broken in ("{", "[1, 2]", '{"a": 5}', '{"a": null}'):
        (tmp_path / "listSongJSON.json").write_text(broken)
        (song,), rejects = read(tmp_path)
        assert (song["title"], rejects) == ("", [])


def test_stage_writes_declared_tables(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.npy").write_bytes(npy(*parts()))
    (tmp_path / "in" / "b.npy").write_bytes(b"")
    arguments = argparse.Namespace(
        shard=0, songs_out=tmp_path / "songs.parquet", rejects_out=tmp_path / "rejects.parquet"
    )
    source = {
        "kind": "lmd-lyrics",
        "also": [],
        "path": str(tmp_path / "in"),
        "lmd_lyrics": {"word_model": None},
    }
    ingest.run(arguments, {"source": source, "shards": 1})
    (song,) = read_table(arguments.songs_out, SONGS).to_pylist()
    assert song["text"][0] == "soa"
    assert (song["timing"], song["bar_tick"], song["key_tick"]) == ("notated", [], [])
    assert read_table(arguments.rejects_out, REJECTS)["reason"].to_pylist() == ["empty-file"]


def _published():
    mirror = os.environ.get("UGAAR_MIRROR")
    path = Path(mirror or "") / "data" / "lmd_lyrics.zip"
    if not mirror or not path.is_file():
        pytest.skip("UGAAR_MIRROR names no folder with data/lmd_lyrics.zip")
    return path


def test_published_collection_has_the_counts_of_its_papers():
    path = _published()
    shards = 16
    found = {2: [0, 0, set()], "all": [0, 0, set()]}
    n_songs = n_notes = 0
    for shard in range(shards):
        songs, rejects = read(path, shard, shards)
        assert rejects == []
        n_songs += len(songs)
        for song in songs:
            n_notes += song["n_notes"]
            windows, dropped = windows_of(song, WINDOW)
            for wanted, counts in found.items():
                last = math.inf if wanted == "all" else wanted
                kept = [window for window in windows if window["index"] < last]
                lost = [
                    row
                    for row in dropped
                    if row["level"] == "window" and int(row["item"].split("-")[1]) < last
                ]
                counts[0] += len(kept) + len(lost)
                counts[1] += len(kept)
                counts[2].update(window["source_key"] for window in kept)
    assert (n_songs, n_notes) == (7597, 2_064_694)
    assert [found[2][0], found[2][1], len(found[2][2])] == [15_094, 12_809, 10_708]
    assert [found["all"][0], found["all"][1], len(found["all"][2])] == [99_618, 82_713, 70_699]
