"""Guards scores of a folder or zip: what is sung, where files come from, what is refused."""

import argparse
import os
import zipfile
from pathlib import Path

import ingest_settings
import pytest
from musicxml_files import backup, bars, compressed, lyric, note, score, tempo

from ugaar.errors import ConfigError, DataError
from ugaar.parquet_files import read_table
from ugaar.settings import load
from ugaar.sources.musicxml_folder import collection_of, read_scores, shared_folder
from ugaar.stages import ingest
from ugaar.tables import REJECTS, SONGS

Q = 10080
SOURCE = {**ingest_settings.SOURCE, "kind": "musicxml"}
NO_INTERVAL = "<transpose><octave-change>-1</octave-change></transpose>"
LA = score(("S", bars(note(60, 4, lyric("la")))))


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def read(root, **changes):
    return read_scores(SOURCE | {"path": str(root)} | changes, 0, 1)


@pytest.fixture
def one(tmp_path):
    """Return the songs of one score."""

    def songs(text, **changes):
        write(tmp_path, {"piece.musicxml": text})
        found, rejects = read(tmp_path, **changes)
        assert rejects == []
        return found

    return songs


def words(text):
    return "".join(note(60, 1, lyric(word)) for word in text.split())


def test_changes_of_key_meter_and_tempo_are_carried(one):
    change = (
        "<attributes><key><fifths>-3</fifths></key><time><beats>3</beats><beat-type>8</beat-type>"
        "</time></attributes>"
    )
    eighth = note(64, 0.5, lyric("la"))
    pickup = note(60, 1, lyric("O"))
    (row,) = one(
        score(
            (
                "Voice",
                bars(
                    pickup,
                    tempo(60) + words("wie so trü"),
                    change + tempo(120) + eighth * 3,
                    fifths=2,
                    beats=3,
                ),
            )
        )
    )
    assert row["bar_tick"] == [0, Q, 4 * Q]
    assert (row["meter_tick"], row["meter"]) == ([0, 4 * Q], ["3/4", "3/8"])
    assert (row["key_tick"], row["key_fifths"]) == ([0, 4 * Q], [2, -3])
    # The upbeat at 100, a bar at 60, then 120 quarter notes a minute.
    assert row["onset_s"] == pytest.approx([0, 0.6, 1.6, 2.6, 3.6, 3.85, 4.1])
    assert row["tempo_source"] == "score"


def test_words_alone_are_no_tempo_and_a_metronome_counts_in_its_own_unit(one):
    word = "<direction><direction-type><words>Presto</words></direction-type></direction>"
    (row,) = one(score(("Voice", bars(word + words("a b")))))
    assert (row["tempo_source"], row["onset_s"]) == ("default", [0, pytest.approx(0.6)])
    dotted = (
        "<direction><direction-type><metronome><beat-unit>quarter</beat-unit><beat-unit-dot/>"
        "<per-minute>40</per-minute></metronome></direction-type></direction>"
    )
    (row,) = one(score(("Voice", bars(dotted + words("a b")))))
    # 40 dotted quarters a minute are 60 quarters.
    assert row["onset_s"] == pytest.approx([0, 1])


def test_repeats_are_read_once(one):
    back = "<barline location='right'><repeat direction='backward'/></barline>"
    (row,) = one(score(("Voice", bars(words("ein mal") + back, words("und aus")))))
    assert row["syllable"] == ["ein", "mal", "und", "aus"]


def test_small_notes_of_a_second_voice_are_no_second_song(one):
    divided = (
        words("vier fünf sechs sieben") + backup(4) + note(67, 4, lyric("oh", number=2), voice=2)
    )
    content = bars(words("eins zwei drei"), divided, words("acht neun"))
    (row,) = one(score(("Voice", content)))
    assert row["part"] == "1 Voice 1"
    assert row["syllable"][-3:] == ["sieben", "acht", "neun"]
    assert row["pitch"] == [60] * 9


