"""Guards the MIDI source: lyrics in every dialect and encoding, melody choice, bad files."""

import argparse

import ingest_settings
import mido
import pytest
from ingest_settings import WINDOW
from midi_files import (
    TUNE,
    bad_key_signature,
    data_byte_over_127,
    midi_bytes,
    note_track,
    plain_song,
    riff_wrapped,
    smpte_timed,
    truncated,
    type_2,
    zero_notes,
)

from ugaar.errors import ConfigError, DataError
from ugaar.parquet_files import read_table
from ugaar.score.windows import windows_of
from ugaar.sources.midi_folder import bar_starts, read_folder, song_of
from ugaar.sources.midi_lyrics import decode
from ugaar.sources.midi_melody import match
from ugaar.sources.unusable import UnusableFileError
from ugaar.stages import ingest
from ugaar.tables import REJECTS, SONGS

Q = 10080
SOURCE = {
    **ingest_settings.SOURCE,
    "kind": "midi",
    "midi": {"onset_tolerance_s": 0.3, "min_match": 0.5, "hold_marks": ["_", "~", "+", "-"]},
}
WORDS = ["amazing", "amazing", "amazing", "grace", "how", "sweet", "the", "sound"]


def read(song):
    return song_of(midi_bytes(song), "folder/song.mid", SOURCE)


def test_lyric_events_give_a_song():
    row = read(plain_song(key="Eb", meter=(3, 4)))
    assert row["n_notes"] == 40
    assert row["word"][:8] == WORDS
    assert row["pitch"][:8] == TUNE
    assert row["onset_s"][:3] == [0, 0.5, 1.0]
    assert row["onset_tick"][:3] == [0, Q, 2 * Q]
    assert row["bar_tick"][:3] == [0, 3 * Q, 6 * Q]
    assert (row["meter"], row["key_fifths"]) == (["3/4"], [-3])
    assert (row["collection"], row["timing"], row["tempo_source"]) == (
        "folder",
        "performed",
        "midi",
    )


def test_karaoke_text_events_with_headers():
    song = plain_song(
        kind="text",
        headers=["@KMIDI KARAOKE FILE", "@LENGL", "@TAmazing Grace", "@TSomebody", "Credits"],
    )
    song.lyrics = [
        (at + 4, ("\\" if at == 0 else "/" if at % 8 == 0 else "") + text)
        for at, text in song.lyrics
    ]
    song.notes = [(at + 4, length, pitch) for at, length, pitch in song.notes]
    row = read(song)
    assert row["n_notes"] == 40
    assert row["word"][:8] == WORDS
    assert (row["title"], row["language"]) == ("Amazing Grace", "en")


def test_text_without_any_mark_needs_notes_to_meet():
    unmarked = {"kind": "text", "lyrics_name": "Track 2"}
    song = plain_song(**unmarked)
    song.lyrics[0] = (0.1, song.lyrics[0][1])
    assert read(song)["n_notes"] == 40
    few = plain_song(**unmarked)
    few.lyrics = [(at + 0.1, text) for at, text in few.lyrics[:5]]
    assert _reason(midi_bytes(few)) == "no-lyrics"


def test_lyric_events_come_before_text_events():
    song = plain_song()
    other = plain_song(kind="text", lyrics=[(i + 1, "noise ") for i in range(30)])
    from midi_files import lyric_track

    song.more_tracks = [lyric_track(other)]
    assert "noise" not in read(song)["word"]


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", "utf-8"), ("cp1252", "cp1252"), ("latin-1", "cp1252")],
)
def test_encodings(encoding, expected):
    song = plain_song()
    song.lyrics[3] = (
        3,
        "café’s ".replace("’", "'" if encoding == "latin-1" else "’").encode(encoding),
    )
    row = read(song)
    assert row["syllable"][3] == "café's"
    assert row["encoding"] == expected


def test_bytes_that_cp1252_lacks_fall_to_latin_1():
    assert decode([b"caf\xe9", b"\x81"])[1] == "latin-1"
    assert decode([b"plain"]) == (["plain"], "utf-8")


def test_melody_is_the_sparse_track_that_meets_the_words():
    song = plain_song()
    busy = [(i / 4, 0.25, 48 + i % 5) for i in range(160)]
    far = [(i + 0.5, 0.4, 80) for i in range(40)]
    drums = [(i, 0.5, 38) for i in range(40)]
    song.more_tracks = [
        note_track(busy, "Piano", channel=1),
        note_track(far, "Flute", channel=2),
        note_track(drums, "Drums", channel=9),
    ]
    row = read(song)
    assert (row["part"], row["pitch"][:8]) == ("Melody", TUNE)


def test_top_note_of_a_chord():
    song = plain_song()
    song.notes += [(at, 1.0, pitch - 12) for at, _, pitch in song.notes]
    assert read(song)["pitch"][:8] == TUNE


def test_note_without_a_syllable_is_taken_in():
    song = plain_song()
    song.lyrics[5] = (5, "_")
    del song.lyrics[6]
    row = read(song)
    assert row["n_notes"] == 38
    assert row["duration_tick"][4] == 3 * Q


def test_events_off_the_notes_are_no_melody():
    song = plain_song()
    song.lyrics = [(at * 3 + 0.8, text) for at, text in song.lyrics]
    song.notes = song.notes[:4]
    assert _reason(midi_bytes(song)) == "no-melody"


def test_match_is_in_order_and_one_to_one():
    assert match([0.0, 0.1, 1.0, 5.0], [0.05, 0.2, 1.2], 0.3) == [0, 1, 2, None]
    assert match([0.0, 0.0], [0.0], 0.3) == [0, None]
    assert match([], [1.0], 0.3) == []


