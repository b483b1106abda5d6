"""Guards the results page: its numbers are those of the tables, and what is missing is said."""

import re
import shutil
from pathlib import Path

import finished_runs
import numpy as np
import pytest
import yaml
from PIL import Image

from ugaar.cli import main
from ugaar.errors import ConfigError, DataError
from ugaar.evaluate.paper_tables import Cell
from ugaar.parquet_files import read_table
from ugaar.parquet_files import write_table as write
from ugaar.report.reflow import reflow
from ugaar.report.results_page_across import agreeing_pairs, order_in_words, transfer_table
from ugaar.report.results_page_data import funnel_table
from ugaar.report.results_page_figures import LARGEST_BYTES, small_png
from ugaar.report.results_page_numbers import NOT_MEASURED, Numbers
from ugaar.report.results_page_run import Run, changed_settings
from ugaar.report.results_page_words import (
    against_published,
    beside_chance,
    grid,
    interval_in_words,
    sign,
)
from ugaar.report.stage_costs import stage_costs
from ugaar.tables import COMPARISONS, METRICS, PROTOCOL_DIFFERENCES, TRANSFER

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = [ROOT / f"docs/results.{name}template.md.j2" for name in ("", "run.")]
DEFAULTS = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two finished runs of made-up ranks."""
    folder = tmp_path_factory.mktemp("results")
    return [
        finished_runs.write_run(folder / name, DEFAULTS, skill)
        for name, skill in (("first", 1.0), ("second", 2.0))
    ]


@pytest.fixture
def run(tmp_path):
    """An empty run, for tests that put their own tables into it."""
    (tmp_path / "mine").mkdir()
    return Run(tmp_path / "mine")


def results(*runs, out, template=TEMPLATES[0]):
    flags = {
        "out": out,
        "template": template,
        "run-template": TEMPLATES[1],
        "defaults": ROOT / "config.yaml",
    }
    options = [part for name, value in flags.items() for part in (f"--{name}", str(value))]
    return main(["results", "--runs", *map(str, runs), *options, "--machine", "an abacus"])


def text_of(page):
    """Return the text of a page and of the runs' pages behind it."""
    pages = [page, *sorted((page.parent / page.stem).glob("*.md"))]
    return "\n\n".join(one.read_text(encoding="utf-8") for one in pages)


def metric(folder, split, method, direction, name):
    rows = read_table(folder / split / "metrics.parquet", METRICS).to_pylist()
    wanted = (None, method, direction, name)
    names = ("seed", "method", "direction", "metric")
    return next(row for row in rows if tuple(row[key] for key in names) == wanted)


# The page


def test_numbers_of_the_page_are_those_of_the_tables(runs, tmp_path):
    assert results(*runs, out=tmp_path / "page.md") == 0
    page = text_of(tmp_path / "page.md")
    assert "Machine of the runs: an abacus." in page
    for folder in runs:
        for split in ("song-disjoint", "published"):
            row = metric(folder, split, "ugaar", "audio-to-sheet", "R@1")
            cell = f"{row['value']:.2f} ± {row['std']:.2f}<br>"
            assert f"| UGAAR | 2 | {cell}[{row['ci_low']:.2f}, {row['ci_high']:.2f}] |" in page
    rows = read_table(runs[0] / "protocol_differences.parquet", PROTOCOL_DIFFERENCES).to_pylist()
    row = next(r for r in rows if (r["method"], r["direction"]) == ("cca", "audio-to-sheet"))
    assert row["metric"] == "R@1"
    prose = f"{row['song_disjoint']:.2f} → {row['published']:.2f}, a difference of"
    assert prose in " ".join(page.split())
    # Chance of one in forty, and the paper's own line.
    assert "| Chance (exact) | – | 2.50 | 20.5 | 0.512 |" in page
    assert "| *UGAAR, paper* | not stated | 30.06 | 352.4 | – |" in page


def test_nothing_is_missing_from_the_page_of_finished_runs(runs, tmp_path):
    results(*runs, out=tmp_path / "page.md")
    page = text_of(tmp_path / "page.md")
    left_out = sorted(set(re.findall(r"\*Left out: (.*)", page)))
    assert [text for text in left_out if "galleries" not in text and "no run has" not in text] == []
    for file in (tmp_path / "page.md", *(tmp_path / "page").glob("*.md")):
        text = file.read_text(encoding="utf-8")
        for link in re.findall(r"!\[.*\]\((.*)\)", text):
            assert 0 < (file.parent / link).stat().st_size <= LARGEST_BYTES
        for link in re.findall(r"(?<!!)\[[^]]*\]\(([^)#:]*)[#)]", text):
            assert (file.parent / link).is_file() or (ROOT / "docs" / Path(link).name).is_file()
    assert {path.name for path in (tmp_path / "page").iterdir()} >= {
        "first-song-disjoint-ranks.png",
        "second-published-ranks.png",
        "first.md",
        "second.md",
    }


