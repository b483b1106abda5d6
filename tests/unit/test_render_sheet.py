"""LilyPond strips: size, staff, ink under every notehead, bad items, the same bytes every time."""

import os
import shutil
import stat

import numpy as np
import pytest
import sheet_shards
from sheet_shards import pixels
from windows_for_rendering import window

from ugaar.errors import ToolError
from ugaar.parquet_files import metadata_of, read_table
from ugaar.render import lilypond_strips
from ugaar.render.batch import Failure, StoppedError
from ugaar.render.engrave import engraving
from ugaar.render.external import Program, workspace
from ugaar.render.layout import Layout
from ugaar.render.lilypond import engrave, probe
from ugaar.render.rasterise import Rasteriser, rasteriser
from ugaar.tables import SHEET, TICKS_PER_QUARTER

Q = TICKS_PER_QUARTER
SETTINGS = {
    "sheet": {
        "renderer": "lilypond",
        "height_px": 160,
        "dpi": 101.0,
        "margin_px": 100,
        "clef": "readable",
        "timeout_s_per_strip": 60.0,
    },
    "shards": 1,
}
LAYOUT = Layout(160, 101.0, 100)
SCALE = [60, 62, 64, 65, 67, 69, 71, 72]


def run(folder, rows, shard=0, **settings):
    return sheet_shards.run(folder, rows, {**SETTINGS, **settings}, shard)


def bar_lines(image):
    """Return the columns of bar lines: ink from staff line to staff line and not beyond."""
    lines = (image[66:94] < 128).all(axis=0) & ~(image[56:64] < 128).any(axis=0)
    return np.flatnonzero(lines[1:] & ~lines[:-1]) + 1


SAME_PITCH = [71] * 8


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    rows = [
        window(SCALE, [1] * 8, "scale"),
        window(SAME_PITCH, [1] * 8, "bars"),
        window(SAME_PITCH, [1] * 8, "no-bars", bar_tick=[], meter_tick=[], meter=[]),
        window(
            SAME_PITCH,
            [1] * 8,
            "irregular",
            bar_tick=[-2 * Q, Q, 3 * Q, 6 * Q],
            meter_tick=[-2 * Q, 3 * Q],
            meter=["3/4", "4/4"],
        ),
        window([60, 64, 67], [6, 1.5, 0.5], "tie"),
        window([60, 62, 64, 72], [1 / 3, 1 / 3, 1 / 3, 3], "triplet"),
        window([67] * 5 + [60], [0.2] * 5 + [3], "quintuplet", key_fifths=-3),
        window([0] * 4, [1] * 4, "lowest"),
        window([127] * 4, [1] * 4, "highest"),
        window([0, 127] * 2, [1] * 4, "too-wide"),
        window([60, 62], [100, 1], "long-note"),
        window([60], [1654 / Q], "garbage"),
        {**window(SCALE, [1] * 8, "scale"), "window_id": "twin-000"},
    ]
    table, rejects, out = run(tmp_path_factory.mktemp("sheet"), rows)
    by_key = {row["sheet_key"]: row for row in table}
    found = {row["song_id"]: by_key[row["sheet_key"]] for row in rows if row["sheet_key"] in by_key}
    return found, rejects, out, {row["song_id"]: row for row in rows}


def test_what_cannot_be_engraved_is_rejected_with_a_reason(rendered):
    assert {(row["item"], row["reason"]) for row in rendered[1]} == {
        ("too-wide-000", "beyond-strip"),
        ("garbage-000", "not-notatable"),
    }
    assert len(read_table(rendered[2], SHEET)) == 10


def test_strips_are_of_one_height_with_the_staff_in_the_middle(rendered):
    for row in rendered[0].values():
        image = pixels(row)
        assert image.shape == (160, row["width_px"])
        assert row["height_px"] == 160
        dark = (image < 128).mean(axis=1)
        # The five lines run from the left margin to the right one, 7 pixels apart.
        lines = [y for y in range(160) if dark[y] > 0.9 * (1 - 200 / row["width_px"])]
        centre = np.mean(lines) + 0.5
        assert centre == pytest.approx(row["staff_y_px"], abs=0.6)
        assert max(lines) - min(lines) == pytest.approx(4 * LAYOUT.pixels_per_space, abs=1.5)


