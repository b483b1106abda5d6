"""Songs and rejects of one shard of the music21 corpus."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ugaar.progress import Progress
from ugaar.score.rejects import reject
from ugaar.sources.music21_files import (
    corpus_files,
    holds_lyrics,
    holds_transpositions,
    score_bytes,
    text_encoding,
)
from ugaar.sources.songs import shard_of

Rows = list[dict[str, Any]]


def read_corpus(
    root: Path, settings: Mapping[str, Any], shard: int, shards: int
) -> tuple[Rows, Rows]:
    """Read the files of one shard.

    Args:
        root: folder of scores.
        settings: the `source` section of the configuration.
        shard: number of the shard, from 0.
        shards: number of shards.

    Returns:
        Rows of songs and of rejects; a file that cannot be read is a reject, never an error.
    """
    paths = [
        path for path in corpus_files(root, settings["include"]) if shard_of(path, shards) == shard
    ]
    songs: Rows = []
    rejects: Rows = []
    progress = Progress(len(paths))
    for path in paths:
        found, reason, detail = _read(root, path, settings)
        songs.extend(found)
        if reason:
            rejects.append(reject("ingest", "file", path, path, reason, detail))
        progress.step()
    return songs, rejects


def _read(root: Path, path: str, settings: Mapping[str, Any]) -> tuple[Rows, str, str]:
    try:
        data = score_bytes(root / path)
    except (OSError, zipfile.BadZipFile) as error:
        return [], "unreadable-score", f"{type(error).__name__}: {error}"
    if not holds_lyrics(data):
        return [], "no-lyrics", "no lyric element in the file"
    from ugaar.sources.music21_scores import parse, songs_of

    try:
        score = parse(root / path)
        songs = songs_of(
            score, path, text_encoding(data), settings, transposing=holds_transpositions(data)
        )
    except _parse_errors() as error:
        logging.warning("%s: %s: %s", path, type(error).__name__, error)
        return [], "unreadable-score", f"{type(error).__name__}: {error}"
    if not songs:
        return [], "no-lyrics", f"no syllables of verse {settings['verse']!r} on notes"
    return songs, "", ""


def _parse_errors() -> tuple[type[Exception], ...]:
    """The exceptions by which music21 reports a score that it cannot read; it checks little."""
    from xml.etree.ElementTree import ParseError

    from music21.exceptions21 import Music21Exception

    malformed = (ValueError, TypeError, KeyError, IndexError, AttributeError)
    return (Music21Exception, ParseError, *malformed)
