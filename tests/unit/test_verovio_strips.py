"""Verovio strips: the contract of LilyPond's, ink under every notehead, bad items, same bytes."""

import importlib.metadata
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import sheet_shards
from sheet_shards import pixels
from windows_for_rendering import window

from ugaar import digest
from ugaar.errors import ConfigError, ToolError
from ugaar.parquet_files import metadata_of
from ugaar.render import lilypond_strips, verovio_mei, verovio_strips, verovio_worker
from ugaar.render.batch import Failure, StoppedError
from ugaar.render.external import Program, workspace
from ugaar.render.layout import Layout
from ugaar.render.notation import notation
from ugaar.render.sheet_renderer import RENDERERS, load_renderer
from ugaar.render.verovio_drawing import Drawing, DrawingError, Shape, read
from ugaar.render.verovio_pixels import draw
from ugaar.tables import TICKS_PER_QUARTER as Q

LAYOUT = Layout(160, 101.0, 100)
SETTINGS = {
    "sheet": {
        "renderer": "verovio",
        "height_px": 160,
        "dpi": 101.0,
        "margin_px": 100,
        "clef": "readable",
        "timeout_s_per_strip": 60.0,
    },
    "shards": 1,
}
SCALE = [60, 62, 64, 65, 67, 69, 71, 72]
ROWS = [
    window(SCALE, [1] * 8, "scale"),
    window([71] * 8, [1] * 8, "bars"),
    window([71] * 8, [1] * 8, "no-bars", bar_tick=[], meter_tick=[], meter=[], key_fifths=None),
    window(
        [71] * 8,
        [1] * 8,
        "irregular",
        bar_tick=[-2 * Q, Q, 3 * Q, 6 * Q],
        meter_tick=[-2 * Q, 3 * Q],
        meter=["3/4", "4/4"],
    ),
    window([67] * 8, [0.5] * 8, "inside", bar_tick=[0, 3 * Q], meter_tick=[0, 2 * Q],
           meter=["3/4", "4/4"]),
    window([60, 64, 67], [6, 1.5, 0.5], "tie"),
    window([60, 62, 64, 72], [1 / 3, 1 / 3, 1 / 3, 3], "triplet"),
    window([67] * 5 + [60], [0.2] * 5 + [3], "quintuplet", key_fifths=-3),
    window([0] * 4, [1] * 4, "lowest"),
    window([127] * 4, [1] * 4, "highest"),
    window([30, 31, 30, 42] * 3, [1] * 12, "flats", key_fifths=-7),
    window([88, 90, 70] * 4, [1.5] * 12, "ledgers", key_fifths=7),
    window([61, 61, 60, 61, 61, 66], [2, 1, 1, 0.5, 0.5, 3], "accidentals"),
    window([60, 61, 67, 68], [1] * 4, "chord", onset_tick=[0, 0, 0, 2 * Q]),
    window([60, 62, 60], [1] * 3, "rests", onset_tick=[0, Q, 12 * Q]),
    window([67, 69, 71] * 3, [8, 4, 2] * 3, "breves", bar_tick=[0, 8 * Q], meter=["8/4"]),
    window([60, 62], [100, 1], "long-note"),
    window([0, 127] * 2, [1] * 4, "too-wide"),
    window([60], [1654 / Q], "garbage"),
    {**window(SCALE, [1] * 8, "scale"), "window_id": "twin-000"},
]  # fmt: skip
SOURCES = {row["song_id"]: row for row in ROWS}


def run(folder, rows, shard=0, **settings):
    return sheet_shards.run(folder, rows, {**SETTINGS, **settings}, shard)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    table, rejects, out = run(tmp_path_factory.mktemp("sheet"), ROWS)
    by_key = {row["sheet_key"]: row for row in table}
    found = {row["song_id"]: by_key[row["sheet_key"]] for row in ROWS if row["sheet_key"] in by_key}
    return found, rejects, out


@pytest.fixture(scope="module")
def by_lilypond():
    with workspace() as folder:
        done = lilypond_strips.render(ROWS, LAYOUT, folder, 60.0)
        return {row["song_id"]: result for row, result in done}


