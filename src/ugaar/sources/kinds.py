"""Kinds of sources by name, and the sources that a configuration names."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ugaar.errors import ConfigError

Rows = list[dict[str, Any]]
Reader = Callable[[Mapping[str, Any], int, int], tuple[Rows, Rows]]
"""Function of the `source` section, a shard and their number: rows of songs and of rejects."""


@dataclass(frozen=True)
class Kind:
    """Where the reader of a kind lives, and whether it needs a path.

    Attributes:
        module: its module, imported only where the kind is used.
        function: its name there.
        content: what `source.path` names; empty where it names nothing.
    """

    module: str
    function: str
    content: str


# Imported by name, so that a stage's code digest covers the kinds that are used alone.
KINDS: Mapping[str, Kind] = {
    "music21": Kind("ugaar.sources.music21_corpus", "read_installed_corpus", ""),
    "midi": Kind("ugaar.sources.midi_folder", "read_folder", "the folder of your MIDI files"),
    "lmd-lyrics": Kind("ugaar.sources.lmd_lyrics", "read_collection", "its folder or zip archive"),
    "musicxml": Kind(
        "ugaar.sources.musicxml_folder", "read_scores", "the folder or zip of your scores"
    ),
}
"""Kinds that give songs: voices with lyrics, which every task can use."""

PIECE_KINDS: Mapping[str, Kind] = {
    "notes": Kind(
        "ugaar.sources.notes_folder", "read_pieces", "the folder or zip of your MIDI files"
    ),
    "tunes": Kind("ugaar.sources.music21_tunes", "read_pieces", ""),
}
"""Kinds that give pieces without lyrics, for the task audio-sheet alone."""

ALL_KINDS: Mapping[str, Kind] = {**KINDS, **PIECE_KINDS}


def sources_of(source: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the `source` sections that are read: the main one, then those of `also`.

    Args:
        source: the `source` section; each entry of its `also` lays a kind and a path over it.
    """
    return [dict(source), *({**source, **entry} for entry in source["also"])]


def load_reader(name: str) -> Reader:
    """Return the reader of a kind.

    Raises:
        ConfigError: there is no such kind.
    """
    if name not in KINDS:
        raise ConfigError(f"source.kind {name!r}: known kinds are {', '.join(KINDS)}")
    kind = KINDS[name]
    return getattr(importlib.import_module(kind.module), kind.function)


def load_piece_reader(name: str) -> Reader:
    """Return the reader of a kind that gives pieces: its rows are of the pieces table.

    Raises:
        ConfigError: there is no such kind, or it gives songs.
    """
    if name not in PIECE_KINDS:
        raise ConfigError(
            f"source.kind {name!r}: kinds that give pieces are {', '.join(PIECE_KINDS)}; the other "
            "kinds give songs (stage ingest), which the stage pieces takes, too"
        )
    kind = PIECE_KINDS[name]
    return getattr(importlib.import_module(kind.module), kind.function)
