"""Guards the stages that read and join pieces: order, keys, repeats, rejects, songs as pieces."""

import argparse

import pytest
from tunes import SOURCE, Q, piece, tune_bytes

from ugaar.errors import ConfigError, DataError
from ugaar.parquet_files import read_table, write_table
from ugaar.score.lyrics import Fragment
from ugaar.score.notes import Note
from ugaar.score.pieces import PieceNote, one_voice_a_staff, piece_keys, quantised
from ugaar.score.song_pieces import piece_of_song
from ugaar.snippet_tables import PIECES, TWINS
from ugaar.sources.songs import Grid, Origin, song_row
from ugaar.sources.unusable import UnusableFileError
from ugaar.stages import ingest_pieces, pieces, split_pieces, twins
from ugaar.tables import REJECTS, SONGS

WINDOW = {"grid_per_quarter": 4, "max_quantise_error_s": 0.12}
PIECE_SETTINGS = {"repeats": "cut", "repeat_bars": 4, "min_onsets": 8}
SETTINGS = {"pieces": PIECE_SETTINGS, "window": WINDOW}
A = [[60 + number, 62, 64, 65] for number in range(4)]
LA = (Fragment("la", True, True),)
B = [[70 + number, 69, 67, 65] for number in range(4)]


def ingest(folder, shard=0, shards=1, also=(), **changes):
    files = argparse.Namespace(
        shard=shard,
        pieces_out=folder / f"pieces-{shard}.parquet",
        rejects_out=folder / f"rejects-{shard}.parquet",
    )
    source = {**SOURCE, "path": str(folder), "also": list(also), **changes}
    settings = {"source": source, "shards": shards, "pieces": {"parts": "melody"}, "window": WINDOW}
    ingest_pieces.run(files, settings)
    return files


def join(folder, parts=(), songs=(), rejects=(), **changes):
    files = argparse.Namespace(
        parts=list(parts),
        songs=list(songs),
        rejects=list(rejects),
        out=folder / "pieces.parquet",
        rejects_out=folder / "rejects.parquet",
    )
    pieces.run(files, {**SETTINGS, "pieces": {**PIECE_SETTINGS, **changes}})
    found = read_table(files.out, PIECES).to_pylist()
    return found, read_table(files.rejects_out, REJECTS).to_pylist()


def table(path, rows):
    write_table(path, PIECES, sorted(rows, key=lambda row: row["piece_id"]))
    return path


def a_song(timing="notated", notes=12, performed=0):
    """A song of quarter notes; `performed` is how many ticks late every second one is."""
    line = [
        Note(60 + n % 5, n * Q + n % 2 * performed, (n + 1) * Q + 9, n * 0.5, n * 0.5 + 0.5, LA)
        for n in range(notes)
    ]
    origin = Origin(
        "midi", "mine", "song.mid", "1", "Song", "", "und", "1", "utf-8", timing, "midi"
    )
    return song_row(origin, line, Grid([4 * Q * n for n in range(4)], [0], ["4/4"], [0], [2]))


def test_stages_do_not_depend_on_shards(tmp_path):
    found = []
    for shards in (1, 3):
        folder = tmp_path / str(shards)
        folder.mkdir()
        for number in range(7):
            notes = [(beat, 1, 60 + (beat * number) % 7) for beat in range(10)]
            (folder / f"jigs{number}.mid").write_bytes(tune_bytes(notes))
        (folder / "bad.mid").write_bytes(b"")
        made = [ingest(folder, shard, shards) for shard in range(shards)]
        join(folder, [one.pieces_out for one in made], (), [one.rejects_out for one in made])
        found.append([(folder / f"{name}.parquet").read_bytes() for name in ("pieces", "rejects")])
    assert found[0] == found[1]


def test_repeats_are_cut_or_kept(tmp_path):
    part = table(tmp_path / "part.parquet", [piece(A + A + B)])
    (cut,), _ = join(tmp_path, [part])
    assert (cut["n_notes"], cut["n_repeated_notes"]) == (32, 16)
    (kept,), _ = join(tmp_path, [part], repeats="keep")
    assert (kept["n_notes"], kept["n_repeated_notes"]) == (48, 0)


