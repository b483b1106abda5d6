"""Guards the sources of pieces: MIDI without lyrics, folk tunes of music21, and bad files."""

import os
import zipfile
from pathlib import Path

import pytest
from midi_files import smpte_timed, truncated
from tunes import SOURCE, Q, tune_bytes

from ugaar.errors import ConfigError
from ugaar.score.piece_rejects import PIECE_REMEDIES
from ugaar.sources import music21_tunes
from ugaar.sources.kinds import load_piece_reader
from ugaar.sources.notes_folder import collection_of, piece_of, read_pieces
from ugaar.sources.unusable import UnusableFileError

MELODY = [(0, 1, 74), (1, 1, 76), (2, 0.5, 78), (2.5, 0.5, 79), (3, 1, 81)]
CHORDS = [(0, 2, 50), (0, 2, 54), (2, 2, 45), (2, 2, 49)]
ABC = """X: 1
T:Short Tune
M:3/4
L:1/8
K:D
A2 | d2 f2 a-a | {g}[df]4 z2 :|
"""


def read(data, **changes):
    return piece_of(data, "jigs7.mid", {**SOURCE, **changes})


def folder_of(path, **files):
    for name, data in files.items():
        (path / f"{name}.mid").write_bytes(data)
    return {**SOURCE, "path": str(path)}