def test_a_run_on_the_music_of_another_reads_its_windows(runs, tmp_path):
    for run in runs:
        shutil.copytree(run, tmp_path / run.name)
    mine = tmp_path / "second"
    config = yaml.safe_load((mine / "config.yaml").read_text())
    (mine / "config.yaml").write_text(yaml.safe_dump(config | {"music_of": "first"}))
    (mine / "windows.parquet").unlink()
    results(mine, out=tmp_path / "page.md")
    page = text_of(tmp_path / "page.md")
    assert "those of first and not counted again" in page
    assert "windows.parquet" not in page


def test_the_page_is_the_same_every_time(runs, tmp_path):
    for name in ("a", "b"):
        results(*runs, out=tmp_path / name / "page.md")
    first, second = (text_of(tmp_path / name / "page.md") for name in ("a", "b"))
    assert first == second
    assert str(tmp_path) not in first


def test_tables_keep_their_number_of_columns(runs, tmp_path):
    results(*runs, out=tmp_path / "page.md")
    page = text_of(tmp_path / "page.md")
    for block in page.split("\n\n"):
        if block.startswith("|"):
            counts = {len(re.findall(r"(?<!\\)\|", line)) for line in block.split("\n")}
            assert len(counts) == 1, block


def test_an_unfinished_run_leaves_sentences_not_a_crash(tmp_path):
    (tmp_path / "begun").mkdir()
    assert results(tmp_path / "begun", out=tmp_path / "page.md") == 0
    page = text_of(tmp_path / "page.md")
    assert "**begun, song-disjoint**: not finished." in page
    assert "*Left out: results/begun/config.yaml: missing" in page
    assert "What duplicates add" not in page
    assert "Draws of the folds" not in page
    assert NOT_MEASURED not in page
    assert str(tmp_path) not in page


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_the_templates_hold_no_typed_results(template):
    text = re.sub(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", "", template.read_text(), flags=re.S)
    assert re.findall(r"\d+[.,]\d+|\d+ ?%", text) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{{ value(runs[0], "song-disjoint", "cca", "audio-to-shet", "R@1") }}', "audio-to-shet"),
        ('{{ value("first", "song-disjoint", "ccca", "audio-to-sheet", "R@1") }}', "'ccca'"),
        ('{{ value("first", "song-disjoint", "cca", "audio-to-sheet", "R@2") }}', "'R@2'"),
        ("{{ no_such_table(runs[0]) }}", "'no_such_table' is undefined"),
        ("one\n{% if %}", "line 2"),
    ],
)
def test_a_slip_in_the_template_is_one_clear_error(runs, tmp_path, caplog, text, message):
    (tmp_path / "page.j2").write_text(text)
    assert results(*runs, out=tmp_path / "page.md", template=tmp_path / "page.j2") == 2
    assert message in caplog.text
    assert not (tmp_path / "page.md").exists()


def test_wrong_runs_and_templates_are_clear_errors(runs, tmp_path, caplog):
    assert results(tmp_path / "none", out=tmp_path / "page.md") == 2
    assert results(runs[0], runs[0], out=tmp_path / "page.md") == 2
    assert results(runs[0], out=tmp_path / "page.md", template=tmp_path / "no.j2") == 2
    assert results(runs[0], out=tmp_path / "page") == 2
    for text in ("is no folder", "first is named twice", "no such template", "must end in .md"):
        assert text in caplog.text


# Numbers and words


def test_what_was_not_measured_is_said(runs):
    numbers = Numbers([Run(runs[0])])
    place = ("song-disjoint", "cca", "audio-to-sheet", "R@1")
    assert float(numbers.value("first", *place)) == pytest.approx(
        metric(runs[0], *place)["value"], abs=0.005
    )
    assert numbers.value("another", *place) == NOT_MEASURED
    assert numbers.value("first", *place, gallery=7) == NOT_MEASURED
    assert numbers.amount("first", "published-9", "cca", "audio-to-sheet", "R@1") is None
    assert numbers.count("first", "test", split="published") == "480"
    assert numbers.count("first", "no-such-step") == NOT_MEASURED
    assert numbers.setting("first", "window.notes") == 20
    assert numbers.setting("first", "window.notes.more") is None
    with pytest.raises(ConfigError, match="no method"):
        numbers.difference("first", "song-disjoint", "ugaar", "base", "R@1")


