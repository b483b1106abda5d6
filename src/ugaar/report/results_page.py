"""The results pages: Jinja templates whose every number comes from the tables of finished runs.

Prose is written by people and lives in the template. A table that is missing leaves a sentence in
the place of its section; a misspelt name is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jinja2

from ugaar.errors import ConfigError, DataError
from ugaar.evaluate import published
from ugaar.evaluate.notes import CHANCE, RANKING
from ugaar.evaluate.paper_tables import direction_label, method_label
from ugaar.report import (
    results_page_across,
    results_page_data,
    results_page_scores,
    results_page_splits,
)
from ugaar.report.reflow import reflow
from ugaar.report.results_page_numbers import Numbers
from ugaar.report.results_page_run import Run
from ugaar.settings import Settings

SECTIONS: tuple[Callable[..., str], ...] = (
    results_page_data.settings_list,
    results_page_data.encoder_list,
    results_page_data.funnel_table,
    results_page_data.folds_table,
    results_page_data.costs_table,
    results_page_scores.table_1,
    results_page_scores.shared_content,
    results_page_scores.best_directions,
    results_page_scores.medians_table,
    results_page_scores.comparisons_table,
    results_page_scores.comparisons_by_direction,
    results_page_scores.galleries_table,
    results_page_scores.correlations_text,
    results_page_splits.leakage_table,
    results_page_splits.leakage_summary,
    results_page_splits.lyrics_table,
    results_page_splits.draws_table,
    results_page_across.orders_table,
    results_page_across.transfer_table,
    results_page_across.engravers_table,
)
"""What a template may call for a whole table; each takes a run, or runs, and its choices."""

NUMBERS = (
    "setting",
    "count",
    "exists",
    "value",
    "interval",
    "amount",
    "against_chance",
    "difference",
    "verdict",
    "ladder",
    "leak",
)
"""What a template may call for a single number or verdict: methods of `Numbers`."""


class Figures:
    """Links figures into the page and remembers which, so that they can be copied beside it.

    Args:
        prefix: what a link to the folder of the figures begins with; empty on a page inside it.
    """

    def __init__(self, prefix: str) -> None:
        self.wanted: dict[str, Path] = {}
        self._prefix = prefix

    def figure(self, run: Run, split: str, name: str, text: str) -> str:
        """Return a link to a figure of a split.

        Args:
            run: a finished run.
            split: one of its splits.
            name: stem of the figure's file.
            text: what it shows, for readers who do not see it.

        Raises:
            DataError: the run has no such figure.
        """
        path = run.folder / split / "figures" / f"{name}.png"
        if not path.is_file():
            raise DataError(f"{path}: missing; run the stage figures")
        target = f"{run.name}-{split}-{name}.png"
        self.wanted[target] = path
        return f"![{text}]({self._prefix}{target})"


def render(
    template: Path, runs: Sequence[Run], defaults: Settings, figures: Figures, **words: object
) -> str:
    """Return a page.

    Args:
        template: the Jinja template.
        runs: finished runs, in the order of the page.
        defaults: the default configuration.
        figures: takes the figures that the page shows.
        words: further names that the template uses, such as `machine` and, on a run's own page,
            `run`.

    Raises:
        ConfigError: the template is missing, not readable, or uses a name that does not exist.
    """
    return fill(template, _names(runs, defaults, figures) | words)


def fill(template: Path, names: Mapping[str, object]) -> str:
    """Return a template with its names filled in and its paragraphs wrapped.

    Args:
        template: the Jinja template.
        names: what it may use.

    Raises:
        ConfigError: the template is missing, not readable, or uses a name that does not exist.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    try:
        return reflow(environment.get_template(template.name).render(names))
    except jinja2.TemplateNotFound as error:
        raise ConfigError(f"{template}: no such template") from error
    except jinja2.TemplateSyntaxError as error:
        raise ConfigError(f"{template}, line {error.lineno}: {error.message}") from error
    except jinja2.TemplateRuntimeError as error:
        raise ConfigError(f"{template}: {error.message}") from error


def _names(runs: Sequence[Run], defaults: Settings, figures: Figures) -> dict[str, Any]:
    numbers = Numbers(runs)
    sections: dict[str, Callable[..., str]] = {one.__name__: one for one in SECTIONS}
    sections["settings_list"] = partial(results_page_data.settings_list, defaults=defaults)
    sections["figure"] = figures.figure
    return {
        **{name: or_sentence(section, runs) for name, section in sections.items()},
        **{name: getattr(numbers, name) for name in NUMBERS},
        "runs": list(runs),
        "label": method_label,
        "direction_label": direction_label,
        "PAPER_TABLE_1": published.TABLE_1,
        "PAPER_TABLE_2": published.TABLE_2,
        "PAPER_GALLERIES": results_page_scores.PAPER_GALLERIES,
        "RANKING": RANKING,
        "CHANCE": CHANCE,
    }


def or_sentence(section: Callable[..., str], runs: Iterable[Run]) -> Callable[..., str]:
    """Return a section that says what it lacks where a table is missing.

    Args:
        section: writes the section; raises DataError where a table is missing.
        runs: their folders are named without what lies above them.
    """
    shorten = {str(run.folder): f"results/{run.name}" for run in runs}

    def written(*arguments: object, **options: object) -> str:
        try:
            return section(*arguments, **options)
        except DataError as error:
            text = str(error)
            for folder, name in shorten.items():
                text = text.replace(folder, name)
            return f"*Left out: {text.rstrip('.')}.*"

    return written
