"""`ugaar results`: write docs/results.md, and a page a run, from the tables of finished runs."""

from __future__ import annotations

import argparse
import logging
from collections import Counter
from pathlib import Path

from ugaar.atomic import atomic_path
from ugaar.errors import ConfigError
from ugaar.report.results_page import Figures, fill, render
from ugaar.report.results_page_figures import small_png
from ugaar.report.results_page_pictures import Pictures
from ugaar.report.results_page_tasks import (
    AUDIO_SHEET,
    THREE_MODALITIES,
    VERSIONS,
    headlines,
    names_of,
    of_task,
    open_run,
)
from ugaar.settings import load_yaml


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the runs, the template and the page."""
    parser.add_argument(
        "--runs", nargs="+", required=True, type=Path, metavar="DIR", help="results/<dataset> ..."
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("docs/results.md"),
        help="page to write; the runs' pages and figures go to the folder of its name without .md",
    )
    parser.add_argument(
        "--template",
        type=Path,
        default=Path("docs/results.template.md.j2"),
        help="the text, with numbers inserted by name",
    )
    parser.add_argument(
        "--run-template",
        type=Path,
        default=Path("docs/results.run.template.md.j2"),
        help="the text of each run's page",
    )
    for task in (AUDIO_SHEET, VERSIONS):
        parser.add_argument(
            f"--{task}-template",
            type=Path,
            default=Path(f"docs/results.{task}.template.md.j2"),
            help=f"the text of the page of each run of the task {task}",
        )
    parser.add_argument(
        "--defaults", type=Path, default=Path("config.yaml"), help="the default configuration"
    )
    parser.add_argument("--machine", default="", help="what the runs were made on, in a few words")


def run(arguments: argparse.Namespace) -> int:
    """Write the pages and their figures.

    Raises:
        ConfigError: a run or the template is missing, or two runs have one name.
    """
    out: Path = arguments.out
    if not out.suffix:
        raise ConfigError(f"--out: {out} must end in .md")
    runs = [open_run(folder) for folder in arguments.runs]
    twice = [name for name, count in Counter(one.name for one in runs).items() if count > 1]
    if twice:
        raise ConfigError(f"--runs: {twice[0]} is named twice")
    folder = out.parent / out.stem
    defaults = load_yaml(arguments.defaults)
    words = {"machine": arguments.machine, "folder": out.stem, "home": out.name}
    beside, inside = Figures(f"{out.stem}/"), Figures("")
    retrieval = of_task(runs, THREE_MODALITIES)
    first_words = words | headlines(runs)
    pages = {out: render(arguments.template, retrieval, defaults, beside, **first_words)}
    for one in retrieval:
        pages[folder / f"{one.name}.md"] = render(
            arguments.run_template, retrieval, defaults, inside, run=one, **words
        )
    drawn: dict[str, bytes] = {}
    for task in (AUDIO_SHEET, VERSIONS):
        template = getattr(arguments, f"{task.replace('-', '_')}_template")
        for one in of_task(runs, task):
            pictures = Pictures(one)
            names = names_of(one, defaults, pictures) | words
            pages[folder / f"{one.name}.md"] = fill(template, names)
            drawn |= pictures.wanted
    wanted = beside.wanted | inside.wanted
    drawn |= {name: small_png(source) for name, source in wanted.items()}
    for name, content in sorted(drawn.items()):
        with atomic_path(folder / name) as path:
            path.write_bytes(content)
    for page, text in pages.items():
        with atomic_path(page) as path:
            path.write_text(text, encoding="utf-8")
    logging.info("wrote %s, %d pages of runs and %d figures", out, len(runs), len(drawn))
    return 0