def test_white_margins_give_every_note_a_full_window(rendered):
    for row in rendered[0].values():
        image = pixels(row)
        assert (image[:, :98] == 255).all()
        assert (image[:, -98:] == 255).all()
        assert min(row["notehead_x_px"]) >= 100
        assert max(row["notehead_x_px"]) <= row["width_px"] - 100


def test_ink_lies_under_every_notehead_and_not_beside_it(rendered):
    for name in ("scale", "bars", "lowest", "highest", "triplet"):
        row, source = rendered[0][name], rendered[3][name]
        image = pixels(row).astype(float)
        positions = [head.position for head in engraving(source, LAYOUT).heads]
        for x, position, note in zip(
            row["notehead_x_px"], positions, row["note_index"], strict=True
        ):
            if source["duration_tick"][note] > Q:
                continue  # hollow
            y = row["staff_y_px"] - position * LAYOUT.pixels_per_space / 2
            head = image[round(y) - 2 : round(y) + 2, round(x) - 3 : round(x) + 3]
            assert head.mean() < 60
            for beside in (x - 12, x + 12):
                strip = image[round(y) - 2 : round(y) + 2, round(beside) - 2 : round(beside) + 2]
                assert strip.mean() > 100


def test_heads_are_ordered_and_tied_heads_repeat_their_note(rendered):
    for row in rendered[0].values():
        assert (np.diff(row["notehead_x_px"]) > 5).all()
    assert rendered[0]["scale"]["note_index"] == list(range(8))
    assert rendered[0]["tie"]["note_index"] == [0, 0, 1, 2]
    assert set(rendered[0]["long-note"]["note_index"]) == {0, 1}


@pytest.mark.parametrize(
    ("name", "after_notes"),
    [("bars", [3, 7]), ("no-bars", []), ("irregular", [0, 2, 5])],
)
def test_bar_lines_stand_where_the_source_has_them(rendered, name, after_notes):
    row = rendered[0][name]
    xs = row["notehead_x_px"]
    found = [sum(x < bar for x in xs) - 1 for bar in bar_lines(pixels(row)) if bar > xs[0]]
    assert found == after_notes


def test_header_names_the_tools(rendered):
    metadata = metadata_of(rendered[2])
    assert "LilyPond" in metadata["engraver"]
    assert metadata["dpi"] == "101"


def test_same_bytes_again_and_in_other_shards(rendered, tmp_path):
    names = ("scale", "triplet", "tie", "lowest")
    rows = [rendered[3][name] for name in names]
    keys = [row["sheet_key"] for row in rows]
    assert {int(key[:8], 16) % 2 for key in keys} == {0, 1}
    found = []
    for shard in range(2):
        found += run(tmp_path, rows, shard=shard, shards=2)[0]
    known = {row["sheet_key"]: row for row in rendered[0].values()}
    assert {row["sheet_key"]: row for row in found} == {key: known[key] for key in keys}


def test_height_and_resolution_follow_the_configuration(tmp_path):
    sheet = {**SETTINGS["sheet"], "height_px": 100, "dpi": 72.27, "margin_px": 30}
    (row,), _, _ = run(tmp_path, [window(SAME_PITCH, [1] * 8, "small")], sheet=sheet)
    image = pixels(row)
    assert image.shape[0] == 100
    lines = np.flatnonzero((image < 160).mean(axis=1) > 0.7)
    assert lines.mean() + 0.5 == pytest.approx(50, abs=0.6)
    x = row["notehead_x_px"][0]
    assert image[49:51, round(x) - 2 : round(x) + 2].mean() < 80


