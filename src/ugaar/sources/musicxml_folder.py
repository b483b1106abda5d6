"""Songs and rejects of one shard of a folder, or a zip archive, of MusicXML files."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from os.path import commonpath
from pathlib import Path, PurePosixPath
from typing import Any

from ugaar.progress import Progress
from ugaar.score.rejects import reject
from ugaar.sources.archive import UNREADABLE, Files, UnsafeMemberError
from ugaar.sources.musicxml_bytes import SUFFIXES, UnusableScoreError
from ugaar.sources.musicxml_songs import songs_in
from ugaar.sources.songs import shard_of

KIND = "musicxml"
Rows = list[dict[str, Any]]


def read_scores(source: Mapping[str, Any], shard: int, shards: int) -> tuple[Rows, Rows]:
    """Read the files of one shard.

    Args:
        source: the `source` section of the configuration; `path` is a folder or a zip archive.
        shard: number of the shard, from 0.
        shards: number of shards.

    Returns:
        Rows of songs and of rejects; a file that cannot be used is a reject, never an error.

    Raises:
        ConfigError: there is no such folder or archive.
        DataError: the archive is damaged, or holds no MusicXML file.
    """
    songs: Rows = []
    rejects: Rows = []
    with Files(Path(source["path"]), SUFFIXES) as files:
        shared = shared_folder(files.names)
        chosen = [
            name
            for name in files.names
            if shard_of(name, shards) == shard
            and (not source["include"] or any(text in name for text in source["include"]))
        ]
        progress = Progress(len(chosen))
        for name in chosen:
            try:
                songs += _read(files, name, collection_of(name, shared), source)
            except UnusableScoreError as error:
                logging.info("%s: %s", name, error)
                rejects.append(reject("ingest", "file", name, name, error.reason, error.detail))
            progress.step()
    return songs, rejects


def _read(files: Files, name: str, collection: str, source: Mapping[str, Any]) -> Rows:
    try:
        data = files.read(name)
    except UnsafeMemberError as error:
        raise UnusableScoreError("unsafe-file", str(error)) from error
    except UNREADABLE as error:
        detail = f"{type(error).__name__}: {error}"
        raise UnusableScoreError("unreadable-score", detail) from error
    return songs_in(data, KIND, collection, name, source, as_published=False)


def shared_folder(names: Sequence[str]) -> str:
    """Return the deepest folder that holds all files, empty where that is the root."""
    return commonpath([str(PurePosixPath(name).parent) for name in names]) if names else ""


def collection_of(name: str, shared: str) -> str:
    """Return the first folder of a file below the one that all files share, or `.`.

    So `scores/Schubert,_Franz/Winterreise/1_Gute_Nacht/lc.mxl` is of `Schubert,_Franz`: a
    composer's songs share a style, and the split spreads them over the folds.
    """
    below = PurePosixPath(name).relative_to(shared) if shared else PurePosixPath(name)
    return below.parts[0] if len(below.parts) > 1 else "."
