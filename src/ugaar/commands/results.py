"""`ugaar results`: write docs/results.md from the tables of finished runs."""

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
        help="page to write; its figures go to the folder of the same name without .md",
    )
    parser.add_argument(
        "--template",
        type=Path,
        default=Path("docs/results.template.md.j2"),
        help="the text, with numbers inserted by name",
    )
    parser.add_argument(
        "--defaults", type=Path, default=Path("config.yaml"), help="the default configuration"
    )
    parser.add_argument("--machine", default="", help="what the runs were made on, in a few words")


def run(arguments: argparse.Namespace) -> int:
    """Write the page and its figures.

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
    figures = Figures(out.stem)
    page = render(
        arguments.template, runs, load_yaml(arguments.defaults), figures, arguments.machine
    )
    for name, source in sorted(figures.wanted.items()):
        with atomic_path(out.parent / out.stem / name) as path:
            path.write_bytes(small_png(source))
    with atomic_path(out) as path:
        path.write_text(page, encoding="utf-8")
    logging.info("wrote %s and %d figures", out, len(figures.wanted))
    return 0
