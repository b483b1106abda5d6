"""Snakemake logger plugin `ugaar`: one line a finished job, live progress, the log of a failure.

Finished jobs give one line with their time and the share of the whole run that is done. Running
jobs are followed through the `progress` lines in their logs: on a terminal in a status line that
is rewritten in place, elsewhere in a plain line twice a minute.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass, field
from logging import LogRecord
from pathlib import Path

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from ugaar.report.job_progress import last_progress, spoken_duration, tail

FAILED_LOG_LINES = 20
TERMINAL_INTERVAL_S = 2.0
PLAIN_INTERVAL_S = 30.0


@dataclass
class RunningJob:
    """A job that has started and not ended."""

    name: str
    logs: list[str]
    start: float = field(default_factory=time.monotonic)


class LogHandler(LogHandlerBase):
    """Turns Snakemake's events into one line a finished job."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        """Start the thread that follows running jobs."""
        self._announced: dict[int, RunningJob] = {}
        self._running: dict[int, RunningJob] = {}
        self._finished: list[tuple[str, float]] = []
        self._total = 0
        self._start = time.monotonic()
        self._stream = sys.stderr
        self._is_terminal = self._stream.isatty() and not self.common_settings.dryrun
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._follower = threading.Thread(target=self._follow, daemon=True)
        if not self.common_settings.dryrun:
            self._follower.start()

    def emit(self, record: LogRecord) -> None:
        """Handle one event."""
        try:
            with self._lock:
                self._handle(record)
        except Exception:  # logging's own contract: a handler never raises into the program
            self.handleError(record)

    def close(self) -> None:
        """End the status line."""
        self._stop.set()
        if self._is_terminal:
            self._stream.write("\r\x1b[K")
        super().close()

    def _handle(self, record: LogRecord) -> None:
        event = getattr(record, "event", None)
        if event == LogEvent.RUN_INFO:
            self._total = sum(count for name, count in record.stats.items() if str(name) != "total")
            self._write(f"{self._total} jobs to run")
        elif event == LogEvent.JOB_INFO:
            marks = [str(value) for value in dict(record.wildcards or {}).values()]
            name = " ".join([record.rule_name, *marks])
            self._announced[record.jobid] = RunningJob(name, [str(path) for path in record.log])
            if self.common_settings.dryrun:
                self._write(f"would run {name} ({record.reason})")
        elif event == LogEvent.JOB_STARTED:
            for number in record.jobs if hasattr(record.jobs, "__iter__") else [record.jobs]:
                job = self._announced.get(number)
                if job:
                    self._running[number] = RunningJob(job.name, job.logs)
        elif event == LogEvent.JOB_FINISHED:
            job = self._running.pop(record.job_id, None) or self._announced.get(record.job_id)
            if job:
                self._finished.append((job.name, time.monotonic() - job.start))
        elif event == LogEvent.PROGRESS:
            self._total = record.total
            for name, seconds in self._finished:
                self._write(
                    f"{self._share(record.done, record.total)}  {name}  {spoken_duration(seconds)}"
                )
            self._finished.clear()
        elif event in (LogEvent.JOB_ERROR, LogEvent.GROUP_ERROR):
            self._failure(record)
        elif event == LogEvent.ERROR or record.levelname in ("ERROR", "CRITICAL", "WARNING"):
            text = record.getMessage()
            # The failed command is in the job's log, whose end is shown already.
            if text and not text.startswith(("None", "RuleException")):
                self._write(text)
        elif event is None and record.levelname == "INFO":
            text = record.getMessage()
            if text.startswith(("Nothing to be done", "Unlocking", "Report created")):
                self._write(text)

    def _share(self, done: int, total: int) -> str:
        return f"[{100 * done // max(total, 1):3d} %  {done}/{total}]"

    def _failure(self, record: LogRecord) -> None:
        number = getattr(record, "jobid", -1)
        self._running.pop(number, None)
        job = self._announced.get(number)
        self._write(f"FAILED  {job.name if job else getattr(record, 'rule_name', 'group')}")
        for path in getattr(record, "log", None) or []:
            file = str(path).split(" (")[0]
            lines = tail(Path(file), FAILED_LOG_LINES)
            self._write(f"  end of {file}:" if lines else f"  {file} is empty")
            for line in lines:
                self._write(f"    {line}")

    def _write(self, text: str) -> None:
        self._stream.write(("\r\x1b[K" if self._is_terminal else "") + text + "\n")
        self._stream.flush()

    def _status(self) -> str:
        parts = []
        for job in self._running.values():
            found = next((line for path in job.logs if (line := last_progress(Path(path)))), None)
            elapsed = spoken_duration(time.monotonic() - job.start)
            parts.append(f"{job.name} {found or elapsed}")
        return "running: " + "; ".join(parts)

    def _follow(self) -> None:
        interval = TERMINAL_INTERVAL_S if self._is_terminal else PLAIN_INTERVAL_S
        while not self._stop.wait(interval):
            with self._lock:
                if not self._running:
                    continue
                if self._is_terminal:
                    import shutil

                    width = shutil.get_terminal_size().columns - 1
                    self._stream.write("\r\x1b[K" + self._status()[:width])
                else:
                    self._stream.write(f"         {self._status()}\n")
                self._stream.flush()
