"""Guards the data dictionary and the report captions against drifting from what they describe."""

from pathlib import Path
from types import SimpleNamespace

import jinja2
import pytest

from ugaar.report.dictionary import FILES, dictionary
from ugaar.settings import load_yaml
from ugaar.tables import TABLES

ROOT = Path(__file__).resolve().parents[2]
CAPTIONS = sorted((ROOT / "workflow" / "report").glob("*.rst"))


def test_results_readme_is_in_step():
    written = (ROOT / "results" / "README.md").read_text(encoding="utf-8")
    assert written == dictionary(TABLES.values()), (
        "run: python -m ugaar dictionary > results/README.md"
    )


def test_every_table_and_column_is_described():
    text = dictionary(TABLES.values())
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
    assert capsys.readouterr().out == dictionary(TABLES.values())


def captions_rendered(figure="ranks", **changes):
    config = load_yaml(ROOT / "config.yaml") | changes
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    return {
        path.stem: environment.from_string(path.read_text(encoding="utf-8")).render(
            snakemake=SimpleNamespace(
                config=config, wildcards=SimpleNamespace(figure=figure, split="song-disjoint")
            )
        )
        for path in CAPTIONS
    }


def test_captions_quote_the_configuration():
    texts = captions_rendered(dataset="other", seeds=[0])
    assert set(texts) == {
        *("workflow", "table_1", "table_2", "comparisons", "figures"),
        *("galleries", "protocols", "splits"),
    }
    assert "dataset *other*" in texts["workflow"]
    assert "; 1 seed." in texts["workflow"]
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


def test_methods_paragraph_follows_the_protocol():
    assert "duplicates were kept" in captions_rendered(protocols=["published"])["workflow"]
    assert "a group lies in one fold" in captions_rendered()["workflow"]


@pytest.mark.parametrize("path", CAPTIONS, ids=lambda path: path.stem)
def test_captions_are_plain_restructured_text(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("``") % 2 == 0
    assert "\t" not in text