@pytest.mark.parametrize(("steps", "bounds"), [(2, (0.1, 0.2)), (0, (-0.1, 0.2)), (0, (-2, -1))])
def test_the_ladder_counts_steps_beyond_their_intervals(run, steps, bounds):
    rows = [
        {
            "protocol": "song-disjoint",
            "method": method,
            "reference": reference,
            "direction": "mean over six",
            "metric": "R@1",
            "difference": 0.15,
            "ci_low": bounds[0],
            "ci_high": bounds[1],
        }
        for method, reference in (("baseline-gan", "baseline"), ("ugaar", "baseline-gan"))
    ]
    write(run.folder / "song-disjoint/comparisons.parquet", COMPARISONS, rows)
    assert Numbers([run]).ladder(run, "song-disjoint", "R@1") == steps
    assert Numbers([run]).ladder(run, "song-disjoint", "MRR") is None


def test_what_an_interval_says():
    assert [sign("R@1", *ends) for ends in ((1, 2), (-2, -1), (-1, 1), (0, 1))] == [1, -1, 0, 0]
    assert [sign("MedR/N", *ends) for ends in ((1, 2), (-2, -1))] == [-1, 1]
    assert interval_in_words("MedR", -3, -1, "A", "B") == "does not hold 0: A is better"
    assert interval_in_words("MRR", -3, -1, "A", "B") == "does not hold 0: B is better"
    assert interval_in_words("MRR", -3, 1, "A", "B") == "holds 0: no difference shown"


def test_shares_beside_published_ones_need_the_whole_interval():
    candidates = (0.4, 0.3)
    assert against_published(0.1, 0.29, candidates) == "better than either"
    assert against_published(0.41, 0.5, candidates) == "worse than either"
    assert against_published(0.1, 0.31, candidates) == "not settled"
    assert against_published(0.32, 0.38, candidates) == "not settled"


def test_beside_chance_lower_ranks_are_better():
    chance = Cell("MedR/N", 0.5125)
    assert beside_chance(Cell("MedR/N", 0.4, None, 0.3, 0.5), chance) == "better than chance"
    assert beside_chance(Cell("MedR/N", 0.5, None, 0.4, 0.6), chance) == "not told from chance"
    assert beside_chance(Cell("MedR/N", 0.6, None, 0.55, 0.65), chance) == "worse than chance"
    assert beside_chance(Cell("R@1", 3, None, 2, 4), Cell("R@1", 1)) == "better than chance"


def test_settings_that_differ_name_files_without_folders_and_leave_the_machine_out():
    defaults = {"dataset": "a", "shards": 8, "b": {"c": 1, "path": None}, "d": [1]}
    config = {"dataset": "z", "shards": 2, "d": [1], "b": {"path": "/home/me/x.zip", "c": 1}}
    config |= {"new": True}
    assert list(changed_settings(config, defaults)) == [
        ("b.path", "x.zip", "null"),
        ("new", "true", "no such key"),
    ]


def test_hand_worked_funnel(runs):
    lines = funnel_table(Run(runs[0]), "published").split("\n")
    # 2878 kept, 61 silent, 12 with a long note.
    assert "| windows cut | 2,951 | – |" in lines
    assert "| after the silence rule | 2,890 | 61 silent |" in lines
    assert "| windows kept | 2,878 | 12 long note |" in lines


def test_cells_keep_their_bars():
    text = grid(["a|b", "n"], [["x|y", "1"]])
    assert text.split("\n")[1:] == ["| --- | ---: |", "| x\\|y | 1 |"]


# Runs side by side


def test_order_of_methods_and_how_far_runs_agree():
    def cell(value, low, high):
        return Cell("R@1", value, None, low, high)

    ordered = [("ugaar", cell(9, 8, 10)), ("cca", cell(5, 4, 6)), ("baseline", cell(4, 3, 5))]
    assert order_in_words(ordered) == "UGAAR > CCA ~ Baseline"
    other = [("cca", cell(9, 8, 10)), ("ugaar", cell(8, 7, 9)), ("baseline", cell(1, 0, 2))]
    # UGAAR and CCA change places; both stay above Baseline.
    assert agreeing_pairs([ordered, other]) == (2, 3)
    equal = [("cca", cell(1, 0, 2)), ("ugaar", cell(1, 0, 2))]
    assert agreeing_pairs([equal, equal]) == (0, 1)


def test_transfer_stands_above_the_same_method_at_home(run):
    def row(trained_on, value, size=40):
        return {
            "protocol": "song-disjoint",
            "method": "cca",
            "trained_on": trained_on,
            "tested_on": "mine",
            "direction": "audio-to-sheet",
            "metric": "R@1",
            "value": value,
            "std": None,
            "ci_low": value - 1,
            "ci_high": value + 1,
            "n_queries": 40,
            "gallery_size": size,
            "n_seeds": 2,
        }

    path = run.folder / "transfer.parquet"
    write(path, TRANSFER, [row("mine", 20.0), row("other", 7.5), row("other", 70.0, size=4)])
    lines = transfer_table(run, metrics=("R@1",)).split("\n")
    assert lines[0] == "N = 40."
    place = lines.index("| CCA | other | mine | 7.50<br>[6.50, 8.50] | – |")
    assert lines[place + 1] == "| CCA | mine | mine | 20.00<br>[19.00, 21.00] | – |"
    assert "| CCA | other | mine | 70.00<br>[69.00, 71.00] | – |" in transfer_table(
        run, 4, ("R@1",)
    )
    write(path, TRANSFER, [row("mine", 20.0)])
    with pytest.raises(DataError, match="no row of transfer"):
        transfer_table(Run(run.folder))


