"""Get one file named in the table of sources."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ugaar.errors import ConfigError
from ugaar.sources.fetch import fetch
from ugaar.sources.fetch_mirror import existing_mirror
from ugaar.sources.fetch_table import read_sources

SETTINGS: tuple[str, ...] = ("mirror",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--name", required=True, help="name in the table of sources")
    parser.add_argument("--sources", required=True, type=Path, help="table of sources")
    parser.add_argument("--out", required=True, type=Path)


def run(arguments: argparse.Namespace, settings: Mapping[str, Any]) -> None:
    """Fetch the file and check it."""
    sources = read_sources(arguments.sources)
    if arguments.name not in sources:
        raise ConfigError(
            f"{arguments.sources}: no source named {arguments.name!r}; it has {', '.join(sources)}"
        )
    fetch(sources[arguments.name], arguments.out, existing_mirror(settings), sources)
