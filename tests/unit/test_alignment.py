"""Strip and recording against the notes: golden columns, shifts, missing notes, bad pieces."""

import argparse
import io

import numpy as np
import pytest
import soundfile
from pieces_for_rendering import CONFIG, SHEET_SETTINGS, Q, clips, melody, piece, strips

from ugaar.align.alignment import (
    LEAST_INK,
    LEAST_RISE,
    AlignmentError,
    check_audio,
    check_strip,
    first_frame,
    onset_columns,
    onset_numbers,
)
from ugaar.errors import DataError
from ugaar.features.audio_clips import decode
from ugaar.features.strips import decode_strip
from ugaar.parquet_files import read_table, write_table
from ugaar.render.layout import layout_of
from ugaar.score.twins import twin_hashes
from ugaar.snippet_tables import ALIGNMENT, PIECE_SPLIT, PIECES, SNIPPETS
from ugaar.stages import align
from ugaar.tables import AUDIO, REJECTS, SHEET

LAYOUT = layout_of(CONFIG["sheet"])
TUNE = [67, 69, 71, 72, 74, 74, 74, 71, 67, 67, 62, 67]
PIECES_PLAYED = {
    "melody": melody("melody", TUNE),
    "repeated": melody("repeated", [69] * 4 + [71] * 4 + [67] * 4, 0.5),
    "long-notes": piece(
        "long-notes", [(0, 4, 60, 0), (4, 2, 67, 0), (6, 6, 64, 0), (12, 4, 60, 0)]
    ),
    "piano": piece(
        "piano",
        [(number, 1, pitch, 0) for number, pitch in enumerate(TUNE)]
        + [(4 * bar, 4, pitch, 1) for bar in range(3) for pitch in (48, 52, 55)],
    ),
    # The second pushes one head of the whole-note chord to the other side of the first.
    "second": piece(
        "second",
        [(number, 1, pitch, 0) for number, pitch in enumerate(TUNE)]
        + [(4 * bar, 4, pitch, 1) for bar in range(3) for pitch in (43, 46, 50)],
        key_fifths=2,
    ),
}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """Strip, heads and samples of each piece, and the folder of the tables."""
    folder = tmp_path_factory.mktemp("aligned")
    rows = list(PIECES_PLAYED.values())
    sheets, no_strip = strips(folder, rows)
    sounds, no_clip = clips(folder, rows)
    assert no_strip == no_clip == []
    names = {row["sheet_key"]: name for name, row in PIECES_PLAYED.items()}
    return (
        folder,
        {names[r["sheet_key"]]: r for r in sheets},
        {names[r["audio_key"]]: r for r in sounds},
    )


def strip_checked(rendered, name, shift_px=0.0, note=None):
    row = rendered[1][name]
    x_px = np.array(row["notehead_x_px"])
    x_px[slice(None) if note is None else note] += shift_px
    image = decode_strip(row["png"], name)
    return check_strip(PIECES_PLAYED[name], image, row["note_index"], list(x_px), LAYOUT)


def samples_of(rendered, name):
    row = rendered[2][name]
    return (*decode(row["flac"], name), row["onset_s"])


@pytest.mark.parametrize("name", PIECES_PLAYED)
def test_rendered_pieces_pass_with_room_to_spare(rendered, name):
    placed = strip_checked(rendered, name)
    row = PIECES_PLAYED[name]
    assert placed.x_px.shape == (row["n_onsets"],)
    assert placed.least_step_px == pytest.approx(np.diff(placed.x_px).min())
    assert placed.least_ink > 1.3 * LEAST_INK
    assert check_audio(row, *samples_of(rendered, name)) > 2 * LEAST_RISE


@pytest.mark.parametrize("name", PIECES_PLAYED)
@pytest.mark.parametrize("shift_px", [-8, -4, -3, 3, 4, 8])
def test_heads_shifted_by_a_few_pixels_miss_the_ink(rendered, name, shift_px):
    with pytest.raises(AlignmentError, match="of an edge of its notehead") as error:
        strip_checked(rendered, name, shift_px)
    assert error.value.reason == "alignment-ink"