def test_short_and_double_pieces_are_rejects(tmp_path):
    part = table(
        tmp_path / "part.parquet",
        [
            piece(A, "b" * 12, path="first.mid"),
            piece(A, "c" * 12, path="second.mid"),
            # Equal once the repeat is cut.
            piece(A + A, "d" * 12, path="third.mid"),
            piece(A, "e" * 12, path="fourth.mid", title="Another title"),
            piece(B[:1], "f" * 12, path="short.mid"),
        ],
    )
    found, rejects = join(tmp_path, [part])
    assert [row["path"] for row in found] == ["first.mid"]
    assert {row["path"]: row["reason"] for row in rejects} == {
        "second.mid": "duplicate-piece",
        "third.mid": "duplicate-piece",
        "fourth.mid": "duplicate-piece",
        "short.mid": "too-few-onsets",
    }
    assert all(row["stage"] == "pieces" and row["remedy"] for row in rejects)
    assert {row["path"]: row["detail"] for row in rejects}["short.mid"] == "4 onsets, 8 needed"


def test_a_run_without_pieces_says_why(tmp_path):
    part = table(tmp_path / "part.parquet", [piece(B[:1])])
    with pytest.raises(DataError, match=r"no piece is left of 1; 1 too-few-onsets \(lower pieces"):
        join(tmp_path, [part])
    assert not (tmp_path / "pieces.parquet").exists()


def test_rejects_of_reading_are_joined(tmp_path):
    (tmp_path / "jigs1.mid").write_bytes(tune_bytes([(n, 1, 60 + n) for n in range(9)]))
    (tmp_path / "jigs2.mid").write_bytes(tune_bytes([]))
    made = ingest(tmp_path)
    found, rejects = join(tmp_path, [made.pieces_out], (), [made.rejects_out])
    assert [row["path"] for row in found] == ["jigs1.mid"]
    assert [(row["stage"], row["reason"]) for row in rejects] == [("ingest-pieces", "no-notes")]


def test_two_sources_with_a_file_of_one_name(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "jigs1.mid").write_bytes(tune_bytes([(n, 1, 60) for n in range(9)]))
    also = [{"kind": "notes", "path": str(tmp_path / "two")}]
    made = ingest(tmp_path / "one", also=also)
    assert len(read_table(made.pieces_out, PIECES)) == 1
    (reject,) = read_table(made.rejects_out, REJECTS).to_pylist()
    assert reject["reason"] == "duplicate-name"


def test_sources_with_lyrics_are_left_to_ingest(tmp_path):
    made = ingest(tmp_path, kind="music21")
    assert len(read_table(made.pieces_out, PIECES)) == 0


def test_a_shard_that_is_none_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="shards are numbered 0 to 2"):
        ingest(tmp_path, 3, 3)


def test_songs_become_pieces_in_order_of_ids(tmp_path):
    song = a_song()
    write_table(tmp_path / "songs.parquet", SONGS, [song])
    part = table(tmp_path / "part.parquet", [piece(A, "0" * 12), piece(B, "f" * 12)])
    found, rejects = join(tmp_path, [part], [tmp_path / "songs.parquet"])
    assert [row["piece_id"] for row in found] == ["0" * 12, song["song_id"], "f" * 12]
    assert not rejects


def test_a_notated_song_keeps_its_ticks_and_a_performed_one_is_quantised():
    notated = piece_of_song(a_song(), WINDOW)
    assert notated["piece_id"] == a_song()["song_id"]
    assert notated["onset_tick"] == [n * Q for n in range(12)]
    assert notated["duration_tick"] == [Q] * 11 + [Q + 9]
    assert (notated["key_fifths"], notated["staff"]) == (2, [0] * 12)
    performed = piece_of_song(a_song("performed", performed=300), WINDOW)
    assert performed["onset_tick"] == notated["onset_tick"]
    assert performed["duration_tick"] == [Q] * 12
    with pytest.raises(UnusableFileError, match="quantise-error"):
        piece_of_song(a_song("performed", performed=300), {**WINDOW, "max_quantise_error_s": 0.001})
    with pytest.raises(UnusableFileError, match="one-note"):
        piece_of_song(a_song(notes=1), WINDOW)


