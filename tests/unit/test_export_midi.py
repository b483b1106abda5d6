r"""Guards the export of songs as MIDI: lyric texts by hand, and reading back what was written."""

import csv
import os
from pathlib import Path

import mido
import numpy as np
import pytest
from songs_for_export import QUARTER, SOURCE, read_back, song, tune, words

from ugaar.cli import main
from ugaar.errors import DataError
from ugaar.export.song_files import export_songs
from ugaar.export.song_lyrics import event_texts, fragments_of_words
from ugaar.export.song_midi import song_midi
from ugaar.export.song_timing import EVEN_TEMPO, timing_of
from ugaar.parquet_files import write_table
from ugaar.score.lyrics import normalise
from ugaar.sources.songs import Grid
from ugaar.tables import SONGS

STYLES = ("events", "karaoke")


def saved(row, style, folder):
    midi, timing = song_midi(row, style)
    path = folder / f"song-{style}.mid"
    midi.save(path)
    return path, timing


def assert_same(found, row, within_s=1e-3):
    assert list(zip(found["pitch"], found["syllable"], strict=True)) == list(
        zip(row["pitch"], row["syllable"], strict=True)
    )
    np.testing.assert_allclose(found["onset_s"], row["onset_s"], rtol=0, atol=within_s)


def test_texts_of_both_styles():
    row = song(
        [(60, 0, 0.4, 0), (62, 0.5, 0.9, 1), (64, 1.0, 1.4, 2), (65, 2.5, 2.9, 3), (67, 9, 9.4, 4)],
        ["gold-en", "day", "so", "long"],
    )
    fragments = fragments_of_words(row["syllable"], row["word"])
    times = (row["onset_s"], row["duration_s"])
    assert event_texts(fragments, *times, "events") == ["gold", "en ", "day ", "so ", "long "]
    assert event_texts(fragments, *times, "karaoke") == ["\\gold", "en", " day", "/so", "\\long"]


def test_words_end_where_their_syllables_spell_them():
    fragments = fragments_of_words(
        ["ev", "ry", "glo", "glo", "ri", "a", "la", "la"],
        ["ev'ry", "ev'ry", "gloria", "gloria", "gloria", "gloria", "la", "la"],
    )
    assert [part.text for part in fragments] == ["ev", "'ry", "glo", "glo", "ri", "a", "la", "la"]
    starts = [place for place, part in enumerate(fragments) if part.starts_word]
    assert starts == [0, 2, 3, 6, 7]
    assert [place for place, part in enumerate(fragments) if part.ends_word] == [1, 2, 5, 6, 7]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("start", [0.0, 1.5])
def test_a_song_comes_back(tmp_path, style, start):
    grid = Grid([0], [0, 8 * QUARTER], ["3/4", "2/5"], [0], [-3])
    row = song(
        tune(start=start), words(), grid, part="Stimme Ä", title="Über\nallen", language="de"
    )
    path, timing = saved(row, style, tmp_path)
    assert mido.MidiFile(path).type == 1
    assert (timing.beats, timing.moved, timing.shortened) == (True, 0, 0)
    assert timing.tempi == [(0, EVEN_TEMPO)]
    found = read_back(path)
    assert_same(found, row, 1e-6)
    assert found["word"] == row["word"]
    assert found["onset_tick"] == row["onset_tick"]
    np.testing.assert_allclose(found["duration_s"], row["duration_s"], rtol=0, atol=1e-3)
    assert (found["title"], found["language"]) == ("Über allen", "de")
    assert found["part"] == "Stimme Ä"
    # MIDI knows no fifths of a whole note.
    assert (found["meter"], found["key_fifths"]) == (["3/4"], [-3])


