"""Guards scores: ties, chords, grace notes, verses, melisma, tempo, bars; unreadable files."""

import argparse

import ingest_settings
import pytest
from musicxml_files import backup, bars, compressed, elision, lyric, note, score, tempo

from ugaar.errors import ConfigError
from ugaar.parquet_files import read_table
from ugaar.sources.music21_corpus import read_corpus
from ugaar.sources.music21_files import corpus_files, corpus_root, holds_lyrics
from ugaar.sources.musicxml_bytes import score_xml
from ugaar.stages import ingest
from ugaar.tables import SONGS

Q = 10080
SOURCE = {**ingest_settings.SOURCE, "kind": "music21"}


@pytest.fixture
def read(tmp_path):
    def songs(text, **changes):
        folder = tmp_path / "corpus" / "anonymous"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "piece.xml").write_text(text, encoding="utf-8")
        found, rejects = read_corpus(tmp_path / "corpus", SOURCE | changes, 0, 1)
        return found, rejects

    return songs


def only(found):
    (songs, rejects) = found
    assert rejects == []
    (row,) = songs
    return row


def test_ties_chords_grace_notes_and_melisma(read):
    content = bars(
        note(60, 1, lyric("A", "begin"))
        + note(62, 1, lyric("men.", "end"), tie="start")
        + note(62, 1, tie="stop")
        + note(64, 1, grace=True)
        + note(65, 1),
        note(64, 2, lyric("2. Der")) + note(67, 2, chord=True) + note(None, 1) + note(72, 1),
        fifths=-2,
    )
    row = only(read(score(("Soprano", content))))
    assert row["syllable"] == ["a", "men", "der"]
    assert row["word"] == ["amen", "amen", "der"]
    assert row["pitch"] == [60, 62, 67]
    assert row["onset_tick"] == [0, Q, 4 * Q]
    # The tied note lasts two quarters and then through the one that has no syllable; the chord
    # through a rest to the end of the next note.
    assert row["duration_tick"] == [Q, 3 * Q, 4 * Q]
    assert row["onset_s"] == pytest.approx([0, 0.6, 2.4])
    assert (row["bar_tick"], row["meter"], row["key_fifths"]) == ([0, 4 * Q], ["4/4"], [-2])
    assert (row["collection"], row["path"]) == ("anonymous", "anonymous/piece.xml")
    assert (row["tempo_source"], row["timing"]) == ("default", "notated")


def test_melisma_kept_and_rest_too_long(read):
    content = bars(note(60, 1, lyric("la")) + note(62, 1) + note(None, 1) + note(64, 1))
    kept = only(read(score(("S", content)), melisma="keep"))
    assert (kept["syllable"], kept["pitch"]) == (["la"] * 3, [60, 62, 64])
    short = only(read(score(("S", content)), melisma_rest_s=0.5))
    assert short["duration_tick"] == [2 * Q]


def test_most_complete_verse_or_a_number(read):
    content = bars(
        note(60, 1, lyric("one", number=1) + lyric("Ei", "begin", number=2))
        + note(62, 1, lyric("ne", "end", number=2))
        + note(64, 2, lyric("zwei", number=2))
    )
    text = score(("S", content))
    full = only(read(text))
    assert (full["verse"], full["word"]) == ("2", ["eine", "eine", "zwei"])
    first = only(read(text, verse="1"))
    assert (first["verse"], first["word"]) == ("1", ["one"])
    songs, (reject,) = read(text, verse="7")
    assert songs == []
    assert reject["reason"] == "no-lyrics"
    assert "'7'" in reject["detail"]


def test_equally_complete_verses_take_the_lowest(read):
    content = bars(note(60, 4, lyric("drei", number=3) + lyric("zwei", number=2)))
    assert only(read(score(("S", content))))["verse"] == "2"


def test_elision_is_one_note(read):
    content = bars(note(60, 2, lyric("glo", "begin")) + note(62, 2, elision("ria", "in")))
    row = only(read(score(("S", content))))
    assert row["syllable"] == ["glo", "riain"]
    assert row["word"] == ["gloria", "gloria"]


def test_tempo_marks_change_the_seconds(read):
    quarter = [note(60, 1, lyric("la"))] * 4
    content = bars(tempo(60) + quarter[0] * 2 + tempo(120) + quarter[0] * 2, "".join(quarter))
    row = only(read(score(("S", content))))
    assert row["tempo_source"] == "score"
    assert row["onset_s"] == pytest.approx([0, 1, 2, 2.5, 3, 3.5, 4, 4.5])


def test_triplets_are_exact_ticks(read):
    content = bars("".join(note(60, 1 / 3, lyric("la")) for _ in range(12)))
    row = only(read(score(("S", content))))
    assert row["onset_tick"] == [3360 * i for i in range(12)]


def test_each_part_and_voice_with_lyrics_is_a_song(read):
    line = "".join(note(60, 1, lyric("la")) for _ in range(4))
    second = "".join(note(67, 1, lyric("di"), voice=2) for _ in range(4))
    songs, _ = read(
        score(
            ("Soprano", bars(line)),
            ("Horn", bars(note(60, 4))),
            ("Choir", bars(line + backup(4) + second)),
        )
    )
    found = {row["part"]: row["syllable"] for row in songs}
    assert found == {"1 Soprano": ["la"] * 4, "3 Choir 1": ["la"] * 4, "3 Choir 2": ["di"] * 4}
    assert len({row["song_id"] for row in songs}) == 3


