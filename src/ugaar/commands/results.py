"""`ugaar results`: write docs/results.md, and a page a run, from the tables of finished runs."""

from __future__ import annotations

import argparse
import logging
from collections import Counter
from pathlib import Path

from ugaar.atomic import atomic_path
from ugaar.errors import ConfigError
from ugaar.report.results_page import Figures, render
from ugaar.report.results_page_figures import small_png
from ugaar.report.results_page_run import Run
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
    runs = [Run(folder) for folder in arguments.runs]
    twice = [name for name, count in Counter(one.name for one in runs).items() if count > 1]
    if twice:
        raise ConfigError(f"--runs: {twice[0]} is named twice")
    folder = out.parent / out.stem
    defaults = load_yaml(arguments.defaults)
    words = {"machine": arguments.machine, "folder": out.stem, "home": out.name}
    beside, inside = Figures(f"{out.stem}/"), Figures("")
    pages = {out: render(arguments.template, runs, defaults, beside, **words)}
    for one in runs:
        pages[folder / f"{one.name}.md"] = render(
            arguments.run_template, runs, defaults, inside, run=one, **words
        )
    wanted = beside.wanted | inside.wanted
    for name, source in sorted(wanted.items()):
        with atomic_path(folder / name) as path:
            path.write_bytes(small_png(source))
    for page, text in pages.items():
        with atomic_path(page) as path:
            path.write_text(text, encoding="utf-8")
    logging.info("wrote %s, %d pages of runs and %d figures", out, len(runs), len(wanted))
    return 0
