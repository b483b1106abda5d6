"""`ugaar data`: which data and weights a configuration needs, whether they are here and right."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ugaar.errors import ConfigError, UgaarError
from ugaar.settings import load
from ugaar.sources.fetch import difference, fetch
from ugaar.sources.fetch_mirror import existing_mirror
from ugaar.sources.fetch_table import Source, read_sources, resource_path
from ugaar.sources.needed import needed_sources

DEFAULTS = "config.yaml"
SCHEMA = "workflow/schemas/config.schema.yaml"
HEADER = ("source", "state", "needed", "size", "licence", "file")


@dataclass(frozen=True)
class Finding:
    """The state of one source.

    Attributes:
        source: its row in the table of sources.
        needed: whether the configuration needs it.
        state: present (and right), missing or changed.
        detail: in what it differs, empty where it does not.
    """

    source: Source
    needed: bool
    state: str
    detail: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "action",
        choices=("list", "fetch", "verify"),
        help="list: show all sources; fetch: get those needed; verify: check those needed, and "
        "exit with 1 where one is missing or changed",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="these sources instead")
    parser.add_argument(
        "--config",
        nargs="+",
        default=[],
        metavar="FILE",
        help=f"configuration files, laid over {DEFAULTS} in this order",
    )
    parser.add_argument("--sources", type=Path, default=Path("config/sources.tsv"))


def run(arguments: argparse.Namespace) -> int:
    """Print a table of the sources; return 1 where a fetched or verified one is not right."""
    sources = read_sources(arguments.sources)
    unknown = [name for name in arguments.names if name not in sources]
    if unknown:
        raise ConfigError(
            f"{arguments.sources}: no source named {unknown[0]!r}; it has {', '.join(sources)}"
        )
    config = load([DEFAULTS, *arguments.config], SCHEMA)
    needed = needed_sources(config, sources)
    chosen = arguments.names or (list(sources) if arguments.action == "list" else needed)
    if arguments.action == "fetch":
        _fetch_all([sources[name] for name in chosen], existing_mirror(config), sources)
    expected = needed if arguments.action == "list" else chosen
    findings = [inspect(sources[name], name in needed) for name in chosen]
    wrong = [
        finding
        for finding in findings
        if finding.source.name in expected and finding.state != "present"
    ]
    sys.stdout.write(as_lines(findings, wrong))
    return int(bool(wrong) and arguments.action != "list")


def inspect(source: Source, needed: bool) -> Finding:
    """Find out whether a source is where the workflow keeps it, and right."""
    path = Path(resource_path(source))
    if not path.is_file():
        return Finding(source, needed, "missing")
    wrong = difference(source, path)
    return Finding(source, needed, "changed" if wrong else "present", wrong or "")


def _fetch_all(
    chosen: Iterable[Source], mirror: Path | None, sources: Mapping[str, Source]
) -> None:
    for source in chosen:
        try:
            fetch(source, Path(resource_path(source)), mirror, sources)
        except UgaarError as error:
            # One source that cannot be had is no reason to go without the others.
            logging.error("%s: %s", source.name, error)


def as_lines(findings: Sequence[Finding], wrong: Sequence[Finding]) -> str:
    """Return an aligned table, what to cite, and what to do.

    Args:
        findings: all sources to show.
        wrong: those that should be here but are not, or are changed.
    """
    if not findings:
        return "this configuration needs nothing that is fetched\n"
    rows = [HEADER, *(_row(finding) for finding in findings)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = []
    for row, finding in zip(rows, [None, *findings], strict=True):
        cells = [
            cell.rjust(width) if name == "size" else cell.ljust(width)
            for name, cell, width in zip(HEADER, row, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
        if finding and finding.detail:
            lines.append(f"  -> {finding.detail}")
    return "\n".join([*lines, "", *_citations(findings), "", _verdict(wrong)]) + "\n"


def _row(finding: Finding) -> tuple[str, ...]:
    source = finding.source
    return (
        source.name,
        finding.state,
        "yes" if finding.needed else "no",
        f"{source.n_bytes / 1e6:.1f} MB" if source.n_bytes else "unknown",
        source.licence or "none stated",
        resource_path(source),
    )


def _citations(findings: Iterable[Finding]) -> list[str]:
    """Return one line a publication, with the sources that it belongs to."""
    names: dict[str, list[str]] = {}
    for finding in findings:
        if finding.source.cite:
            names.setdefault(finding.source.cite, []).append(finding.source.name)
    return ["cite", *(f"  {', '.join(of)}: {cite}" for cite, of in names.items())]


def _verdict(wrong: Sequence[Finding]) -> str:
    if not wrong:
        return "everything needed is here"
    states = ", ".join(f"{finding.source.name} ({finding.state})" for finding in wrong)
    return (
        f"not here: {states}\n"
        "-> get it with `ugaar data fetch`, the same names and the same --config; where there is "
        "no internet, set config key mirror or UGAAR_MIRROR"
    )
