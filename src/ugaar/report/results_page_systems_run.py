"""A run of the audio-sheet task, as its page sees it: systems, trainings, metrics, rejects."""

from __future__ import annotations

from collections import Counter
from functools import cached_property

from ugaar.errors import DataError
from ugaar.evaluate.identification_table import identification_table
from ugaar.evaluate.paper_tables import PrintedTable
from ugaar.evaluate.system_results import SystemResults
from ugaar.parquet_files import metadata_of, read_table
from ugaar.report.results_page_run import Rows, Run
from ugaar.report.results_page_trainings import Training, trainings
from ugaar.snippet_tables import IDENTIFICATION, SYSTEM_METRICS
from ugaar.tables import REJECTS


class SystemsRun(Run):
    """One results folder of the task audio-sheet, which may not be finished.

    Args:
        folder: results/<dataset>.
    """

    @cached_property
    def systems(self) -> list[str]:
        """The systems that are trained, in the order of the configuration.

        Without a configuration, those that have a folder or a checkpoint.
        """
        try:
            audio_sheet = self.config["audio_sheet"]
        except (DataError, KeyError):
            folders = {path.name for path in (self.folder / "systems").glob("*")}
            files = (self.folder / "checkpoints").glob("train_system-*-*.pt")
            started = {file.stem.removeprefix("train_system-").rpartition("-")[0] for file in files}
            return sorted(folders | started)
        return list(audio_sheet["trained"] or audio_sheet["systems"])

    @cached_property
    def seeds(self) -> list[int]:
        """The training seeds of the configuration; without one, 0."""
        try:
            return list(self.config["seeds"])
        except (DataError, KeyError):
            return [0]

    @cached_property
    def trainings(self) -> list[Training]:
        """The training of every known system and seed, finished or not."""
        return trainings(self.folder, self._audio_sheet(), self.systems, self.seeds)

    def _audio_sheet(self) -> dict | None:
        try:
            return self.config["audio_sheet"]
        except (DataError, KeyError):
            return None

    @property
    def unfinished(self) -> list[Training]:
        """The trainings that have no model file, of systems that are asked for or begun."""
        return [one for one in self.trainings if not one.finished and (one.asked or one.begun)]

    @property
    def tested(self) -> bool:
        """Whether there are metrics."""
        return (self.folder / "system_metrics.parquet").is_file()

    @cached_property
    def results(self) -> SystemResults:
        """The metrics of all systems.

        Raises:
            DataError: they are missing.
        """
        path = self.folder / "system_metrics.parquet"
        if not path.is_file():
            raise DataError(f"{path}: missing; finish the run with snakemake")
        return SystemResults(read_table(path, SYSTEM_METRICS).to_pylist(), metadata_of(path))

    @cached_property
    def identified(self) -> PrintedTable:
        """The table of score identification.

        Raises:
            DataError: no system was looked at.
        """
        files = [self.folder / f"identify/{system}.parquet" for system in self.systems]
        found = [
            row
            for path in files
            if path.is_file()
            for row in read_table(path, IDENTIFICATION).to_pylist()
        ]
        if not found:
            raise DataError(f"{self.folder / 'identify'}: missing; finish the run with snakemake")
        return identification_table(found, self.systems)


def rejects_of(run: Run) -> Counter[tuple[str, str, str]]:
    """Return how many items were dropped, by (stage, level, reason).

    Args:
        run: a run; where its rejects are not joined yet, those of its jobs are counted.

    Raises:
        DataError: nothing was written about rejects.
    """
    path = run.folder / "rejects.parquet"
    if path.is_file():
        rows: Rows = run.rows(REJECTS)
    else:
        # Those of reading are in the file of the stage pieces, too.
        parts = sorted((run.folder / "rejects").glob("*.parquet"))
        parts = [part for part in parts if not part.name.startswith("ingest")]
        if not parts:
            raise DataError(f"{path}: missing; finish the run with snakemake")
        rows = [row for part in parts for row in read_table(part, REJECTS).to_pylist()]
    return Counter((row["stage"], row["level"], row["reason"]) for row in rows)