def fake_lilypond(folder, monkeypatch):
    """Put before LilyPond a script that gives it the books before the bad one, then crashes."""
    real = shutil.which("lilypond")
    path = folder / "bin" / "lilypond"
    path.parent.mkdir()
    path.write_text(
        f"""#!/bin/bash
[ "$1" = --version ] && exec {real} --version
bad=$(grep -n BAD books.ly | head -1 | cut -d: -f1)
if [ -n "$bad" ]; then sed -i "$bad s/\\\\\\\\book.*//; $((bad + 1)),\\$ d" books.ly; fi
{real} "$@"
[ -z "$bad" ] && exit 0
kill -SEGV $$
"""
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")


def spoil(monkeypatch, text):
    """Replace the music of windows whose first note is 61."""
    real = lilypond_strips.engraving

    def spoiled(row, layout):
        made = real(row, layout)
        if row["pitch"][0] != 61:
            return made
        return type(made)(text, made.heads)

    monkeypatch.setattr(lilypond_strips, "engraving", spoiled)


def three_windows():
    rows = [window([pitch, 62], [1, 1], f"p{pitch}") for pitch in (60, 61, 64)]
    for row, key in zip(rows, ("aa000000", "bb000000", "cc000000"), strict=True):
        row["sheet_key"] = key
    return rows


def test_crash_loses_one_item(tmp_path, monkeypatch):
    fake_lilypond(tmp_path, monkeypatch)
    spoil(monkeypatch, "c'4 %{ BAD %} d'4")
    table, rejects, _ = run(tmp_path, three_windows())
    assert [row["sheet_key"] for row in table] == ["aa000000", "cc000000"]
    assert [(row["item"], row["reason"]) for row in rejects] == [("p61-000", "lilypond-failed")]
    assert "killed by signal 11" in rejects[0]["detail"]


def test_hanging_lilypond(tmp_path):
    path = tmp_path / "lilypond"
    path.write_text("#!/bin/sh\nsleep 60\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    program = Program(str(path), "LilyPond", "install it")
    with pytest.raises(StoppedError, match=r"finished nothing for 0\.3 s"):
        list(engrave([engraving(window([60], [1], "a"), LAYOUT)], LAYOUT, tmp_path, 0.3, program))
    with pytest.raises(ToolError, match="cannot engrave a single note"):
        probe(LAYOUT, tmp_path, 0.3, program)


@pytest.mark.parametrize(
    ("text", "reason", "said"),
    [
        (r"c'4 \nonsense d'4", "lilypond-error", "unknown escaped string"),
        ("c'4 d'4 e'4", "heads-differ", "3 noteheads engraved, 2 written"),
        ("c'2 d'4", "heads-differ", "at other times"),
    ],
)
def test_item_that_lilypond_refuses_or_engraves_otherwise(
    tmp_path, monkeypatch, text, reason, said
):
    spoil(monkeypatch, text)
    table, rejects, _ = run(tmp_path, three_windows())
    assert [row["sheet_key"] for row in table] == ["aa000000", "cc000000"]
    assert [(row["item"], row["reason"]) for row in rejects] == [("p61-000", reason)]
    assert said in rejects[0]["detail"]


@pytest.mark.parametrize("program", ["lilypond", "gs"])
def test_broken_program_is_one_error_and_no_table(tmp_path, monkeypatch, program):
    folder = tmp_path / "bin"
    folder.mkdir()
    path = folder / program
    path.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo 1.0 && exit 0\necho broken >&2; exit 5\n'
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    with pytest.raises(ToolError, match=r"exit code 5: broken; install it"):
        run(tmp_path, [window([60], [1], "a")])
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["bin", "windows.parquet"]


@pytest.mark.parametrize("program", ["lilypond", "gs"])
def test_missing_program(tmp_path, monkeypatch, program):
    for other in {"lilypond", "gs"} - {program}:
        (tmp_path / other).symlink_to(shutil.which(other))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"no program .* found; install it"):
        run(tmp_path, [window([60], [1], "a")])


GOOD_PAGE = (
    b"%!PS-Adobe-3.0\n%%DocumentMedia: x 20 10 80 () ()\n%%Pages: 1\n"
    b"0 0 10 10 rectfill showpage\n%%EOF\n"
)


def test_page_that_breaks_the_rasteriser_does_not_harm_others():
    with workspace() as folder, rasteriser(72, folder, 20) as drawing:
        first = drawing.draw(GOOD_PAGE)
        bad = drawing.draw(GOOD_PAGE.replace(b"rectfill", b"nonsense"))
        again = drawing.draw(GOOD_PAGE)
    assert isinstance(bad, Failure)
    assert bad.reason == "ghostscript-failed"
    assert first.shape == (10, 20)
    assert (first[:, :10] == 0).all()
    assert (first[:, 10:] == 255).all()
    assert np.array_equal(first, again)


def test_page_without_a_size_is_refused():
    with workspace() as folder:
        assert isinstance(Rasteriser(72, folder, 20).draw(b"%!PS\nshowpage\n"), Failure)


def test_hanging_rasteriser(tmp_path):
    path = tmp_path / "gs"
    path.write_text("#!/bin/sh\nsleep 60\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    program = Program(str(path), "Ghostscript", "install it")
    with (
        rasteriser(72, tmp_path, 0.3, program) as drawing,
        pytest.raises(ToolError, match=r"0\.3 s"),
    ):
        drawing.draw(GOOD_PAGE)