def test_one_shifted_head_is_named(rendered):
    with pytest.raises(AlignmentError, match=r"note 3 \(pitch 72, tick 30240\).*; 1 in all"):
        strip_checked(rendered, "melody", 4, note=3)


def test_strip_of_another_piece(rendered):
    strip = decode_strip(rendered[1]["repeated"]["png"], "other")
    row = rendered[1]["melody"]
    with pytest.raises(AlignmentError, match="ink"):
        check_strip(PIECES_PLAYED["melody"], strip, row["note_index"], row["notehead_x_px"], LAYOUT)


@pytest.mark.parametrize("name", PIECES_PLAYED)
@pytest.mark.parametrize("shift_s", [-0.15, -0.1, 0.1, 0.15])
def test_shifted_recordings_do_not_rise(rendered, name, shift_s):
    samples, rate, onsets = samples_of(rendered, name)
    moved = np.roll(np.pad(samples, rate), round(shift_s * rate))[rate:]
    with pytest.raises(AlignmentError, match="energy rises by") as error:
        check_audio(PIECES_PLAYED[name], moved, rate, onsets)
    assert error.value.reason == "alignment-energy"


@pytest.mark.parametrize(("name", "missing"), [("melody", 5), ("repeated", 6), ("piano", 6)])
def test_a_missing_note_is_named(rendered, tmp_path, name, missing):
    row = PIECES_PLAYED[name]
    notes = [number for number in range(row["n_notes"]) if number != missing]
    per_note = ("pitch", "onset_s", "duration_s", "onset_tick", "duration_tick", "staff")
    played = {**row, **{column: [row[column][note] for note in notes] for column in per_note}}
    (found,), _ = clips(tmp_path, [played])
    with pytest.raises(AlignmentError, match=rf"^note {missing} \(pitch {row['pitch'][missing]},"):
        check_audio(row, *decode(found["flac"], name), row["onset_s"])


def test_silence_and_too_few_onsets(rendered):
    row = PIECES_PLAYED["melody"]
    with pytest.raises(AlignmentError, match="12 in all"):
        check_audio(row, np.zeros(22050 * 8, np.float32), 22050, row["onset_s"])
    with pytest.raises(AlignmentError, match="12 notes, but 3 in the recording"):
        check_audio(row, np.zeros(22050, np.float32), 22050, row["onset_s"][:3])


def test_columns_by_hand():
    """Notes 0 and 1 are a chord, 1 is tied on, 2 follows."""
    numbers = onset_numbers([0, 0, Q])
    assert numbers.tolist() == [0, 0, 1]
    columns = onset_columns(numbers, [0, 1, 1, 2], [10.0, 12.0, 30.0, 50.0], 14.0)
    assert columns.tolist() == [11.0, 50.0]


@pytest.mark.parametrize(
    ("note_index", "x_px", "said"),
    [
        ([0, 1], [10, 11], "note 2 has none"),
        ([0, 1, 2, 3], [10, 11, 30, 50], "note 3 is not in the piece"),
        ([0, 2, 1], [10, 30, 50], "the notehead of note 1 comes too late"),
        ([0, 1, 2], [10, 30, 50], "noteheads of onset 0 lie 20.0 px apart"),
        ([0, 1, 2], [10, 12, 11], "onset 1 at 11.0 px does not lie right of onset 0"),
    ],
)
def test_heads_that_are_not_one_column_for_each_onset(note_index, x_px, said):
    with pytest.raises(AlignmentError, match=said) as error:
        onset_columns(onset_numbers([0, 0, Q]), note_index, x_px, 14.0)
    assert error.value.reason == "alignment-heads"


def test_first_frames_by_hand():
    onsets = np.array([0.0, 0.05, 0.051, 0.15, 0.16])
    assert first_frame(onsets, 20.0).tolist() == [0, 1, 2, 3, 4]
    assert first_frame(onsets, 31.25).tolist() == [0, 2, 2, 5, 5]


