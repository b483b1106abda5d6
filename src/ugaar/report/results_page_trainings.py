"""How far the trainings of audio-sheet systems are: finished ones, and those with a checkpoint."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from ugaar.errors import ConfigError, DataError
from ugaar.parquet_files import read_table
from ugaar.progress import PATTERN
from ugaar.report.stage_costs import BENCHMARKS
from ugaar.systems import plan_system
from ugaar.tables import HISTORY

_DAY_S = 86400
_TIME = re.compile(r"^(\d\d):(\d\d):(\d\d) ")
_STARTED = re.compile(r"\d+ training and \d+ validation pairs")
_RESUMED = re.compile(r"resumed at step (\d+)")


@dataclass(frozen=True)
class Training:
    """The training of one system with one seed.

    Attributes:
        system: its name in the configuration.
        seed: of the training.
        asked: whether the run asks for the system (audio_sheet.trained).
        finished: whether there is a model file.
        begun: whether a job, a checkpoint or a model file shows that it began.
        step: steps done: those that the model or the checkpoint has.
        steps: steps planned, None where nothing says so.
        batch_size: pairs in a batch, None where nothing says so.
        step_s: seconds a step, validations included, of the last job; None where not measured.
        rows: its history so far, rows of the history table.
    """

    system: str
    seed: int
    asked: bool
    finished: bool
    begun: bool
    step: int
    steps: int | None
    batch_size: int | None
    step_s: float | None
    rows: Sequence[Mapping[str, Any]] = field(repr=False)

    @property
    def pairs_per_s(self) -> float | None:
        """Pairs trained on a second."""
        if self.step_s is None or self.batch_size is None:
            return None
        return self.batch_size / self.step_s

    @property
    def left_s(self) -> float | None:
        """Seconds that the steps left would take at the measured rate."""
        if self.step_s is None or self.steps is None:
            return None
        return max(0, self.steps - self.step) * self.step_s

    def best(self) -> tuple[float, int] | None:
        """Return the highest validation MRR, mean of both directions, and its step."""
        found: dict[int, list[float]] = {}
        for row in self.rows:
            if row["phase"] == "valid" and row["metric"].startswith("MRR"):
                found.setdefault(row["epoch"], []).append(row["value"])
        means = [(sum(values) / len(values), -step) for step, values in found.items()]
        if not means:
            return None
        value, step = max(means)
        return value, -step


@dataclass(frozen=True)
class _Log:
    """What the log of the last job shows.

    Attributes:
        steps_run: steps of that job.
        seconds: what they took.
        planned: steps of the whole training.
        resumed: whether the job went on from a checkpoint.
    """

    steps_run: int
    seconds: float
    planned: int | None
    resumed: bool


def trainings(
    folder: Path,
    audio_sheet: Mapping[str, Any] | None,
    asked: Sequence[str],
    seeds: Sequence[int],
) -> list[Training]:
    """Return the trainings of a run, those of systems that it did not ask for at the end.

    Args:
        folder: results/<dataset>.
        audio_sheet: that section of the run's configuration, None where it is not known.
        asked: the systems that the run asks for.
        seeds: of the trainings.

    Raises:
        DataError: a history or a checkpoint is not readable.
    """
    others = [] if audio_sheet is None else [n for n in audio_sheet["systems"] if n not in asked]
    return [
        _training(folder, audio_sheet, name, seed, name in asked)
        for name in (*asked, *others)
        for seed in seeds
    ]


def _training(
    folder: Path, audio_sheet: Mapping[str, Any] | None, system: str, seed: int, asked: bool
) -> Training:
    own = folder / "systems" / system / f"seed-{seed}"
    finished = (own / "model.pt").is_file() and (own / "history.parquet").is_file()
    log = read_log(folder.parent.parent / f"logs/{folder.name}/train_system/{system}-{seed}.log")
    plan = _plan(audio_sheet, system)
    checkpoint = folder / f"checkpoints/train_system-{system}-{seed}.pt"
    rows: Sequence[Mapping[str, Any]] = []
    step = 0
    if finished:
        rows = read_table(own / "history.parquet", HISTORY).to_pylist()
        step = max((row["epoch"] for row in rows), default=0)
    elif checkpoint.is_file():
        step, plan, rows = _unfinished(checkpoint, system, seed)
    steps = step if finished else plan.get("steps", log.planned if log else None)
    return Training(
        system,
        seed,
        asked,
        finished,
        finished or log is not None or checkpoint.is_file(),
        step,
        steps,
        plan.get("batch_size"),
        seconds_per_step(folder, system, seed, log, step if finished else 0),
        rows,
    )


def _plan(audio_sheet: Mapping[str, Any] | None, system: str) -> dict[str, Any]:
    if audio_sheet is None:
        return {}
    try:
        return plan_system(audio_sheet, system).training
    except (ConfigError, KeyError):  # a module that there is no more
        return {}


def _unfinished(
    path: Path, system: str, seed: int
) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    """Return the step of a checkpoint, the plan of its training and the history so far."""
    from ugaar.train.checkpoint import load_file

    content = load_file(path)
    try:
        state, identity = content["state"], content["identity"]
        rows = [
            {"method": system, "seed": seed, "phase": phase, "epoch": step}
            | {"metric": metric, "value": value}
            for phase, step, metric, value in state["history"]
        ]
        plan = {name: identity[f"plan.{name}"] for name in ("steps", "batch_size")}
        return state["step"], plan, rows
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: not a checkpoint of train-system ({error})") from error


def seconds_per_step(
    folder: Path, system: str, seed: int, log: _Log | None, steps: int
) -> float | None:
    """Return seconds a step: by the job's log, else by its benchmark and all its steps."""
    if log is not None and log.steps_run and log.seconds:
        return log.seconds / log.steps_run
    if log is not None and log.resumed:
        return None  # its benchmark is not of all its steps
    path = folder / BENCHMARKS / "train_system" / f"{system}-{seed}.tsv"
    if not steps or not path.is_file():
        return None
    with path.open(newline="", encoding="utf-8") as opened:
        found = [float(row["s"]) for row in csv.DictReader(opened, delimiter="\t")]
    return found[-1] / steps if found else None