def test_written_octaves_are_transposed_only_where_the_file_says_so(read):
    transpose = (
        "<transpose><diatonic>0</diatonic><chromatic>0</chromatic>"
        "<octave-change>-1</octave-change></transpose>"
    )
    line = note(60, 4, lyric("la"))
    assert only(read(score(("Tenor", bars(line)))))["pitch"] == [60]
    assert only(read(score(("Tenor", bars(line, transpose=transpose)))))["pitch"] == [48]
    assert only(read(score(("Tenor Saxophone", bars(line)))))["pitch"] == [60]


def test_utf_16_and_compressed_files(tmp_path):
    text = score(("S", bars(note(60, 4, lyric("più")))))
    (tmp_path / "a").mkdir()
    marked = text.replace('version="1.0"', 'version="1.0" encoding="UTF-16"', 1)
    (tmp_path / "a" / "wide.xml").write_bytes(marked.encode("utf-16"))
    compressed(tmp_path / "a" / "packed.mxl", text)
    songs, rejects = read_corpus(tmp_path, SOURCE, 0, 1)
    assert rejects == []
    assert {row["path"]: (row["encoding"], row["syllable"]) for row in songs} == {
        "a/wide.xml": ("utf-16", ["più"]),
        "a/packed.mxl": ("utf-8", ["più"]),
    }


@pytest.mark.filterwarnings("ignore:The following exception")
def test_bad_files_are_rejects(tmp_path):
    (tmp_path / "mute.xml").write_text(score(("S", bars(note(60, 4)))), encoding="utf-8")
    (tmp_path / "no_zip.mxl").write_bytes(b"PK\x03\x04 cut")
    text = score(("S", bars(note(60, 4, lyric("la")))))
    (tmp_path / "cut.xml").write_text(text[: len(text) // 2] + "<lyric>", encoding="utf-8")
    (tmp_path / "empty.xml").write_bytes(b"")
    halved = "<transpose><octave-change>-1</octave-change></transpose>"
    broken = score(("S", bars(note(60, 4, lyric("la")), transpose=halved)))
    (tmp_path / "odd.xml").write_text(broken, encoding="utf-8")
    (tmp_path / "good.xml").write_text(text, encoding="utf-8")
    songs, rejects = read_corpus(tmp_path, SOURCE, 0, 1)
    assert [row["path"] for row in songs] == ["good.xml"]
    assert {row["item"]: row["reason"] for row in rejects} == {
        "mute.xml": "no-lyrics",
        "empty.xml": "no-lyrics",
        "no_zip.mxl": "unreadable-score",
        "cut.xml": "unreadable-score",
        "odd.xml": "unreadable-score",
    }
    assert all(row["detail"] and row["remedy"] for row in rejects)


def test_include_narrows_and_shards_split_the_files(tmp_path):
    text = score(("S", bars(note(60, 4, lyric("la")))))
    for name in ("x/a.xml", "x/b.xml", "y/c.xml", "y/d.xml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert corpus_files(tmp_path, ["y/"]) == ["y/c.xml", "y/d.xml"]
    whole = read_corpus(tmp_path, SOURCE, 0, 1)[0]
    parts = [row for shard in range(3) for row in read_corpus(tmp_path, SOURCE, shard, 3)[0]]
    assert sorted(parts, key=lambda row: row["path"]) == whole
    assert len(whole) == 4


def test_prefilter_finds_the_lyrics_of_the_installed_corpus():
    root = corpus_root()
    files = corpus_files(root, ["monteverdi/madrigal.3.1.", "bach/bwv1.6", "corelli"])
    found = {path: holds_lyrics(score_xml((root / path).read_bytes())) for path in files}
    assert found["monteverdi/madrigal.3.1.mxl"]
    assert not all(found.values())


def test_stage_reads_a_real_score(tmp_path):
    songs, rejects = tmp_path / "songs.parquet", tmp_path / "rejects.parquet"
    settings = {"source": SOURCE | {"include": ["johnson_j_r/lift_every"]}, "shards": 1}
    arguments = argparse.Namespace(shard=0, songs_out=songs, rejects_out=rejects)
    ingest.run(arguments, settings)
    rows = read_table(songs, SONGS).to_pylist()
    assert [row["part"] for row in rows if row["part"].startswith("1 ")] == ["1 Soprano"]
    soprano = next(row for row in rows if row["part"] == "1 Soprano")
    assert soprano["word"][:6] == ["lift", "ev'ry", "ev'ry", "voice", "and", "sing"]
    assert (soprano["verse"], soprano["language"]) == ("1", "en")
    assert soprano["collection"] == "johnson_j_r"


def test_shard_beyond_the_last(tmp_path):
    arguments = argparse.Namespace(shard=2, songs_out=tmp_path / "s", rejects_out=tmp_path / "r")
    with pytest.raises(ConfigError, match="0 to 1"):
        ingest.run(arguments, {"source": SOURCE, "shards": 2})