def staff_lines(image):
    """Return centre and distance of the staff lines, weighed by their ink."""
    ink = 255.0 - image[:, 100:103].mean(axis=1)
    ys = np.arange(len(ink)) + 0.5
    rows = np.flatnonzero(ink > 40)
    groups = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    centres = [np.average(ys[group], weights=ink[group]) for group in groups]
    assert len(centres) == 5
    return np.mean(centres), (centres[-1] - centres[0]) / 4


def bar_lines(image):
    lines = (image[67:93] < 200).all(axis=0) & ~(image[56:64] < 128).any(axis=0)
    return np.flatnonzero(lines[1:] & ~lines[:-1]) + 1


def test_what_cannot_be_engraved_is_rejected_as_by_lilypond(rendered, by_lilypond):
    reasons = {(row["item"], row["reason"]) for row in rendered[1]}
    assert reasons == {("too-wide-000", "beyond-strip"), ("garbage-000", "not-notatable")}
    failed = {name: r.reason for name, r in by_lilypond.items() if isinstance(r, Failure)}
    assert failed == {"too-wide": "beyond-strip", "garbage": "not-notatable"}


def test_both_engravers_write_the_same_heads_on_staves_of_one_size(rendered, by_lilypond):
    for name, row in rendered[0].items():
        other = by_lilypond[name]
        assert row["note_index"] == other["note_index"]
        assert row["staff_y_px"] == other["staff_y_px"] == 80
        centre, space = staff_lines(pixels(row))
        other_centre, other_space = staff_lines(pixels(other))
        assert centre == pytest.approx(80, abs=0.05)
        assert centre == pytest.approx(other_centre, abs=0.6)
        assert space == pytest.approx(LAYOUT.pixels_per_space, rel=0.005)
        assert space == pytest.approx(other_space, rel=0.02)


def test_white_margins_give_every_note_a_full_window(rendered):
    for row in rendered[0].values():
        image = pixels(row)
        assert image.shape == (160, row["width_px"])
        assert (image[:, :98] == 255).all()
        assert (image[:, -98:] == 255).all()
        assert min(row["notehead_x_px"]) >= 100
        assert max(row["notehead_x_px"]) <= row["width_px"] - 100


def test_ink_lies_under_every_notehead(rendered):
    solid = 0
    for name, row in rendered[0].items():
        source, image = SOURCES[name], pixels(row).astype(float)
        plan = notation(source, LAYOUT)
        for x, position, note in zip(
            row["notehead_x_px"], plan.staff_positions(), row["note_index"], strict=True
        ):
            y = row["staff_y_px"] - position * LAYOUT.pixels_per_space / 2
            rows = slice(round(y) - 2, round(y) + 2)
            if source["duration_tick"][note] <= Q:
                assert image[rows, round(x) - 3 : round(x) + 3].mean() < 60, (name, note)
                solid += 1
            else:
                # The edge of a hollow head.
                assert image[rows, round(x) - 6 : round(x) + 6].min() < 60, (name, note)
    assert solid > 60


def test_white_lies_beside_the_heads_of_a_scale(rendered):
    row, image = rendered[0]["scale"], pixels(rendered[0]["scale"])
    for x, position in zip(
        row["notehead_x_px"], notation(SOURCES["scale"], LAYOUT).staff_positions(), strict=True
    ):
        y = round(row["staff_y_px"] - position * LAYOUT.pixels_per_space / 2)
        for beside in (round(x) - 11, round(x) + 11):
            assert image[y - 2 : y + 2, beside - 1 : beside + 2].mean() > 100


def test_heads_are_ordered_and_tied_heads_repeat_their_note(rendered):
    for name, row in rendered[0].items():
        if name != "chord":
            assert (np.diff(row["notehead_x_px"]) > 5).all()
    assert rendered[0]["scale"]["note_index"] == list(range(8))
    assert rendered[0]["tie"]["note_index"] == [0, 0, 1, 2]
    assert rendered[0]["chord"]["note_index"] == [0, 1, 2, 3]


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
    assert metadata["engraver"] == f"Verovio {importlib.metadata.version('verovio')}"
    assert metadata["dpi"] == "101"


