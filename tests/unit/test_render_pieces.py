"""Whole pieces as strips: one staff or two, every head where it is said to be, bad pieces."""

import numpy as np
import pytest
from pieces_for_rendering import Q, melody, piece, strips
from sheet_shards import pixels
from windows_for_rendering import window

from ugaar.render.engrave import BOOKS_PER_COLLECTION, document, engraving
from ugaar.render.layout import Layout
from ugaar.render.notation import system, written_heads

LAYOUT = Layout(160, 101.0, 100)
TUNE = [(0, 1, 74, 0), (1, 1, 76, 0), (2, 2, 77, 0), (4, 4, 79, 0)]
CHORDS = [(0, 4, pitch, 1) for pitch in (48, 52, 55)] + [(4, 4, pitch, 1) for pitch in (43, 50)]
LATE = [(1, 3, 48, 1), (4, 2, 50, 1)]
OVERLAPPING = [(0, 8, 36, 1), (2, 2, 43, 1), (4, 4, 48, 1)]
FAR_APART = [(0, 4, 24, 1)]


@pytest.fixture(scope="module")
def engraved(tmp_path_factory):
    rows = [
        melody("one-staff", [60, 62, 64, 65] * 3),
        piece("two-staves", TUNE + CHORDS),
        piece("late-bass", TUNE + LATE),
        piece("overlapping", TUNE + OVERLAPPING),
        piece("lower-only", [(0, 4, 48, 1), (4, 4, 43, 1)]),
        piece("far-apart", [*TUNE, (4, 4, 60, 0), (4, 4, 96, 0), *FAR_APART]),
        melody("not-notatable", [60, 62], onset_tick=[0, Q], duration_tick=[Q, 1654]),
    ]
    found, rejects = strips(tmp_path_factory.mktemp("pieces"), rows)
    by_key = {row["sheet_key"]: row for row in found}
    return {row["title"]: (row, by_key.get(row["sheet_key"])) for row in rows}, rejects


def staff_rows(image):
    """Return the rows of the staff lines."""
    dark = (image < 128).mean(axis=1)
    return np.flatnonzero(dark > 0.9 * (1 - 200 / image.shape[1]))


def test_bad_pieces_are_rejected_by_name(engraved):
    rejects = {row["path"]: row for row in engraved[1]}
    assert set(rejects) == {"far-apart.mid", "not-notatable.mid"}
    far = rejects["far-apart.mid"]
    assert (far["stage"], far["level"], far["reason"]) == ("render-sheet", "piece", "beyond-strip")
    assert far["item"] == engraved[0]["far-apart"][0]["piece_id"]
    assert "80 px high" in far["detail"]
    assert "piece" in far["remedy"]


@pytest.mark.parametrize("name", ["two-staves", "late-bass", "overlapping"])
def test_each_of_two_staves_has_half_of_the_strip(engraved, name):
    image = pixels(engraved[0][name][1])
    assert image.shape[0] == 160
    lines = staff_rows(image)
    upper, lower = lines[lines < 80], lines[lines > 80]
    assert upper.mean() + 0.5 == pytest.approx(40, abs=0.6)
    assert lower.mean() + 0.5 == pytest.approx(120, abs=0.6)


@pytest.mark.parametrize("name", ["one-staff", "lower-only"])
def test_a_single_staff_lies_in_the_middle(engraved, name):
    lines = staff_rows(pixels(engraved[0][name][1]))
    assert lines.mean() + 0.5 == pytest.approx(80, abs=0.6)


def test_every_note_of_both_staves_has_a_head_with_ink_under_it(engraved):
    for row, strip in engraved[0].values():
        if strip is None:
            continue
        assert set(strip["note_index"]) == set(range(row["n_notes"]))
        image = pixels(strip).astype(float)
        plans = system(row, LAYOUT)
        for head, x in zip(written_heads(plans), strip["notehead_x_px"], strict=True):
            middle = LAYOUT.middle_px(head.staff, len(plans))
            y = round(middle - head.position * LAYOUT.pixels_per_space / 2)
            assert image[y - 3 : y + 3, int(x) - 6 : int(x) + 7].mean() < 175
            assert (middle < 80) == (row["staff"][head.note] == 0) or len(plans) == 1


