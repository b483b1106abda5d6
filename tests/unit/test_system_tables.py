"""Guards the tables of the audio-sheet systems: numbers, published rows, drops, every format."""

import csv

import audio_sheet_runs
import pytest

from ugaar.cli import main
from ugaar.evaluate import published_systems
from ugaar.evaluate.identification_table import identification_table
from ugaar.evaluate.system_results import Change, SystemResults
from ugaar.evaluate.system_tables import (
    cca_layer_table,
    dcca_table,
    robustness_table,
    tolerance_table,
)
from ugaar.parquet_files import metadata_of, read_table
from ugaar.snippet_tables import IDENTIFICATION, SYSTEM_METRICS

SYSTEMS = ("dcca", "cnn-2s-at", "mine")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    audio_sheet_runs.write_run(folder, list(zip(SYSTEMS, (0.9, 0.4, 0.6), strict=True)), (0, 1))
    audio_sheet_runs.evaluate(folder, SYSTEMS, (0, 1))
    return folder


@pytest.fixture(scope="module")
def rows(run):
    return read_table(run / "system_metrics.parquet", SYSTEM_METRICS).to_pylist()


@pytest.fixture(scope="module")
def results(run, rows):
    return SystemResults(rows, metadata_of(run / "system_metrics.parquet"))


def find(rows, **wanted):
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def test_the_dcca_table_has_ours_bounds_and_the_published_row(results, rows):
    table = dcca_table(results)
    ours, bounds, paper = table.blocks
    assert [row.labels for row in ours.rows] == [
        ("DCCA", "400", "10", "2"),
        ("CNN-2s-AT", "400", "10", "2"),
        ("mine", "400", "10", "2"),
    ]
    whole = {"seed": None, "condition": "clean", "right": "exact", "gallery_size": 400}
    (row,) = find(rows, system="mine", direction="sheet-to-audio", metric="R@10", **whole)
    assert ours.rows[2].cells[6].value == row["value"]
    assert [row.labels[0] for row in bounds.rows] == [
        "Ceiling, twins ± 3 notes",
        "Ceiling, twins ± 5 notes",
        "Ceiling, twins ± 8 notes",
        "Chance",
    ]
    assert bounds.rows[0].cells[0].value == 50
    assert bounds.rows[3].cells[0].value == pytest.approx(0.25)
    assert [cell.value for cell in paper.rows[0].cells] == [
        43.1,
        89.1,
        94.2,
        2,
        45.5,
        87.8,
        93.7,
        2,
    ]


def test_published_rows_are_those_of_the_papers():
    assert published_systems.CCA_LAYER["cnn-8s-at"]["audio-to-sheet"] == {
        "R@1": 66.71,
        "R@5": 84.43,
        "R@25": 91.19,
        "MRR": 0.75,
        "MedR": 1,
    }
    for metrics in published_systems.CCA_LAYER.values():
        values = metrics["audio-to-sheet"]
        assert values["R@1"] < values["R@5"] < values["R@25"]
        assert values["R@1"] / 100 < values["MRR"] < values["R@25"] / 100


def test_the_cca_layer_table_asks_with_audio(results):
    table = cca_layer_table(results)
    assert table.groups == (("audio → sheet", ("R@1", "R@5", "R@25", "MRR", "MedR")),)
    assert len(table.blocks[2].rows) == 6


def test_tolerance_never_lowers_recall(results):
    table = tolerance_table(results)
    for block in table.blocks[:2]:
        for row in block.rows:
            exact, one, two, twins = (cell.value for cell in row.cells)
            assert exact <= one <= two
            assert exact < twins


def test_drops_are_differences_on_equal_candidates(results, rows):
    table = robustness_table(results)
    lines = {row.labels: row.cells for row in table.blocks[0].rows}
    assert len(lines) == 3 * 3
    clean, noisy = lines["DCCA", "clean"], lines["DCCA", "noisy"]
    assert clean[1] is None
    assert noisy[1].value == pytest.approx(noisy[0].value - clean[0].value)
    assert noisy[1].value < 0
    shared = {"gallery_size": 100, "metric": "R@1", "right": "exact", "system": "dcca"}
    shared |= {"direction": "audio-to-sheet", "condition": "clean", "seed": None}
    assert clean[0].value == find(rows, **shared)[0]["value"]


def test_a_change_has_a_sign_and_its_spread_none():
    change = Change("R@1", 1.5, 0.25, signed=True)
    assert (change.number(), change.number(change.std)) == ("+1.50", "0.25")
    assert Change("MRR", -0.1, signed=True).number() == "-0.100"


def test_identification_has_both_kinds_of_query_in_both_directions(run):
    rows = [
        row
        for system in SYSTEMS
        for row in read_table(run / f"id-{system}.parquet", IDENTIFICATION).to_pylist()
    ]
    table = identification_table(rows, SYSTEMS)
    assert [block.heading for block in table.blocks] == [
        "audio → sheet, snippets spread over the piece",
        "sheet → audio, snippets spread over the piece",
        "audio → sheet, 10 onsets in a row",
        "sheet → audio, 10 onsets in a row",
    ]
    for block in table.blocks:
        assert [row.labels for row in block.rows] == [
            ("DCCA", "10", "2"),
            ("CNN-2s-AT", "10", "2"),
            ("mine", "10", "2"),
        ]
        assert block.rows[1].cells[0].value == 100


def test_every_table_is_written_in_every_format(run, tmp_path):
    command = ["system-tables", "--settings", "{}"]
    command += ["--metrics", str(run / "system_metrics.parquet"), "--identification"]
    command += [str(run / f"id-{system}.parquet") for system in SYSTEMS]
    assert main([*command, "--out-dir", str(tmp_path)]) == 0
    names = ("systems_dcca", "systems_cca_layer", "tolerance", "robustness", "identification")
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{name}.{suffix}" for name in names for suffix in ("csv", "md", "tex", "html")
    }
    printed = (tmp_path / "systems_dcca.md").read_text()
    assert "DCCA [paper]" in printed
    assert "N = 400 candidates" in printed
    with (tmp_path / "systems_dcca.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    paper = [line for line in lines if line["origin"] == "paper" and line["column"] == "R@1"]
    assert [float(line["value"]) for line in paper] == [43.1, 45.5]