def test_same_bytes_again_and_in_other_shards(rendered, tmp_path):
    rows = [SOURCES[name] for name in ("scale", "triplet", "tie", "lowest")]
    keys = [row["sheet_key"] for row in rows]
    assert {int(key[:8], 16) % 2 for key in keys} == {0, 1}
    found = [row for shard in range(2) for row in run(tmp_path, rows, shard=shard, shards=2)[0]]
    known = {row["sheet_key"]: row for row in rendered[0].values()}
    assert {row["sheet_key"]: row for row in found} == {key: known[key] for key in keys}


def test_height_and_resolution_follow_the_configuration(tmp_path):
    sheet = {**SETTINGS["sheet"], "height_px": 100, "dpi": 72.27, "margin_px": 30}
    (row,), _, _ = run(tmp_path, [window([71] * 8, [1] * 8, "small")], sheet=sheet)
    image = pixels(row)
    assert image.shape[0] == 100
    ink = 255.0 - image[:, 30:32].mean(axis=1)
    assert np.average(np.arange(100) + 0.5, weights=ink) == pytest.approx(50, abs=0.1)
    x = row["notehead_x_px"][0]
    assert image[49:51, round(x) - 2 : round(x) + 2].mean() < 80


def test_mei_of_a_window():
    made = verovio_mei.mei(
        notation(window([66, 66, 67], [3, 2, 1], "a", key_fifths=-1, meter=["3/4"],
                        bar_tick=[0, 3 * Q, 6 * Q]), LAYOUT)
    )  # fmt: skip
    assert made.partition("<staffGrp>")[2].partition("</staffGrp>")[0] == (
        '<staffDef n="1" lines="5"><clef shape="G" line="2"/><keySig sig="1f"/>'
        '<meterSig count="3" unit="4"/></staffDef>'
    )
    note = '<note xml:id="head-{}" pname="{}" oct="4" dur="{}"{}/>'
    assert made.partition("<section>")[2].partition("</section>")[0] == (
        '<measure n="1" right="single"><staff n="1"><layer n="1">'
        + note.format(0, "f", 2, ' dots="1" accid="s"')
        + '</layer></staff></measure><measure n="2" right="single"><staff n="1"><layer n="1">'
        + note.format(1, "f", 2, ' accid="s"')
        + note.format(2, "g", 4, "")
        + "</layer></staff></measure>"
    )


def test_the_library_has_nothing_to_complain_of():
    plans = [notation(row, LAYOUT) for row in ROWS[:-3]]
    asked = b"".join(verovio_worker.frame(verovio_mei.mei(p).encode()) for p in plans)
    done = subprocess.run(
        [sys.executable, "-P", str(verovio_strips.WORKER)], input=asked, capture_output=True,
        check=True,
    )  # fmt: skip
    assert done.stderr == b""


def three_windows():
    rows = [window([pitch, 62], [1, 1], f"p{pitch}") for pitch in (60, 61, 64)]
    for row, key in zip(rows, ("aa000000", "bb000000", "cc000000"), strict=True):
        row["sheet_key"] = key
    return rows


def use_worker(folder, monkeypatch, on_accidental):
    """Run a worker that does something else with a document that holds an accidental."""
    path = folder / "worker.py"
    path.write_text(
        textwrap.dedent(f"""
            import importlib.util, os, signal
            spec = importlib.util.spec_from_file_location("worker", {str(verovio_strips.WORKER)!r})
            worker = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(worker)
            read = worker._read
            def other(stream):
                document = read(stream)
                if document and b"accid" in document:
                    {on_accidental}
                return document
            worker._read = other
            worker.main()
        """)
    )
    monkeypatch.setattr(verovio_strips, "WORKER", path)


@pytest.mark.parametrize(
    ("instead", "reason", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "verovio-failed", "killed by signal 11"),
        ("return b'no MEI'", "verovio-error", ""),
        ("return document.replace(b'<note', b'<rest', 1)", "heads-differ", "1 noteheads"),
        ("return document.replace(b'oct=\"4\"', b'oct=\"5\"')", "heads-differ", "other lines"),
    ],
)
def test_a_window_that_breaks_the_library_is_lost_alone(
    tmp_path, monkeypatch, instead, reason, said
):
    use_worker(tmp_path, monkeypatch, instead)
    table, rejects, _ = run(tmp_path, three_windows())
    assert [row["sheet_key"] for row in table] == ["aa000000", "cc000000"]
    assert [(row["item"], row["reason"]) for row in rejects] == [("p61-000", reason)]
    assert said in rejects[0]["detail"]


