"""Guards the data dictionary and the report captions against drifting from what they describe."""

from pathlib import Path
from types import SimpleNamespace

import jinja2
import pytest

from ugaar.report.dictionary import FILES, TASKS, dictionary
from ugaar.settings import load_yaml

TABLES = {name: table for tables in TASKS.values() for name, table in tables.items()}
ROOT = Path(__file__).resolve().parents[2]
CAPTIONS = sorted((ROOT / "workflow" / "report").glob("*.rst"))


def test_results_readme_is_in_step():
    written = (ROOT / "results" / "README.md").read_text(encoding="utf-8")
    assert written == dictionary(), "run: python -m ugaar dictionary > results/README.md"


def test_every_table_and_column_is_described():
    text = dictionary()
    for table in TABLES.values():
        section = text[text.index(f"### {table.name}\n") :]
        section = section[: section.find("\n### ")] if "\n### " in section else section
        for column in table.columns:
            assert f"| `{column.name}` |" in section
            assert column.meaning


def test_named_files_belong_to_tables():
    assert set(FILES) <= set(TABLES)


def test_the_command_prints_it(capsys):
    from ugaar.cli import main

    assert main(["dictionary"]) == 0
    assert capsys.readouterr().out == dictionary()


def test_no_name_stands_for_two_tables():
    assert len(TABLES) == sum(len(tables) for tables in TASKS.values())


def captions_rendered(figure="ranks", system_figure="learning", **changes):
    config = load_yaml(ROOT / "config.yaml") | changes
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    return {
        path.stem: environment.from_string(path.read_text(encoding="utf-8")).render(
            snakemake=SimpleNamespace(
                config=config,
                wildcards=SimpleNamespace(
                    figure=figure,
                    split="song-disjoint",
                    system_figure=system_figure,
                    system="dcca",
                ),
            )
        )
        for path in CAPTIONS
    }


def test_captions_quote_the_configuration():
    texts = captions_rendered(dataset="other", seeds=[0])
    assert set(texts) == {
        *(
            "three-modalities",
            "audio-sheet",
            "versions",
            "table_1",
            "table_2",
            "comparisons",
            "figures",
        ),
        *("galleries", "protocols", "splits"),
        *("system_examples", "system_figures", "system_tables"),
    }
    assert "dataset *other*" in texts["three-modalities"]
    assert "; 1 seed." in texts["three-modalities"]
    assert "95 % bootstrap intervals" in texts["table_1"]
    assert "R@1, R@5, R@10, MedR" in texts["table_2"]


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        ("ranks", "exact chance"),
        ("training", "validation fold"),
        ("funnel", "remedy"),
        ("correlations", "Canonical correlations"),
        ("samples", "three modalities"),
    ],
)
def test_every_figure_has_a_caption_of_its_own(figure, words):
    assert words in captions_rendered(figure)["figures"]


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        ("learning", "validation pairs"),
        ("correlations", "Canonical correlations"),
        ("recall", "exact chance"),
        ("robustness", "2000 candidates"),
    ],
)
def test_every_figure_of_the_systems_has_a_caption_of_its_own(figure, words):
    assert words in captions_rendered(system_figure=figure)["system_figures"]


def test_methods_paragraph_follows_the_protocol():
    assert "duplicates were kept" in captions_rendered(protocols=["published"])["three-modalities"]
    assert "a group lies in one fold" in captions_rendered()["three-modalities"]


@pytest.mark.parametrize("path", CAPTIONS, ids=lambda path: path.stem)
def test_captions_are_plain_restructured_text(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("``") % 2 == 0
    assert "\t" not in text
