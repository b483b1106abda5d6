"""The runs of a results page by their task, and what the templates of the newer tasks may use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ugaar.errors import ConfigError, DataError
from ugaar.evaluate.system_ranking import DIRECTIONS
from ugaar.report import (
    results_page_data,
    results_page_systems,
    results_page_verdicts,
    results_page_versions,
)
from ugaar.report.results_page import or_sentence
from ugaar.report.results_page_pictures import Pictures
from ugaar.report.results_page_run import Run
from ugaar.report.results_page_systems_run import SystemsRun
from ugaar.report.results_page_versions import VersionsRun
from ugaar.settings import Settings

THREE_MODALITIES, AUDIO_SHEET, VERSIONS = "three-modalities", "audio-sheet", "versions"

KINDS: dict[str, type[Run]] = {
    THREE_MODALITIES: Run,
    AUDIO_SHEET: SystemsRun,
    VERSIONS: VersionsRun,
}

# A run that is not finished may have no configuration yet: what only one task makes.
_MADE_BY = {"pieces.parquet": AUDIO_SHEET, "recordings.parquet": VERSIONS}

SYSTEM_SECTIONS: tuple[Callable[..., str], ...] = (
    results_page_systems.pieces_text,
    results_page_systems.piece_folds_table,
    results_page_systems.twins_table,
    results_page_systems.rejects_table,
    results_page_systems.stages_table,
    results_page_systems.trainings_table,
    results_page_systems.dcca_shape,
    results_page_systems.dcca_notes,
    results_page_systems.cca_layer_shape,
    results_page_systems.cca_layer_notes,
    results_page_systems.tolerance_shape,
    results_page_systems.robustness_shape,
    results_page_systems.identification_shape,
    results_page_systems.identification_notes,
    results_page_verdicts.beside_published,
    results_page_verdicts.order_by_recall,
    results_page_verdicts.attention_gains,
    results_page_verdicts.weakest_conditions,
)
"""What the template of an audio-sheet run may call; each takes the run, and its choices."""

VERSION_SECTIONS: tuple[Callable[..., str], ...] = (
    results_page_systems.rejects_table,
    results_page_systems.stages_table,
    results_page_versions.recordings_text,
    results_page_versions.works_of_folds_table,
    results_page_versions.shingle_trainings_text,
    results_page_versions.main_shape,
    results_page_versions.main_notes,
    results_page_versions.lengths_shape,
    results_page_versions.works_shape,
    results_page_versions.differences_shape,
    results_page_versions.versions_verdicts,
)
"""What the template of a versions run may call; each takes the run."""


def open_run(folder: Path) -> Run:
    """Return a run of the kind that its task asks for.

    Args:
        folder: results/<dataset>.

    Raises:
        ConfigError: there is no such folder, or its configuration names an unknown task.
    """
    run = Run(folder)
    try:
        task = run.config.get("task", THREE_MODALITIES)
    except DataError:
        found = [name for file, name in _MADE_BY.items() if (folder / file).is_file()]
        task = found[0] if found else THREE_MODALITIES
    if task not in KINDS:
        raise ConfigError(
            f"{folder / 'config.yaml'}: task {task!r} is not one of {', '.join(KINDS)}"
        )
    return KINDS[task](folder)


def of_task(runs: Sequence[Run], task: str) -> list[Run]:
    """Return the runs of one task, in their order."""
    return [run for run in runs if type(run) is KINDS[task]]


def headlines(runs: Sequence[Run]) -> dict[str, Any]:
    """Return what the page of all runs says of the newer tasks: the runs and their headlines."""
    return {
        "all_runs": list(runs),
        "system_runs": of_task(runs, AUDIO_SHEET),
        "version_runs": of_task(runs, VERSIONS),
        "systems_headline": or_sentence(results_page_systems.systems_headline, runs),
        "versions_headline": or_sentence(results_page_versions.versions_headline, runs),
        "beside_published": or_sentence(results_page_verdicts.beside_published, runs),
    }


def names_of(run: Run, defaults: Settings, pictures: Pictures) -> dict[str, Any]:
    """Return what the template of a run's own page may use.

    Args:
        run: a run of the task audio-sheet or versions.
        defaults: the default configuration.
        pictures: takes the figures that the page shows.
    """
    sections = SYSTEM_SECTIONS if isinstance(run, SystemsRun) else VERSION_SECTIONS
    found: dict[str, Callable[..., str]] = {one.__name__: one for one in sections}
    found["settings_list"] = partial(results_page_data.settings_list, defaults=defaults)
    found["picture"] = pictures.picture
    found["learning_picture"] = pictures.learning_picture
    return {
        **{name: or_sentence(section, [run]) for name, section in found.items()},
        "run": run,
        "DIRECTIONS": DIRECTIONS,
    }
