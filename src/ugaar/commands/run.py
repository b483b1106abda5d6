"""Command `run`: the workflow with one line a finished job, then the report."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from ugaar.errors import UgaarError
from ugaar.report.job_progress import spoken_duration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options; further options go to Snakemake as they are."""
    parser.add_argument("--cores", default="all", help="processor cores to use (default: all)")
    parser.add_argument("--configfile", nargs="+", help="configuration laid over config.yaml")
    parser.add_argument("--no-report", action="store_true", help="leave report.html as it is")
    parser.add_argument(
        "snakemake", nargs="*", help="targets and, after --, further options for Snakemake"
    )


def _snakemake(options: list[str]) -> int:
    # Started as the interpreter's module: the environment need not be on PATH.
    return subprocess.call([sys.executable, "-m", "snakemake", *options])


def run(arguments: argparse.Namespace) -> int:
    """Run Snakemake with the `ugaar` logger and, where anything was made, write the report.

    Returns:
        Snakemake's exit status.

    Raises:
        UgaarError: there is no Snakefile in the current folder.
    """
    if not Path("Snakefile").is_file():
        raise UgaarError(f"{os.getcwd()}: no Snakefile here; start `ugaar run` in the project")
    shared = ["--cores", str(arguments.cores)]
    if arguments.configfile:
        shared += ["--configfile", *arguments.configfile]
    start = time.monotonic()
    # Jobs call `python`: that of this environment, also where it was not activated.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    status = _snakemake([*shared, "--logger", "ugaar", *arguments.snakemake])
    planned = {"-n", "--dry-run", "--dryrun", "--unlock"} & set(arguments.snakemake)
    if status or arguments.no_report or planned or arguments.snakemake:
        return status
    folder, protocols = _results(arguments.configfile or [])
    report = folder / "report.html"
    newest = max(file.stat().st_mtime for file in folder.glob("*/metrics.parquet"))
    if not report.is_file() or report.stat().st_mtime < newest:
        temporary = folder / ".report.html"
        status = _snakemake([*shared, "--report", str(temporary), "--quiet", "all"])
        if status:
            return status
        shutil.move(temporary, report)
    logging.info(
        "done in %s: tables in %s, report in %s",
        spoken_duration(time.monotonic() - start),
        ", ".join(str(folder / protocol / "tables") for protocol in protocols),
        report,
    )
    return 0


def _results(files: list[str]) -> tuple[Path, list[str]]:
    """Return the folder of the results and the protocols that have tables there."""
    from ugaar.settings import load

    config = load(["config.yaml", *files], "workflow/schemas/config.schema.yaml")
    return Path("results") / config["dataset"], config["protocols"]