def read_log(path: Path) -> _Log | None:
    """Return what the log of a train-system job shows, None where there is no such log.

    Args:
        path: the log; its lines begin with the time of day.
    """
    if not path.is_file():
        return None
    events = list(_events(path.read_text(encoding="utf-8", errors="replace")))
    if not events:
        return _Log(0, 0.0, None, resumed=False)
    # Midnight lies between a time and a smaller one after it.
    seconds = sum((later - earlier) % _DAY_S for (earlier, *_), (later, *_) in pairwise(events))
    planned = next((total for *_, total in reversed(events) if total), None)
    first = _first_step(events)
    return _Log(events[-1][1] - first, float(seconds), planned, resumed=first > 0)


def _first_step(events: Sequence[tuple[int, int, int | None]]) -> int:
    """Return the step that the job began at: that before its first progress."""
    before = [step for _, step, total in events if total is None]
    return before[-1] if before else events[0][1]


def _events(text: str) -> Iterator[tuple[int, int, int | None]]:
    """Yield (time of day in seconds, step, steps planned): start, resumption, progress lines."""
    for line in text.splitlines():
        stamp = _TIME.match(line)
        if stamp is None:
            continue
        hours, minutes, seconds = map(int, stamp.groups())
        now = 3600 * hours + 60 * minutes + seconds
        if _STARTED.search(line):
            yield now, 0, None
        elif found := _RESUMED.search(line):
            yield now, int(found[1]), None
        elif found := PATTERN.search(line):
            yield now, int(found[1]), int(found[2])