def test_a_second_voice_with_its_own_text_is_a_song(one):
    low = "".join(note(60, 1, lyric(word), voice=2) for word in ("do", "re", "mi", "fa"))
    content = bars(words("a b c d") + backup(4) + low)
    assert [row["part"] for row in one(score(("Duet", content)))] == ["1 Duet 1", "1 Duet 2"]


def test_a_part_without_notes_among_sung_ones(one):
    found = one(
        score(("Empty", bars()), ("Rests", bars(note(None, 4))), ("Voice", bars(words("a"))))
    )
    assert [row["part"] for row in found] == ["3 Voice"]


def test_titles_are_of_the_piece_and_the_composer_of_the_file(one):
    text = LA.replace(
        "<movement-title>Test piece</movement-title>",
        "<work><work-title>A set</work-title></work><movement-title> One\nsong </movement-title>"
        "<identification><creator type='composer'>F. Hensel</creator></identification>",
    )
    (row,) = one(text)
    assert (row["title"], row["composer"]) == ("One song", "F. Hensel")
    assert one(LA.replace("<movement-title>Test piece</movement-title>", ""))[0]["title"] == (
        "piece.musicxml"
    )


def test_the_text_decides_the_language_before_the_file_does(one):
    german = words("der und ich nicht") + words("mein")
    declared = "<defaults><lyric-language xml:lang='sv-SE'/></defaults><part-list>"
    (row,) = one(score(("V", bars(german))).replace("<part-list>", declared))
    assert row["language"] == "de"
    (row,) = one(LA.replace("<part-list>", declared))
    assert row["language"] == "sv"
    marked = LA.replace("<part-list>", declared).replace("<text>", "<text xml:lang='fi'>")
    assert one(marked)[0]["language"] == "fi"
    assert one(LA)[0]["language"] == "und"


def test_collections_are_the_first_folders_that_differ(tmp_path):
    names = ["scores/Schubert/_/a.mxl", "scores/Schubert/Op.1/b.mxl", "scores/Lang/c.mxl"]
    shared = shared_folder(names)
    assert [collection_of(name, shared) for name in names] == ["Schubert", "Schubert", "Lang"]
    assert collection_of("a.mxl", shared_folder(["a.mxl", "x/b.mxl"])) == "."
    assert collection_of("x/a.mxl", shared_folder(["x/a.mxl", "x/b.mxl"])) == "."


def test_a_folder_and_its_zip_give_the_same_rows_in_any_number_of_shards(tmp_path):
    folder = tmp_path / "folder"
    write(folder, {f"{where}/{name}.xml": LA for where in "xy" for name in "abc"})
    compressed(folder / "y" / "d.mxl", LA)
    (folder / "y" / "notes.txt").write_text("no score")
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in folder.rglob("*.*"):
            packed.write(path, path.relative_to(folder).as_posix())
    whole, rejects = read(folder)
    assert (len(whole), rejects) == (7, [])
    assert read(archive) == (whole, [])
    source = SOURCE | {"path": str(archive)}
    parts = [row for shard in range(3) for row in read_scores(source, shard, 3)[0]]
    assert sorted(parts, key=lambda row: row["path"]) == whole
    assert [row["path"] for row in read(archive, include=["y/d"])[0]] == ["y/d.mxl"]