def test_no_time_signature_no_bars():
    row = read(plain_song(meter=None, tempo_qpm=None))
    assert row["bar_tick"] == row["meter"] == []
    assert row["tempo_source"] == "default"
    assert row["onset_s"][1] == pytest.approx(0.5)


def test_bars_start_anew_at_each_meter():
    assert bar_starts({0: (4, 4), 8 * Q: (3, 8)}, 10 * Q) == [0, 4 * Q, 8 * Q, 8 * Q + 15120]


def test_overlapping_notes_and_extreme_pitches():
    song = plain_song()
    song.notes = [(at, 1.5, (0, 127)[at % 2]) for at, _, _ in song.notes]
    row = read(song)
    assert set(row["pitch"]) == {0, 127}
    windows, rejects = windows_of(row, WINDOW)
    assert (len(windows), rejects) == (2, [])
    assert windows[0]["duration_tick"][:3] == [Q, Q, Q]
    assert windows[0]["duration_s"][0] == pytest.approx(0.75)


def test_note_of_a_minute():
    song = plain_song()
    at, _, pitch = song.notes[-1]
    song.notes[-1] = (at, 120.0, pitch)
    windows, rejects = windows_of(read(song), WINDOW)
    assert len(windows) == 1
    assert [row["reason"] for row in rejects] == ["note-over-limit"]


def _reason(data):
    with pytest.raises(UnusableFileError) as caught:
        song_of(data, "song.mid", SOURCE)
    assert caught.value.detail
    return caught.value.reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty-file"),
        (b"GIF89a, surely no music", "not-midi"),
        (b"RIFF\x04\0\0\0WAVE", "not-midi"),
        (b"MThd\0\0", "truncated"),
        (truncated(), "truncated"),
        (smpte_timed(), "smpte-timing"),
        (type_2(), "asynchronous-tracks"),
        (zero_notes(), "no-notes"),
        (midi_bytes(plain_song(lyrics=[])), "no-lyrics"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_files_have_a_reason(data, reason):
    assert _reason(data) == reason


def test_drums_alone_are_no_notes():
    song = plain_song(notes=[])
    song.more_tracks = [note_track([(i, 0.5, 38) for i in range(40)], "Drums", channel=9)]
    assert _reason(midi_bytes(song)) == "no-notes"


def test_a_file_that_never_ends_is_a_reject():
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(
        mido.MidiTrack(
            [
                mido.Message("note_on", note=60, velocity=90, time=0),
                mido.Message("note_off", note=60, time=20_000_000),
            ]
        )
    )
    import io

    out = io.BytesIO()
    file.save(file=out)
    assert _reason(out.getvalue()) == "unreadable-midi"


@pytest.mark.parametrize("make", [riff_wrapped, bad_key_signature, data_byte_over_127])
def test_repaired_files_give_the_same_notes(make):
    row = song_of(make(), "song.mid", SOURCE)
    good = read(plain_song())
    assert row["pitch"] == good["pitch"]
    assert row["onset_s"] == good["onset_s"]
    assert row["word"] == good["word"]


def _folder(root):
    files = {
        "good/a.mid": midi_bytes(plain_song()),
        "good/b.kar": midi_bytes(plain_song(30)),
        "riff.rmi": riff_wrapped(),
        "bad/empty.mid": b"",
        "bad/cut.midi": truncated(),
        "bad/notes.txt": b"not looked at",
    }
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return {**SOURCE, "path": str(root)}


def test_shards_together_hold_each_file_once(tmp_path):
    source = _folder(tmp_path)
    (one_songs, one_rejects) = read_folder(source, 0, 1)
    parts = [read_folder(source, shard, 4) for shard in range(4)]
    songs = [row for found, _ in parts for row in found]
    rejects = [row for _, found in parts for row in found]
    for together, alone, key in (
        (songs, one_songs, "song_id"),
        (rejects, one_rejects, "item"),
    ):
        assert sorted(together, key=lambda row: row[key]) == sorted(alone, key=lambda row: row[key])
    assert {row["path"] for row in songs} == {"good/a.mid", "good/b.kar", "riff.rmi"}
    assert {row["item"]: row["reason"] for row in rejects} == {
        "bad/empty.mid": "empty-file",
        "bad/cut.midi": "truncated",
    }


def test_stage_writes_both_tables_twice_the_same(tmp_path):
    settings = {"source": _folder(tmp_path / "in"), "shards": 1}
    written = []
    for run in ("one", "two"):
        songs, rejects = tmp_path / run / "songs.parquet", tmp_path / run / "rejects.parquet"
        arguments = argparse.Namespace(shard=0, songs_out=songs, rejects_out=rejects)
        ingest.run(arguments, settings)
        written.append(songs.read_bytes() + rejects.read_bytes())
    assert written[0] == written[1]
    assert len(read_table(songs, SONGS)) == 3
    assert len(read_table(rejects, REJECTS)) == 2


def test_folder_missing_or_without_midi(tmp_path):
    with pytest.raises(ConfigError, match=r"source\.path"):
        read_folder({**SOURCE, "path": str(tmp_path / "none")}, 0, 1)
    with pytest.raises(DataError, match=r"\.kar"):
        read_folder({**SOURCE, "path": str(tmp_path)}, 0, 1)


def test_names_of_tracks_are_decoded_as_lyrics_are():
    song = plain_song(name="Stimme \u00c4".encode().decode("latin-1"))
    assert read(song)["part"] == "Stimme \u00c4"
    assert read(plain_song(name="Stimme \u00c4"))["part"] == "Stimme \u00c4"