def test_keys_say_what_sounds_and_what_is_engraved():
    row = piece(A)
    keys = piece_keys(row)
    assert keys == {"audio_key": row["audio_key"], "sheet_key": row["sheet_key"]}
    lower = piece_keys({**row, "staff": [1] * 16})
    assert lower["audio_key"] == keys["audio_key"]
    assert lower["sheet_key"] != keys["sheet_key"]
    slower = piece_keys({**row, "onset_s": [2 * onset for onset in row["onset_s"]]})
    assert slower["sheet_key"] == keys["sheet_key"]
    assert slower["audio_key"] != keys["audio_key"]
    noise = piece_keys({**row, "onset_s": [onset + 1e-9 for onset in row["onset_s"]]})
    assert noise == keys


def test_chords_of_a_staff_end_together_and_before_the_next_onset():
    notes = [
        PieceNote(60, 0, Q, 0, 0.5),
        PieceNote(64, 0, 3 * Q, 0, 1.5),
        PieceNote(64, 0, 2 * Q, 0, 1.0),
        PieceNote(67, 2 * Q, 3 * Q, 1, 1.5),
        PieceNote(40, 0, 4 * Q, 0, 2.0, staff=1),
    ]
    found = one_voice_a_staff(notes)
    assert [(note.pitch, note.end_tick, note.end_s) for note in found] == [
        (60, 2 * Q, 0.5),
        (64, 2 * Q, 1.5),
        (67, 3 * Q, 1.5),
        (40, 4 * Q, 2.0),
    ]


def test_what_sounds_together_is_written_together():
    # A triplet above; below a note with the second of the triplet, a little late.
    triplet = [PieceNote(72, n * Q // 3, (n + 1) * Q // 3, n / 6, (n + 1) / 6) for n in range(3)]
    below = PieceNote(48, Q // 3, Q, 1 / 6, 0.5, staff=1)
    found, error = quantised([*triplet, below], 4)
    assert [(note.pitch, note.onset_tick) for note in found] == [
        (72, 0),
        (72, Q // 3),
        (72, 2 * Q // 3),
        (48, Q // 3),
    ]
    assert error == 0


def test_twins_of_kept_and_cut_repeats(tmp_path):
    rows = [
        piece(A + A + B, "a" * 12, path="a"),
        piece([[80, 50, 81, 51], *B, [40, 60, 41, 61]], "b" * 12, path="b"),
        piece([[49, 79, 48, 78], [90, 30, 91, 31], [33, 66, 34, 67]], "c" * 12, path="c"),
    ]
    part = table(tmp_path / "part.parquet", rows)
    join(tmp_path, [part])
    split = {"valid_share": 0.4, "test_share": 0.2, "max_group_share": 1.0, "seeds": [0]}
    split_pieces.run(
        argparse.Namespace(pieces=tmp_path / "pieces.parquet", out=tmp_path / "split.parquet"),
        {"pieces": {"shared_notes": 24}, "split": split},
    )
    files = argparse.Namespace(
        parts=[part], songs=[], split=tmp_path / "split.parquet", out=tmp_path / "twins.parquet"
    )
    twins.run(files, {"pieces": {"repeat_bars": 4}, "window": WINDOW})
    found = {
        (row["repeats"], row["fold"], row["reach"]): row
        for row in read_table(files.out, TWINS).to_pylist()
    }
    assert len(found) == 2 * 4 * 3
    kept, cut = found["keep", "all", 3], found["cut", "all", 3]
    assert (kept["n_onsets"], cut["n_onsets"]) == (84, 68)
    # A twice: onsets 3 to 12 of each time have the same three neighbours on both sides.
    assert kept["in_piece"] == pytest.approx(100 * 20 / 84)
    assert cut["in_piece"] == 0
    # B in two pieces: 16 onsets each, less three at both ends.
    assert cut["with_twin"] == pytest.approx(100 * 20 / 68)
    assert cut["ceiling"] == pytest.approx(100 * 58 / 68)