def test_the_melody_is_the_highest_part():
    row = read(tune_bytes(CHORDS, MELODY))
    assert row["pitch"] == [74, 76, 78, 79, 81]
    assert row["onset_tick"] == [0, Q, 2 * Q, 5 * Q // 2, 3 * Q]
    assert row["duration_tick"] == [Q, Q, Q // 2, Q // 2, Q]
    assert row["onset_s"] == [0, 0.5, 1, 1.25, 1.5]
    assert row["staff"] == [0] * 5
    assert (row["bar_tick"], row["meter"], row["key_fifths"]) == ([0, 4 * Q], ["4/4"], 1)
    assert (row["collection"], row["title"]) == ("jigs", "jigs7")


def test_read_whole_the_other_parts_go_to_the_lower_staff():
    row = read(tune_bytes(MELODY, CHORDS), parts="all")
    assert row["pitch"] == [50, 54, 74, 76, 45, 49, 78, 79, 81]
    assert row["staff"] == [1, 1, 0, 0, 1, 1, 0, 0, 0]
    assert (row["n_notes"], row["n_onsets"]) == (9, 5)


def test_a_part_of_both_hands_is_divided_at_middle_c():
    row = read(tune_bytes(MELODY + CHORDS), parts="all")
    assert sorted(zip(row["pitch"], row["staff"], strict=True)) == sorted(
        [(pitch, 0) for _, _, pitch in MELODY] + [(pitch, 1) for _, _, pitch in CHORDS]
    )
    low = read(tune_bytes(CHORDS), parts="all")
    assert low["staff"] == [0, 0, 0, 0]


def test_of_notes_that_start_together_the_melody_is_the_top_one():
    row = read(tune_bytes([*MELODY, (0, 2, 66), (3, 1, 69)]))
    assert row["pitch"] == [74, 76, 78, 79, 81]


def test_overlapping_notes_are_written_up_to_the_next_and_sound_on():
    row = read(tune_bytes([(0, 1.75, 60), (1, 1, 62), (2, 1, 64)]))
    assert row["duration_tick"] == [Q, Q, Q]
    assert row["duration_s"] == [0.875, 0.5, 0.5]


def test_notes_played_short_are_written_without_rests():
    row = read(
        tune_bytes([(0, 0.9, 60), (1, 0.85, 62), (2, 0.5, 64), (3, 1, 65)]), grid_per_quarter=8
    )
    assert row["duration_tick"] == [Q, Q, Q // 2, Q]
    assert row["duration_s"][0] == pytest.approx(0.45)


def test_a_pickup_counts_from_its_first_note_and_keeps_its_bar_line():
    row = read(tune_bytes([(3, 1, 62), (4, 4, 67)]))
    assert (row["onset_tick"], row["onset_s"]) == ([0, Q], [0, 0.5])
    assert row["bar_tick"] == [-3 * Q, Q, 5 * Q]
    assert (row["meter_tick"], row["meter"]) == ([0], ["4/4"])


def test_a_pitch_that_starts_before_it_has_ended_sounds_as_written():
    row = read(tune_bytes([(0, 1 + 1 / 480, 60), (1, 1, 60), (2, 1, 62)]))
    assert row["pitch"] == [60, 60, 62]
    assert row["duration_s"] == pytest.approx([0.5, 0.5, 0.5], abs=0.002)


def test_without_key_and_time_signature_there_is_a_piece_without_bars():
    row = read(tune_bytes(MELODY, meter=None, key=None))
    assert (row["bar_tick"], row["meter"], row["key_fifths"]) == ([], [], None)
    assert row["n_onsets"] == 5


def test_drums_are_no_part():
    with pytest.raises(UnusableFileError, match="no-notes: drums alone"):
        read(tune_bytes(CHORDS, channel=9))


def test_the_title_is_the_name_of_the_sequence_else_of_the_file():
    assert read(tune_bytes(MELODY, name="The  Rose"))["title"] == "The Rose"
    assert read(tune_bytes(MELODY))["title"] == "jigs7"


@pytest.mark.parametrize(
    ("path", "collection"),
    [
        ("MIDI/jigs107.mid", "jigs"),
        ("MIDI/reelsa-c12.mid", "reelsa-c"),
        ("Playford/The Rose.mid", "Playford"),
        ("rose.mid", "."),
    ],
)
def test_collections(path, collection):
    assert collection_of(path) == collection


def test_each_bad_file_is_a_reject_with_reason_and_remedy(tmp_path):
    source = folder_of(
        tmp_path,
        good=tune_bytes(MELODY),
        silent=tune_bytes([]),
        one=tune_bytes([(0, 1, 60)]),
        chord=tune_bytes([(0, 1, 60), (0, 1, 64), (0, 1, 67)]),
        short=truncated(),
        frames=smpte_timed(),
        empty=b"",
        text=b"not music",
    )
    found = {}
    for parts in ("melody", "all"):
        pieces, rejects = read_pieces({**source, "parts": parts}, 0, 1)
        assert [row["path"] for row in pieces] == ["good.mid"]
        found[parts] = {row["path"]: row["reason"] for row in rejects}
        assert all(
            row["detail"] and row["remedy"] == PIECE_REMEDIES[row["reason"]] for row in rejects
        )
    assert found["all"] == {
        "silent.mid": "no-notes",
        "one.mid": "one-note",
        "chord.mid": "one-onset",
        "short.mid": "truncated",
        "frames.mid": "smpte-timing",
        "empty.mid": "empty-file",
        "text.mid": "not-midi",
    }
    assert found["melody"] == found["all"]


def test_a_file_far_from_the_grid_is_named():
    with pytest.raises(UnusableFileError, match=r"quantise-error: an onset lies 0\.0\d+ s"):
        read(tune_bytes([(0, 1, 60), (1.4, 1, 62), (3, 1, 64)]), max_quantise_error_s=0.01)


def test_members_that_lead_out_of_an_archive_are_refused(tmp_path):
    archive = tmp_path / "tunes.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("../jigs1.mid", tune_bytes(MELODY))
        opened.writestr("MIDI/jigs2.mid", tune_bytes(MELODY))
        opened.writestr("chords/jigs2.mid", tune_bytes(CHORDS))
    source = {**SOURCE, "path": str(archive)}
    pieces, rejects = read_pieces(source, 0, 1)
    assert sorted(row["path"] for row in pieces) == ["MIDI/jigs2.mid", "chords/jigs2.mid"]
    assert [(row["item"], row["reason"]) for row in rejects] == [("../jigs1.mid", "unsafe-file")]
    pieces, rejects = read_pieces({**source, "include": ["MIDI/"]}, 0, 1)
    assert ([row["path"] for row in pieces], rejects) == (["MIDI/jigs2.mid"], [])


def test_shards_share_the_files_out(tmp_path):
    source = folder_of(
        tmp_path, **{f"jigs{n}": tune_bytes([(0, 1, 60), (1, 1, 61 + n)]) for n in range(9)}
    )
    whole, _ = read_pieces(source, 0, 1)
    cut = [row for shard in range(3) for row in read_pieces(source, shard, 3)[0]]
    key = lambda row: row["piece_id"]  # noqa: E731
    assert sorted(cut, key=key) == sorted(whole, key=key)


def test_kinds_with_lyrics_have_no_reader_of_pieces():
    assert load_piece_reader("notes") is read_pieces
    with pytest.raises(ConfigError, match="kinds that give pieces are notes, tunes"):
        load_piece_reader("midi")


def test_a_tune_in_abc():
    row = music21_tunes.piece_of(ABC, "ryansMammoth/Short.abc", SOURCE)
    # The pickup, the tied a once, no grace note, the top note of the chord, the repeat not played.
    assert row["pitch"] == [69, 74, 78, 81, 78]
    assert row["onset_tick"] == [0, Q, 2 * Q, 3 * Q, 4 * Q]
    assert row["duration_tick"] == [Q, Q, Q, Q, 2 * Q]
    assert row["onset_s"] == pytest.approx([0, 0.6, 1.2, 1.8, 2.4])
    assert (row["bar_tick"][:3], row["meter"], row["key_fifths"]) == ([0, Q, 4 * Q], ["3/4"], 2)
    assert (row["title"], row["collection"]) == ("Short Tune", "ryansMammoth")


def test_files_of_many_tunes_give_each_and_bad_ones_are_rejects(tmp_path):
    book = tmp_path / "oneills1850"
    book.mkdir()
    (book / "1-3.abc").write_text(f"% three\n{ABC}\n{ABC.split('K:')[0]}K:D\n\n{ABC}")
    tunes = dict(music21_tunes.tunes_in(tmp_path))
    assert list(tunes) == [f"oneills1850/1-3.abc#{number}" for number in (1, 2, 3)]
    pieces, rejects = music21_tunes.read_tunes(tmp_path, SOURCE, 0, 1)
    assert [row["path"][-2:] for row in pieces] == ["#1", "#3"]
    assert [row["path"][-2:] for row in rejects] == ["#2"]
    assert rejects[0]["reason"] in ("no-notes", "unreadable-tune")


def test_installed_tunes_are_read():
    source = {**SOURCE, "kind": "tunes", "include": ["oneills1850/0731"]}
    pieces, rejects = music21_tunes.read_pieces(source, 0, 1)
    assert (len(pieces), rejects) == (1, [])
    assert pieces[0]["n_onsets"] > 20


def test_the_nottingham_tunes_are_read():
    mirror = os.environ.get("UGAAR_MIRROR")
    archive = Path(mirror or ".") / "data/nottingham_midi.zip"
    if not mirror or not archive.is_file():
        pytest.skip("UGAAR_MIRROR names no folder with data/nottingham_midi.zip")
    source = {**SOURCE, "path": str(archive), "include": ["MIDI/xmas"], "grid_per_quarter": 8}
    pieces, rejects = read_pieces(source, 0, 1)
    assert (len(pieces), rejects) == (13, [])
    assert all(row["collection"] == "xmas" and row["bar_tick"] for row in pieces)