def test_engravers_and_transfer_come_onto_the_page_where_they_are(runs, tmp_path):
    copy = shutil.copytree(runs[0], tmp_path / "first")
    (copy / "engraver_transfer.csv").write_text(
        "direction,test strips,R@1,MedR,n\naudio-to-sheet,other,12.3456,2.5,40\n"
    )
    assert results(copy, out=tmp_path / "page.md") == 0
    page = text_of(tmp_path / "page.md")
    assert "| audio → sheet | other | 12.35 | 2.5 | 40 |" in page
    assert "no run has a `transfer.parquet`" in page
    assert "One run was given" in page


# Parts


def test_hand_worked_stage_costs(tmp_path):
    write_benchmark = finished_runs.write_benchmark
    for shard, cpu in (("0", "6"), ("1", "4")):
        write_benchmark(tmp_path / f"benchmarks/features_audio/musicnn-{shard}.tsv", "9", cpu, "50")
    write_benchmark(tmp_path / "a/benchmarks/features_audio/asmcmr-0.tsv", "2", "1", "70")
    write_benchmark(tmp_path / "b/benchmarks/features_audio/asmcmr-0.tsv", "3", "1", "60")
    write_benchmark(tmp_path / "a/benchmarks/train/baseline-gan-0.tsv", "1", "2", "10")
    write_benchmark(tmp_path / "a/benchmarks/train/baseline-gan-1.tsv", "1", "2", "10")
    write_benchmark(tmp_path / "a/benchmarks/evaluate/baseline-gan.tsv", "1", "-", "-")
    by_name = {(cost.stage, cost.variant): cost for cost in stage_costs(tmp_path, variants=True)}
    musicnn = by_name["features_audio", "musicnn"]
    assert (musicnn.jobs, musicnn.passes, musicnn.cpu_s, musicnn.wall_s) == (2, 1, 10.0, 18.0)
    assert musicnn.windows_per_second(200) == 20.0
    asmcmr = by_name["features_audio", "asmcmr"]
    assert (asmcmr.passes, asmcmr.windows_per_second(200), asmcmr.peak_mb) == (2, 200.0, 70.0)
    trained = by_name["train", "baseline-gan"]
    assert (trained.passes, trained.windows_per_second(100)) == (2, 50.0)
    assert by_name["evaluate", "baseline-gan"].windows_per_second(100) is None
    (audio, *_) = stage_costs(tmp_path)
    assert (audio.stage, audio.variant, audio.jobs, audio.passes) == ("features_audio", "", 4, 3)


def test_costs_need_benchmark_files(tmp_path):
    with pytest.raises(DataError, match="no benchmark files"):
        stage_costs(tmp_path)
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks/window.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(DataError, match=r"window\.tsv"):
        stage_costs(tmp_path)


def test_large_figures_are_made_small_and_small_ones_kept(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (400, 600, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    Image.new("RGB", (30, 20), "white").save(tmp_path / "small.png")
    found = small_png(tmp_path / "large.png")
    assert len(found) <= LARGEST_BYTES < (tmp_path / "large.png").stat().st_size
    assert found == small_png(tmp_path / "large.png")
    assert small_png(tmp_path / "small.png") == (tmp_path / "small.png").read_bytes()
    with pytest.raises(DataError, match="larger than 100 bytes"):
        small_png(tmp_path / "large.png", largest=100)


def test_reflow_wraps_prose_and_leaves_tables_alone():
    table = "| " + "wide " * 40 + "|\n| --- |"
    text = f"# Head\nshort\nlines\n\n\n\n{table}\n\n- one\n  two\n- three\n"
    wrapped = reflow(text, 60)
    assert wrapped == f"# Head\nshort lines\n\n{table}\n\n- one two\n- three\n"
    assert reflow(wrapped, 60) == wrapped


def test_reflow_begins_no_line_with_a_mark_of_markdown():
    text = "UGAAR > GAN - Base + 3. # " * 20
    for width in range(12, 40):
        lines = reflow(text, width).split("\n")
        assert not [line for line in lines if re.match(r"([>+#-]|\d+\.)( |$)", line)]
        assert " ".join(" ".join(lines).split()) == " ".join(text.split())
