"""Guards reruns: the digest must see changed meaning in any imported module, and nothing else."""

import importlib
import subprocess
import sys

import pytest

from ugaar import cli, digest

HEAVY_VERBS = (
    "train",
    "transfer",
    "features",
    "ground-truth",
    "figures",
    "system-figures",
    "versions-figure",
    "align-versions",
    "render",
)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy-like tiny `ugaar` package whose files a test may edit."""
    folder = tmp_path / "ugaar"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "stage.py").write_text('"""Doc."""\nfrom ugaar import helper\nX = helper.f(1)\n')
    (folder / "helper.py").write_text("def f(x):\n    # why\n    return x + 1\n")
    (folder / "other.py").write_text("Y = 1\n")
    monkeypatch.setattr(digest, "PACKAGE_FOLDER", folder)
    digest._read.cache_clear()
    yield folder
    digest._read.cache_clear()


def _digest_after(folder, name, text):
    (folder / name).write_text(text)
    digest._read.cache_clear()
    return digest.code_digest("ugaar.stage")


def test_comments_docstrings_and_layout_do_not_matter(package):
    before = digest.code_digest("ugaar.stage")
    text = 'def f(x):\n    """New."""\n    # other words\n\n    return (x\n        + 1)\n'
    assert _digest_after(package, "helper.py", text) == before


def test_meaning_in_an_imported_module_matters(package):
    before = digest.code_digest("ugaar.stage")
    assert _digest_after(package, "helper.py", "def f(x):\n    return x + 2\n") != before


def test_a_module_that_is_not_imported_does_not_matter(package):
    before = digest.code_digest("ugaar.stage")
    assert _digest_after(package, "other.py", "Y = 2\n") == before


def test_an_import_inside_a_function_counts(package):
    lazy = "def f(x):\n    import ugaar.other\n    return ugaar.other.Y\n"
    first = _digest_after(package, "helper.py", lazy)
    assert _digest_after(package, "other.py", "Y = 3\n") != first


def test_a_module_named_beside_the_stage_counts(package):
    before = digest.code_digest("ugaar.stage", "ugaar.other")
    (package / "other.py").write_text("Y = 9\n")
    digest._read.cache_clear()
    assert digest.code_digest("ugaar.stage", "ugaar.other") != before


def test_a_name_of_an_imported_module_that_is_not_reached_does_not_matter(package):
    (package / "stage.py").write_text("from ugaar.helper import f\nX = f(1)\n")
    text = "A = 1\nB = 2\ndef f(x):\n    return x + g(x)\ndef g(x):\n    return A\n"
    before = _digest_after(package, "helper.py", text)
    assert _digest_after(package, "helper.py", text.replace("B = 2", "B = 3")) == before
    assert _digest_after(package, "helper.py", text.replace("A = 1", "A = 3")) != before


def test_what_an_imported_module_does_on_import_matters(package):
    (package / "stage.py").write_text("from ugaar.helper import f\n")
    text = "def f(x):\n    return x\nif True:\n    f.mark = 1\n"
    before = _digest_after(package, "helper.py", text)
    assert _digest_after(package, "helper.py", text.replace("mark = 1", "mark = 2")) != before


def test_a_call_that_can_reach_any_name_needs_them_all(package):
    (package / "stage.py").write_text("from ugaar.helper import f\n")
    text = "A = 1\ndef f(x):\n    return globals()[x]\n"
    before = _digest_after(package, "helper.py", text)
    assert _digest_after(package, "helper.py", text.replace("A = 1", "A = 2")) != before


def test_the_declaration_of_a_table_matters_to_the_stages_that_name_it():
    def names(verb):
        return digest.names_behind(cli.module_of(verb))

    assert ("ugaar.tables", "WINDOWS") in names("window")
    assert ("ugaar.tables", "METRICS") not in names("window")
    assert ("ugaar.tables", "METRICS") in names("metrics")
    assert ("ugaar.parquet_files", "write_table") in names("window")


def test_an_unknown_module_is_an_error(package):
    with pytest.raises(FileNotFoundError, match=r"ugaar\.nowhere"):
        digest.code_digest("ugaar.nowhere")


@pytest.mark.parametrize("verb", sorted(cli.STAGES))
def test_every_stage_declares_literal_settings(verb):
    module = importlib.import_module(cli.module_of(verb))
    assert tuple(digest.constant_of(cli.module_of(verb), "SETTINGS")) == module.SETTINGS
    assert callable(module.run)
    assert callable(module.add_arguments)


LIGHT = [verb for verb in [*cli.STAGES, *cli.COMMANDS] if not verb.startswith(HEAVY_VERBS)]


@pytest.mark.parametrize("verb", LIGHT)
def test_a_job_of_tables_loads_no_heavy_library(verb):
    heavy = ("torch", "music21", "gensim", "librosa", "matplotlib", "pretty_midi", "snakemake")
    code = (
        f"import importlib, sys\nimportlib.import_module({cli.module_of(verb)!r})\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert found.strip() == "[]"
