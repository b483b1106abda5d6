"""Print the data dictionary of every table: `ugaar dictionary > results/README.md`."""

from __future__ import annotations

import argparse
import sys

from ugaar.report.dictionary import dictionary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command takes no arguments."""


def run(arguments: argparse.Namespace) -> int:
    """Write the dictionary to standard output."""
    sys.stdout.write(dictionary())
    return 0
