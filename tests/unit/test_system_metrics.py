"""Guards the way from codes to metrics: candidates, conditions, chance, ceiling, intervals."""

import audio_sheet_runs
import numpy as np
import pyarrow.compute as pc
import pytest

from ugaar.cli import main
from ugaar.evaluate.bootstrap import draw
from ugaar.evaluate.crop_contents import crop_contents
from ugaar.evaluate.piece_bootstrap import resample_pieces
from ugaar.parquet_files import metadata_of, read_table, write_table
from ugaar.score.twins import ceiling
from ugaar.snippet_tables import (
    SNIPPETS,
    STRIP_INDEX,
    SYSTEM_CODES,
    SYSTEM_METRICS,
    SYSTEM_RANKS,
)

SYSTEMS = (("good", 0.3), ("poor", 1.2))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("systems")
    audio_sheet_runs.write_run(folder, SYSTEMS, seeds=(0, 1))
    audio_sheet_runs.evaluate(folder, ["good", "poor"], seeds=(0, 1))
    return folder


@pytest.fixture(scope="module")
def metrics(run):
    return read_table(run / "system_metrics.parquet", SYSTEM_METRICS).to_pylist()


def value(metrics, **wanted):
    wanted = {"seed": None, "condition": "clean", "right": "exact", "metric": "R@1"} | wanted
    wanted = {"direction": "audio-to-sheet", "gallery_size": 400} | wanted
    found = [row for row in metrics if all(row[key] == v for key, v in wanted.items())]
    assert len(found) == 1, wanted
    return found[0]["value"]


def test_candidates_are_all_test_snippets_and_equal_ones_under_every_condition(run):
    ranks = read_table(run / "ranks-good.parquet", SYSTEM_RANKS).to_pylist()
    asked = {}
    for row in ranks:
        cell = (row["seed"], row["condition"], row["direction"], row["right"], row["gallery_size"])
        asked.setdefault(cell, []).append((row["piece_id"], row["note"]))
    assert {len(places) for cell, places in asked.items() if cell[4] == 400} == {400}
    small = [places for cell, places in asked.items() if cell[4] == 100]
    assert len(small) == 2 * 3 * 2 * 4
    assert all(places == small[0] for places in small)
    assert sorted(set(small[0])) == small[0]
    assert {cell[1] for cell in asked if cell[4] == 400} == {"clean"}


def test_conditions_change_one_medium_and_leave_the_other(metrics):
    for direction in ("audio-to-sheet", "sheet-to-audio"):
        same = {"gallery_size": 100, "direction": direction, "system": "poor", "metric": "MRR"}
        clean = value(metrics, condition="clean", **same)
        assert clean > value(metrics, condition="noisy", **same)
        assert clean > value(metrics, condition="blurred", **same)


def test_chance_is_exact_and_the_ceiling_counts_contents(metrics):
    assert value(metrics, system="chance") == pytest.approx(0.25)
    assert value(metrics, system="chance", metric="MedR") == 200.5
    # Every content is there twice: 20 of 40 notes.
    for width in (3, 5, 8):
        assert value(metrics, system=f"ceiling-{width}") == 50
    assert value(metrics, system="ceiling-5", metric="MedR") == 1.5
    assert value(metrics, system="ceiling-5", metric="R@5") == 100
    # A system that sees nothing but the content stays at the ceiling, up to luck.
    assert value(metrics, system="good") == pytest.approx(50, abs=6)
    assert value(metrics, system="good", right="twins") > 95


def test_a_looser_sense_of_right_is_never_below(metrics):
    for system, _ in SYSTEMS:
        exact, one, two, twins = (
            value(metrics, system=system, right=right)
            for right in ("exact", "within-1", "within-2", "twins")
        )
        assert exact <= one <= two
        assert exact <= twins


def test_rows_of_seeds_and_of_all_seeds_belong_together(metrics):
    rows = [row for row in metrics if row["system"] == "poor" and row["metric"] == "R@1"]
    pooled = [row for row in rows if row["seed"] is None]
    for row in pooled:
        same = [
            one
            for one in rows
            if one["seed"] is not None
            and all(
                one[key] == row[key] for key in ("condition", "direction", "right", "gallery_size")
            )
        ]
        assert row["value"] == pytest.approx(np.mean([one["value"] for one in same]))
        assert row["std"] == pytest.approx(np.std([one["value"] for one in same], ddof=1))
        assert row["ci_low"] <= row["value"] <= row["ci_high"]
        assert row["n_pieces"] == 10
    assert len(pooled) == 2 * 4 * 4


def test_metadata_name_systems_and_conditions_in_order(run):
    metadata = metadata_of(run / "system_metrics.parquet")
    assert metadata["systems"] == '["good", "poor"]'
    assert metadata["conditions"] == '["clean", "noisy", "blurred"]'
    joined = read_table(run / "system_ranks.parquet", SYSTEM_RANKS)
    parts = [read_table(run / f"ranks-{name}.parquet", SYSTEM_RANKS) for name, _ in SYSTEMS]
    assert len(joined) == sum(map(len, parts))