@pytest.mark.parametrize("style", STYLES)
def test_a_performance_keeps_its_beats_and_its_seconds(tmp_path, style):
    chance = np.random.default_rng(0)
    onsets = np.cumsum(chance.uniform(0.08, 2.0, 60)).tolist()
    notes = [(60 + i % 7, s, s + 0.07, QUARTER * (i + i // 4)) for i, s in enumerate(onsets)]
    row = song(notes, words(60))
    path, timing = saved(row, style, tmp_path)
    assert timing.beats
    assert len(timing.tempi) > 50
    found = read_back(path)
    assert_same(found, row, 5e-4)
    assert np.diff(found["onset_tick"]).tolist() == np.diff(row["onset_tick"]).tolist()


@pytest.mark.parametrize("style", STYLES)
def test_equal_onsets_and_overlaps(tmp_path, style):
    notes = tune()
    notes[5] = (70, notes[4][1], notes[5][2], notes[5][3])  # starts with the note before
    notes[9] = (notes[10][0], notes[9][1], notes[10][1] + 0.2, notes[9][3])  # held into its repeat
    notes[14] = (80, notes[14][1], notes[16][1], notes[14][3])  # held under other notes
    row = song(notes, words())
    path, timing = saved(row, style, tmp_path)
    assert (timing.beats, timing.moved, timing.shortened) == (False, 1, 1)
    found = read_back(path)
    assert_same(found, row)
    assert found["onset_s"][5] > found["onset_s"][4]
    assert found["duration_s"][9] == pytest.approx(notes[10][1] - notes[9][1], abs=1e-3)
    assert found["duration_s"][14] == pytest.approx(1.0, abs=1e-3)


def test_beats_that_run_backwards_are_given_up():
    onsets = [0.0, 1.0, 2.0]
    timing = timing_of([60, 62, 64], onsets, [0.5] * 3, [0, 2 * QUARTER, QUARTER])
    assert not timing.beats
    assert timing.tempi == [(0, EVEN_TEMPO)]
    assert timing.onset == [2 * QUARTER * place for place in range(3)]


def test_long_songs_get_coarser_ticks_that_readers_accept():
    timing = timing_of([60, 62], [0.0, 3600.0], [1.0, 1.0], [0, 7200 * QUARTER])
    assert timing.division < QUARTER
    assert max(timing.end) < 10_000_000
    with pytest.raises(DataError, match="too long"):
        timing_of([60, 62], [0.0, 1e6], [1.0, 1.0], [0, QUARTER])


def test_descending_onsets_are_an_error():
    with pytest.raises(DataError, match="before the one of the note before"):
        timing_of([60, 62], [1.0, 0.5], [1.0, 1.0], [0, QUARTER])


def test_the_index_says_what_became_of_each_song(tmp_path):
    good = song(tune(), words(), path="good")
    bare = song(tune(), words(), path="bare")
    bare["syllable"][7] = "??"
    bad = song(tune(), words(), path="bad")
    bad["onset_s"][3] = 0.1
    table = tmp_path / "songs.parquet"
    write_table(table, SONGS, [good, bare, bad])
    counts = export_songs(table, tmp_path / "midi", None, "karaoke")
    assert (counts["written"], counts["failed"], counts["textless"]) == (2, 1, 1)
    with (tmp_path / "midi" / "songs.csv").open(encoding="utf-8") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    assert rows["good"]["file"] == f"{good['song_id']}.kar"
    assert rows["bare"]["textless_notes"] == "1"
    assert "before the one" in rows["bad"]["problem"]
    assert not rows["bad"]["file"]
    assert sorted(path.name for path in (tmp_path / "midi").iterdir()) == sorted(
        [rows["good"]["file"], rows["bare"]["file"], "songs.csv"]
    )


def test_songs_by_number_and_by_id(tmp_path):
    rows = [song(tune(), words(), path=str(number)) for number in range(3)]
    table = tmp_path / "songs.parquet"
    write_table(table, SONGS, rows)
    command = ["export", str(table), "--format", "midi", "--out"]
    assert main([*command, str(tmp_path / "two"), "--songs", "2"]) == 0
    assert len(list((tmp_path / "two").glob("*.mid"))) == 2
    assert main([*command, str(tmp_path / "one"), "--songs", rows[2]["song_id"]]) == 0
    assert [path.stem for path in (tmp_path / "one").glob("*.mid")] == [rows[2]["song_id"]]
    assert main([*command, str(tmp_path / "none"), "--songs", "abc"]) == 1


@pytest.fixture(scope="module")
def collection():
    """Two hundred songs of the lyrics-melody collection."""
    mirror = os.environ.get("UGAAR_MIRROR")
    archive = Path(mirror or ".") / "data" / "lmd_lyrics.zip"
    if not mirror or not archive.is_file():
        pytest.skip("set UGAAR_MIRROR to a folder with data/lmd_lyrics.zip")
    from ugaar.sources.lmd_lyrics import read_collection

    source = SOURCE | {"kind": "lmd-lyrics", "path": str(archive)}
    rows = read_collection(source, 0, 36)[0][:200]
    assert len(rows) == 200
    return rows


@pytest.mark.parametrize("style", STYLES)
def test_two_hundred_songs_of_the_lyrics_melody_collection_come_back(collection, tmp_path, style):
    unlettered = 0
    for row in collection:
        path, _ = saved(row, style, tmp_path)
        # Text without a letter is punctuation to a reader of MIDI lyrics.
        kept = [place for place, text in enumerate(row["syllable"]) if normalise(text)]
        unlettered += len(row["syllable"]) - len(kept)
        expected = {name: [row[name][i] for i in kept] for name in ("pitch", "syllable", "onset_s")}
        assert_same(read_back(path), expected)
    assert unlettered < 100