def test_a_library_that_never_works_is_one_error_and_no_table(tmp_path, monkeypatch):
    path = tmp_path / "worker.py"
    path.write_text("raise SystemExit('broken')\n")
    monkeypatch.setattr(verovio_strips, "WORKER", path)
    with pytest.raises(ToolError, match=r"cannot engrave a single note: .* broken; install it"):
        run(tmp_path, [window([60], [1], "a")])
    assert not (tmp_path / "sheet-0.parquet").exists()


def test_hanging_python(tmp_path):
    path = tmp_path / "python"
    path.write_text("#!/bin/sh\nsleep 60\n")
    path.chmod(0o755)
    program = Program(str(path), "Verovio", "install it")
    with pytest.raises(StoppedError, match=r"finished nothing for 0\.3 s"):
        list(verovio_strips.engrave([notation(ROWS[0], LAYOUT)], LAYOUT, tmp_path, 0.3, program))


def test_missing_package_names_the_remedy(tmp_path, monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(ConfigError, match=r"sheet.renderer verovio: .*requirements-verovio.txt"):
        run(tmp_path, [window([60], [1], "a")])
    assert not (tmp_path / "sheet-0.parquet").exists()


def test_unknown_engraver():
    with pytest.raises(ConfigError, match="known engravers are lilypond, verovio"):
        load_renderer("musescore")


def test_a_stage_depends_on_the_chosen_engraver_alone():
    def behind(name):
        names = digest.names_behind("ugaar.stages.render_sheet", RENDERERS[name])
        return {module.rsplit(".", 1)[1] for module, _ in names}

    assert "verovio_worker" in behind("verovio")
    assert not {"lilypond", "rasterise", "engrave"} & behind("verovio")
    assert {"lilypond", "rasterise", "notation"} <= behind("lilypond")
    assert not any(name.startswith("verovio") for name in behind("lilypond"))


SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg"><defs><g id="E0A4-x">'
    '<path transform="scale(1,-1)" d="M0 0h200v100h-200z"/></g></defs>'
    '<svg class="definition-scale"><g class="staff">'
    + "".join(f'<path d="M0 {y} L900 {y}" stroke-width="20"/>' for y in range(0, 900, 180))
    + "{}</g></svg></svg>"
)


def test_drawing_is_read():
    note = (
        '<g id="head-0" class="note"><g class="notehead"><use href="#E0A4-x" '
        'transform="translate(300, 450) scale(0.5, 0.5)"/></g></g>'
    )
    found = read(SVG.format(note).encode())
    assert (found.staff_space, found.middle_y, found.left, found.right) == (180, 360, 0, 900)
    assert found.heads == {"head-0": (350, 425)}
    assert len(found.shapes) == 6


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<text>la</text>", "an element text"),
        ('<g transform="rotate(3)"/>', "a group moved"),
        ('<use href="#E000" transform="translate(3, 4) scale(1, 1)"/>', "a glyph"),
    ],
)
def test_what_the_reader_does_not_know_is_an_error(content, said):
    with pytest.raises(DrawingError, match=said):
        read(SVG.format(content).encode())


def test_a_pixel_is_inked_by_the_share_that_is_covered():
    from matplotlib.path import Path

    layout = Layout(40, 72.27, 10)  # 5 px a staff space
    square = Path([(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)])
    shapes = (
        Shape(square, place=(10.0, -5.0)),
        Shape(square, scale=(0.5, 0.5), place=(30.5, -5.0)),
        Shape(Path([(0, -10), (50, -10)]), filled=False, stroke=1.0),
    )
    image = draw(Drawing(shapes, 5.0, 0.0, 0.0, 50.0, {}), layout)
    assert image.shape == (40, 70)
    assert (image[15:25, 20:30] == 0).all()
    assert image[17, 40:47].tolist() == pytest.approx([128, 0, 0, 0, 0, 128, 255], abs=1)
    # A line of one pixel between two rows.
    assert image[8:12, 50].tolist() == pytest.approx([255, 128, 128, 255], abs=1)