@pytest.mark.parametrize("median", [False, True])
def test_pieces_are_drawn_whole(median):
    random = np.random.default_rng(0)
    piece_of = np.repeat(np.arange(7), random.integers(1, 9, 7))
    values = random.integers(1, 6, size=(2, len(piece_of))).astype(float)
    draws = draw(40, 7, 2).queries
    found = resample_pieces(values, piece_of, draws, median)
    for number, drawn in enumerate(draws):
        rows = np.concatenate([np.flatnonzero(piece_of == piece) for piece in drawn])
        summary = np.median if median else np.mean
        np.testing.assert_allclose(found[number], summary(values[:, rows], axis=1))


def test_one_size_of_candidates_is_ranked_once(tmp_path):
    audio_sheet_runs.write_run(tmp_path, SYSTEMS[:1], seeds=(0,))
    audio_sheet_runs.evaluate(tmp_path, ["good"], (0,), candidates=90, condition_candidates=90)
    ranks = read_table(tmp_path / "ranks-good.parquet", SYSTEM_RANKS)
    assert set(ranks["gallery_size"].to_pylist()) == {90}
    assert len(ranks) == 90 * 3 * 2 * 4


def test_crops_of_equal_pixels_have_equal_hashes(tmp_path):
    strips = np.full((700, 80), 255, dtype=np.uint8)
    # Two strips of 350 columns; the first shows a note at columns 100, 200 and, other, 300.
    strips[[100, 200], 40] = 0
    strips[300, 30] = 0
    rows_of = {"a": (0, 350), "b": (350, 350)}
    places = [("a", 0, 200.0), ("a", 1, 400.0), ("a", 2, 600.0), ("b", 0, 10.0), ("c", 0, 0.0)]
    found = crop_contents(strips, rows_of, places)
    assert list(found) == [("a", 0), ("a", 1), ("a", 2), ("b", 0)]
    assert found["a", 2] != found["a", 0]
    # A crop does not reach into the next strip.
    edge = crop_contents(strips, {"a": (0, 301)}, [("a", 2, 600.0)])
    assert edge["a", 2] == found["a", 2]
    # Half a crop lies between neighbouring notes: each sees the other at its edge or not at all.
    assert found["a", 0] != found["b", 0]


def test_a_ceiling_from_pixels_is_written_when_strips_are_given(run, tmp_path):
    pieces = [f"{number:012x}" for number in range(12)]
    width = 700
    strips = np.full((12 * width, 80), 255, dtype=np.uint8)
    np.save(tmp_path / "plain.npy", strips)
    index = [
        {"piece_id": piece, "first_row": number * width, "n_rows": width}
        for number, piece in enumerate(pieces)
    ]
    write_table(tmp_path / "plain.parquet", STRIP_INDEX, index)
    command = ["system-metrics", "--settings", audio_sheet_runs.settings()]
    command += ["--ranks", str(run / "ranks-good.parquet")]
    command += ["--snippets", str(run / "snippets.parquet")]
    command += ["--strips", str(tmp_path / "plain.npy")]
    command += ["--strips-index", str(tmp_path / "plain.parquet")]
    assert main([*command, "--out", str(tmp_path / "metrics.parquet")]) == 0
    rows = read_table(tmp_path / "metrics.parquet", SYSTEM_METRICS).to_pylist()
    # All paper is one content.
    assert value(rows, system="ceiling-crop") == pytest.approx(100 / 400)


def test_ceilings_are_those_of_the_twins(run, metrics):
    snippets = read_table(run / "snippets.parquet", SNIPPETS).to_pydict()
    hashes, folds = np.array(snippets["twin_5"]), np.array(snippets["fold"])
    assert value(metrics, system="ceiling-5") == pytest.approx(ceiling(hashes[folds == "test"]))


def test_conditions_that_share_few_snippets_are_refused(run, tmp_path, caplog):
    codes = read_table(run / "codes-good-0.parquet", SYSTEM_CODES)
    thin = codes.filter(pc.or_(pc.equal(codes["condition"], "clean"), pc.equal(codes["note"], 3)))
    write_table(
        tmp_path / "thin.parquet",
        SYSTEM_CODES,
        thin.replace_schema_metadata(),
        {"code": audio_sheet_runs.DIMENSIONS},
        {"system": "good", "seed": "0"},
    )
    command = ["evaluate-system", "--settings", audio_sheet_runs.settings(), "--system", "good"]
    command += ["--codes", str(tmp_path / "thin.parquet"), "--conditions", "clean", "noisy"]
    command += ["--snippets", str(run / "snippets.parquet"), "--out", str(tmp_path / "out.parquet")]
    assert main(command) == 1
    assert "10 test snippets have codes under all conditions, expected about 100" in caplog.text


def test_misuse_is_named(run, tmp_path, caplog):
    codes = str(run / "codes-good-0.parquet")
    command = ["evaluate-system", "--settings", audio_sheet_runs.settings(), "--codes", codes]
    command += ["--snippets", str(run / "snippets.parquet"), "--out", str(tmp_path / "out.parquet")]
    assert main([*command, "--system", "poor", "--conditions", "clean"]) == 1
    assert "holds system 'good', expected 'poor'" in caplog.text
    assert main([*command, "--system", "good", "--conditions", "clean", "tempo-50"]) == 1
    assert "nothing encoded under tempo-50" in caplog.text
    twice = ["--codes", codes, codes, "--system", "good", "--conditions", "clean"]
    assert main([*command, *twice]) == 1
    assert "give each seed once" in caplog.text
    assert not (tmp_path / "out.parquet").exists()
