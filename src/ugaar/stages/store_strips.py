"""Stage store-strips: the strips of whole pieces as one array on disk, at half resolution."""

from __future__ import annotations

import argparse

from ugaar.features.media_store import write_store
from ugaar.features.piece_media import add_arguments as add_files
from ugaar.features.piece_media import keys_of_pieces, strip_layout, strips
from ugaar.settings import Settings
from ugaar.snippet_tables import STRIP_INDEX

SETTINGS: tuple[str, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files of the stage."""
    add_files(parser, "sheet")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Write the array and its index."""
    layout = strip_layout(arguments.sheet, keys_of_pieces(arguments, "sheet_key"))
    media = strips(arguments.sheet, layout)
    write_store(arguments.out, arguments.index_out, STRIP_INDEX, layout, media, {})