@pytest.mark.filterwarnings("ignore:The following exception")
def test_bad_files_are_rejects_and_the_others_are_read(tmp_path):
    archive = tmp_path / "all.zip"
    bad_transpose = bars(note(60, 4, lyric("la")), transpose=NO_INTERVAL)
    timewise = LA.replace("score-partwise", "score-timewise")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("good.xml", LA)
        packed.writestr("cut.xml", LA[: len(LA) - 20])
        packed.writestr("mute.xml", score(("S", bars(note(60, 4)))))
        packed.writestr("void.xml", "")
        packed.writestr("odd.xml", score(("S", bad_transpose)))
        packed.writestr("timewise.xml", timewise)
        packed.writestr("../outside.xml", LA)
        packed.writestr("bomb.xml", bytes(64 * 2**20 + 1))
        packed.writestr("entity.xml", '<!DOCTYPE x [<!ENTITY a "b">]><x><lyric/>&a;</x>')
        packed.writestr("no.mxl", b"PK\x03\x04")
    songs, rejects = read(archive)
    assert [row["path"] for row in songs] == ["good.xml"]
    assert {row["item"]: row["reason"] for row in rejects} == {
        "cut.xml": "unreadable-score",
        "mute.xml": "no-lyrics",
        "void.xml": "no-lyrics",
        "odd.xml": "unreadable-score",
        "timewise.xml": "unreadable-score",
        "../outside.xml": "unsafe-file",
        "bomb.xml": "unsafe-file",
        "entity.xml": "unsafe-file",
        "no.mxl": "unreadable-score",
    }
    assert all(row["detail"] and row["remedy"] for row in rejects)


def test_a_wrong_path_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match=r"source\.path"):
        read(tmp_path / "gone")
    (tmp_path / "notes.txt").write_text("no score")
    with pytest.raises(DataError, match=r"\.mxl"):
        read(tmp_path)
    with pytest.raises(DataError, match=r"notes\.txt"):
        read(tmp_path / "notes.txt")
    (tmp_path / "own.yaml").write_text("source: {kind: musicxml}")
    with pytest.raises(ConfigError, match=r"source\.path: needed for source\.kind musicxml"):
        load(["config.yaml", tmp_path / "own.yaml"], "workflow/schemas/config.schema.yaml")


def test_the_preset_is_valid():
    config = load(["config.yaml", "config/lieder.yaml"], "workflow/schemas/config.schema.yaml")
    assert config["source"]["kind"] == "musicxml"
    assert config["split"]["min_test_windows"] >= 2000


def test_stage_writes_both_tables(tmp_path):
    write(tmp_path / "in", {"a.xml": LA, "b.xml": "<x/>"})
    arguments = argparse.Namespace(
        shard=0, songs_out=tmp_path / "songs.parquet", rejects_out=tmp_path / "rejects.parquet"
    )
    ingest.run(arguments, {"source": SOURCE | {"path": str(tmp_path / "in")}, "shards": 1})
    (song,) = read_table(arguments.songs_out, SONGS).to_pylist()
    assert (song["source"], song["collection"], song["path"]) == ("musicxml", ".", "a.xml")
    assert [row["item"] for row in read_table(arguments.rejects_out, REJECTS).to_pylist()] == [
        "b.xml"
    ]


def lieder():
    mirror = os.environ.get("UGAAR_MIRROR")
    if not mirror:
        pytest.skip("UGAAR_MIRROR is not set; it names the folder that holds data/lieder_mxl.zip")
    return Path(mirror) / "data" / "lieder_mxl.zip"


def test_a_real_song_with_a_prelude_of_the_piano():
    songs, rejects = read(lieder(), include=["Winterreise,_D.911/1_Gute_Nacht/"])
    assert rejects == []
    (row,) = songs
    assert row["word"][:7] == ["fremd", "bin", "ich", *["eingezogen"] * 4]
    # F E D A F E E over the D minor of the first bars, as printed.
    assert row["pitch"][:7] == [77, 76, 74, 69, 65, 64, 64]
    assert row["syllable"][3:7] == ["ein", "ge", "zo", "gen"]
    assert (row["meter"], row["key_fifths"]) == (["2/4"], [-1, 2, -1])
    assert (row["collection"], row["composer"]) == ("Schubert,_Franz", "Franz Schubert")
    assert (row["language"], row["tempo_source"]) == ("de", "score")
    assert "Gute Nacht" in row["title"]


def test_a_real_piece_for_piano_alone():
    songs, (row,) = read(lieder(), include=["To_Julia,_Op.8/1_Prelude/"])
    assert songs == []
    assert row["reason"] == "no-lyrics"