def test_onsets_of_both_staves_share_a_column(engraved):
    row, strip = engraved[0]["two-staves"]
    first = {}
    for note, x in zip(strip["note_index"], strip["notehead_x_px"], strict=True):
        first.setdefault(note, x)
    for tick in (0, 4 * Q):
        columns = [first[note] for note, own in enumerate(row["onset_tick"]) if own == tick]
        assert len(columns) > 2
        assert np.ptp(columns) < LAYOUT.pixels_per_space


def test_staves_last_equally_long():
    plans = system(piece("late", TUNE + LATE), LAYOUT)
    assert len(plans) == 2
    ends = [plan.parts[-1].segment.pieces[-1].end for plan in plans]
    starts = [plan.parts[0].segment.pieces[0].start for plan in plans]
    assert ends == [8 * Q, 8 * Q]
    assert starts == [0, 0]
    assert not plans[1].parts[0].segment.pieces[0].heads


def test_a_note_of_the_accompaniment_ends_where_the_next_starts():
    _, lower = system(piece("overlapping", TUNE + OVERLAPPING), LAYOUT)
    pieces = [one for part in lower.parts for one in part.segment.pieces]
    assert [(one.start, one.end) for one in pieces] == [(0, 2 * Q), (2 * Q, 4 * Q), (4 * Q, 8 * Q)]


def test_windows_are_written_as_ever():
    """The text that LilyPond gets for a window; equal text gives equal bytes."""
    row = window([60, 61, 72], [1, 1.5, 1.5], "plain", key_fifths=-1)
    made = engraving(row, LAYOUT)
    assert made.music == (
        r'\clef "treble" \key f \major \time 4/4 \set Timing.measureLength = #(ly:make-moment 1 1) '
        r"\set Timing.measurePosition = #(ly:make-moment 0 1) c'4 cis'4. c''4. "
        r'\bar "|"'
    )
    text, first_line = document([made] * (BOOKS_PER_COLLECTION + 1), LAYOUT)
    books = text.splitlines()[first_line - 1 :]
    assert rf"\score {{ {{ {made.music} }} }}" in books[0]
    assert r"\paper" not in books[0]
    assert [number for number, line in enumerate(books) if "#t #t)" in line] == [
        0,
        BOOKS_PER_COLLECTION,
    ]


def test_a_long_piece_lets_lilypond_collect_garbage():
    short, long = (engraving(melody("x", [60] * count), LAYOUT) for count in (4, 1001))
    text, first_line = document([short, long, short], LAYOUT)
    books = text.splitlines()[first_line - 1 :]
    assert books[1].startswith("#(next-book 1 #t #f)")
    assert books[2].startswith("#(next-book 2 #t #t)")


def test_two_staves_are_refused_by_verovio(tmp_path):
    pytest.importorskip("verovio", reason="Verovio is optional")
    rows = [melody("one-staff", [60, 62, 64, 65]), piece("two-staves", TUNE + CHORDS)]
    found, rejects = strips(tmp_path, rows, renderer="verovio")
    assert [row["sheet_key"] for row in found] == [rows[0]["sheet_key"]]
    assert [(row["path"], row["reason"]) for row in rejects] == [
        ("two-staves.mid", "several-staves")
    ]
    assert "sheet.renderer" in rejects[0]["detail"]


def test_equal_pieces_are_engraved_once_and_rejected_each(tmp_path):
    far = piece("far-apart", [(0, 4, 0, 0), (0, 4, 127, 0)])
    twin = {**far, "piece_id": "0" * 12, "path": "twin.mid"}
    good = melody("good", [60, 62])
    found, rejects = strips(tmp_path, [far, twin, good, {**good, "piece_id": "1" * 12}])
    assert len(found) == 1
    assert sorted(row["item"] for row in rejects) == sorted([far["piece_id"], "0" * 12])