def run_stage(folder, rows, folds=None):
    write_table(folder / "pieces.parquet", PIECES, rows)
    split = [
        {"piece_id": row["piece_id"], "collection": "x", "group": "x", "n_onsets": 1, "fold": fold}
        for row, fold in zip(rows, folds or ["train"] * len(rows), strict=False)
    ]
    write_table(folder / "split.parquet", PIECE_SPLIT, split)
    paths = {name: folder / f"{name}.parquet" for name in ("out", "snippets_out", "rejects_out")}
    align.run(
        argparse.Namespace(
            pieces=folder / "pieces.parquet",
            split=folder / "split.parquet",
            sheet=folder / "sheet",
            audio=folder / "audio",
            **paths,
        ),
        SHEET_SETTINGS,
    )
    tables = zip((ALIGNMENT, SNIPPETS, REJECTS), paths.values(), strict=True)
    return [read_table(path, declared).to_pylist() for declared, path in tables]


def test_snippets_of_the_stage(rendered):
    rows = list(PIECES_PLAYED.values())
    folds = ["train", "valid", "test", "train", "test"]
    aligned, snippets, rejects = run_stage(rendered[0], rows, folds)
    assert rejects == []
    assert {row["piece_id"]: row["n_heads"] for row in aligned} == {
        row["piece_id"]: row["n_onsets"] for row in rows
    }
    assert len(snippets) == sum(row["n_onsets"] for row in rows)
    row = PIECES_PLAYED["piano"]
    found = [snippet for snippet in snippets if snippet["piece_id"] == row["piece_id"]]
    assert [snippet["note"] for snippet in found] == list(range(12))
    assert {snippet["fold"] for snippet in found} == {"train"}
    assert [snippet["onset_s"] for snippet in found] == [0.5 * number for number in range(12)]
    assert [snippet["frame_20fps"] for snippet in found] == [10 * number for number in range(12)]
    assert found[3]["frame_31fps"] == 47
    assert [snippet["twin_3"] for snippet in found] == twin_hashes(row, 3).tolist()
    assert np.all(np.diff([snippet["x_px"] for snippet in found]) > 10)


def test_pieces_whose_strip_and_sound_disagree_are_rejected(rendered, tmp_path):
    good, wrong_sound, wrong_strip = (
        PIECES_PLAYED[name] for name in ("melody", "repeated", "long-notes")
    )
    sheets = {name: dict(row) for name, row in rendered[1].items()}
    sounds = {name: dict(row) for name, row in rendered[2].items()}
    late = io.BytesIO()
    samples, rate, _ = samples_of(rendered, "repeated")
    soundfile.write(late, np.pad(samples, (round(0.15 * rate), 0)), rate, format="FLAC")
    sounds["repeated"]["flac"] = late.getvalue()
    sheets["long-notes"]["notehead_x_px"] = [x + 5 for x in sheets["long-notes"]["notehead_x_px"]]
    for declared, table in ((SHEET, sheets), (AUDIO, sounds)):
        (tmp_path / declared.name).mkdir()
        write_table(tmp_path / declared.name / "shard-0.parquet", declared, [*table.values()])
    aligned, snippets, rejects = run_stage(tmp_path, [good, wrong_sound, wrong_strip])
    assert [row["piece_id"] for row in aligned] == [good["piece_id"]]
    assert {row["piece_id"] for row in snippets} == {good["piece_id"]}
    assert {row["path"]: row["reason"] for row in rejects} == {
        "repeated.mid": "alignment-energy",
        "long-notes.mid": "alignment-ink",
    }
    assert {row["level"] for row in rejects} == {"piece"}
    assert all(row["remedy"] and row["detail"].startswith("note 0 ") for row in rejects)


def test_pieces_without_strip_are_left_to_the_stage_that_lost_them(rendered):
    rows = [*PIECES_PLAYED.values(), melody("lost", TUNE)]
    aligned, _, rejects = run_stage(rendered[0], rows)
    assert len(aligned) == len(PIECES_PLAYED)
    assert rejects == []


def test_piece_without_a_fold_is_an_error(rendered):
    with pytest.raises(DataError, match="no fold for piece"):
        run_stage(rendered[0], list(PIECES_PLAYED.values()), ["train"])
