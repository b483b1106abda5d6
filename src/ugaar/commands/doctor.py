"""`ugaar doctor`: is everything here that the workflow needs, and what to do where it is not."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from ugaar.errors import ConfigError, ToolError
from ugaar.render import external
from ugaar.render.soundfont import open_soundfont

MIN_PYTHON = (3, 11)
MIN_FREE_GB = 5.0
"""Audio, sheets, features and models of the default run take about 2 GB."""

PACKAGES = (
    "snakemake",
    "numpy",
    "scipy",
    "pyarrow",
    "torch",
    "music21",
    "pretty_midi",
    "mido",
    "soundfile",
    "pillow",
    "gensim",
    "matplotlib",
    "PyYAML",
    "jsonschema",
)
PACKAGES_REMEDY = "run `make setup`, or pip install -r envs/requirements.txt"
SECOND_SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
SECOND_SOUNDFONT_PACKAGE = "fluid-soundfont-gm"
VEROVIO_REMEDY = "pip install -r envs/requirements-verovio.txt"


@dataclass(frozen=True)
class Finding:
    """One checked thing.

    Attributes:
        name: what was checked.
        status: ok, missing, or note (worth knowing, nothing to do).
        found: version or state.
        remedy: what to do, empty where nothing is needed.
    """

    name: str
    status: str
    found: str
    remedy: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    parser.add_argument(
        "--config",
        default="config.yaml",
        help="configuration with audio.soundfont and sheet.renderer",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print all findings; return 1 when something needed is missing."""
    config = Path(arguments.config)
    findings = check(
        _configured(config, "audio", "soundfont"), _configured(config, "sheet", "renderer")
    )
    if arguments.json:
        sys.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=2) + "\n")
    else:
        sys.stdout.write(as_lines(findings))
    return int(any(finding.status == "missing" for finding in findings))


def check(soundfont: str | None, renderer: str | None = None) -> list[Finding]:
    """Check programs, soundfont, Python packages, GPU and disk.

    Args:
        soundfont: path of the SF2 file; the one inside pretty_midi where None.
        renderer: engraver of the strips; LilyPond where None.
    """
    verovio = renderer == "verovio"
    engraver = () if verovio else (external.LILYPOND, external.GHOSTSCRIPT)
    programs = (external.TIMIDITY, *engraver)
    return [
        _python(),
        *(_attempt(program.name, partial(external.version, program)) for program in programs),
        _attempt("soundfont", partial(_soundfont, soundfont)),
        _second_soundfont(SECOND_SOUNDFONT),
        *(_package(name) for name in PACKAGES),
        *([_package("verovio", VEROVIO_REMEDY)] if verovio else []),
        _gpu(),
        _disk("disk", Path.cwd()),
        _disk("temporary disk", Path(tempfile.gettempdir())),
    ]


def as_lines(findings: list[Finding]) -> str:
    """Return findings as aligned lines, remedies below what they mend, and a verdict."""
    name_width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{finding.status:<8}{finding.name:<{name_width + 2}}{finding.found}")
        if finding.remedy:
            lines.append(" " * (name_width + 10) + "-> " + finding.remedy)
    missing = [finding.name for finding in findings if finding.status == "missing"]
    lines.append(f"missing: {', '.join(missing)}" if missing else "everything needed is here")
    return "\n".join(lines) + "\n"


def _configured(config: Path, section: str, key: str) -> str | None:
    if not config.exists():
        return None
    from ugaar.settings import load_yaml

    try:
        return (load_yaml(config).get(section) or {}).get(key)
    except ConfigError:
        # A broken configuration is reported by the workflow itself, with more detail.
        return None


def _attempt(name: str, probe: Callable[[], str]) -> Finding:
    try:
        return Finding(name, "ok", probe())
    except ToolError as error:
        found, _, remedy = str(error).rpartition("; ")
        return Finding(name, "missing", found, remedy)


def _soundfont(path: str | None) -> str:
    font = open_soundfont(path)
    return f"{font.path} (SF2 {font.version}, sha256 {font.sha256[:12]})"


def _second_soundfont(path: Path) -> Finding:
    """Find the soundfont that only audio-sheet conditions with another sound need."""
    if path.is_file():
        return Finding("2nd soundfont", "ok", str(path))
    return Finding(
        "2nd soundfont",
        "note",
        f"no {path.name}; only unseen sounds of the task audio-sheet need it: "
        f"apt-get install {SECOND_SOUNDFONT_PACKAGE} (142 MB)",
    )


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < MIN_PYTHON:
        return Finding("Python", "missing", found, "install Python 3.11 or newer")
    return Finding("Python", "ok", found)


def _package(name: str, remedy: str = PACKAGES_REMEDY) -> Finding:
    try:
        return Finding(name, "ok", importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, "missing", "not installed", remedy)


def _gpu() -> Finding:
    try:
        import torch
    except ImportError as error:
        return Finding("GPU", "missing", f"torch does not load ({error})", PACKAGES_REMEDY)
    if torch.cuda.is_available():
        return Finding("GPU", "ok", torch.cuda.get_device_name(0))
    return Finding("GPU", "note", "none; networks are trained on the CPU")


def _disk(name: str, folder: Path) -> Finding:
    free_gb = shutil.disk_usage(folder).free / 1e9
    found = f"{free_gb:.1f} GB free at {folder}"
    if free_gb < MIN_FREE_GB:
        return Finding(name, "missing", found, f"free at least {MIN_FREE_GB:.0f} GB")
    return Finding(name, "ok", found)
