"""Songs and rejects of one shard of the music21 corpus."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ugaar.progress import Progress
from ugaar.score.rejects import reject
from ugaar.sources.music21_files import corpus_files, corpus_root
from ugaar.sources.musicxml_bytes import UnusableScoreError
from ugaar.sources.musicxml_songs import songs_in
from ugaar.sources.songs import shard_of

Rows = list[dict[str, Any]]


def read_installed_corpus(source: Mapping[str, Any], shard: int, shards: int) -> tuple[Rows, Rows]:
    """Read one shard of the scores inside the installed music21 package; see `read_corpus`."""
    return read_corpus(corpus_root(), source, shard, shards)


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
        try:
            songs += _read(root, path, settings)
        except UnusableScoreError as error:
            if error.reason != "no-lyrics":
                logging.warning("%s: %s", path, error)
            rejects.append(reject("ingest", "file", path, path, error.reason, error.detail))
        progress.step()
    return songs, rejects


def _read(root: Path, path: str, settings: Mapping[str, Any]) -> Rows:
    try:
        data = (root / path).read_bytes()
    except OSError as error:
        detail = f"{type(error).__name__}: {error}"
        raise UnusableScoreError("unreadable-score", detail) from error
    collection = path.split("/")[0]
    return songs_in(data, "music21", collection, path, settings, as_published=True)
