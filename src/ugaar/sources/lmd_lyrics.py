"""Songs and rejects of one shard of the lyrics-melody collection, or of songs in its format.

Source: github.com/yy1lab/Lyrics-Conditioned-Neural-Melody-Generation, syllable level (MIT
licence), the collection that the paper's data were made from.
"""

from __future__ import annotations

import json
import logging
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ugaar.errors import DataError
from ugaar.progress import Progress
from ugaar.score.lyrics import Fragment, fragment, syllables_and_words
from ugaar.score.rejects import reject
from ugaar.sources.archive import Files, UnsafeMemberError
from ugaar.sources.language import language_of
from ugaar.sources.npy_song import LARGEST_FILE, NpySong, UnusableSongError, parse
from ugaar.sources.song_names import artist_and_title
from ugaar.sources.songs import Grid, Origin, shard_of, song_id

KIND = "lmd-lyrics"
SUFFIX = ".npy"
PUBLISHED_FOLDER = "lmd-full_MIDI_dataset/Syllable_Parsing/"
NAMES_FILE = "listSongJSON.json"
UNREADABLE = (OSError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error)
"""By these the zip reader and the disk report a damaged file."""

Rows = list[dict[str, Any]]


def read_collection(source: Mapping[str, Any], shard: int, shards: int) -> tuple[Rows, Rows]:
    """Read the songs of one shard.

    Args:
        source: the `source` section of the configuration; `path` is a folder or a zip archive.
            Where it holds the published sub-folder, only the songs in that are read, and their
            names count from it; else every .npy file at any depth.
        shard: number of the shard, from 0.
        shards: number of shards.

    Returns:
        Rows of songs and of rejects; a file that cannot be used is a reject, never an error.

    Raises:
        ConfigError: there is no such folder or archive.
        DataError: the archive is damaged, or holds no .npy file.
    """
    songs: Rows = []
    rejects: Rows = []
    with Files(Path(source["path"]), (SUFFIX, NAMES_FILE.lower())) as files:
        found = song_files(files.names)
        if not found:
            raise DataError(f"source.path: {source['path']} holds no {SUFFIX} file")
        originals = original_names(files)
        chosen = {path: names for path, names in found.items() if shard_of(path, shards) == shard}
        progress = Progress(len(chosen))
        for path, names in chosen.items():
            try:
                song = _read(files, names)
                songs.append(row_of(song, path, originals.get(PurePosixPath(path).stem, "")))
            except UnusableSongError as error:
                rejects.append(reject("ingest", "file", path, path, error.reason, error.detail))
            progress.step()
    return songs, rejects


def _read(files: Files, names: Sequence[str]) -> NpySong:
    if len(names) > 1 or names[0] in files.repeated:
        detail = f"several files have this place in the collection: {', '.join(names)}"
        raise UnusableSongError("duplicate-name", detail)
    try:
        return parse(files.read(names[0], LARGEST_FILE))
    except UnsafeMemberError as error:
        raise UnusableSongError("unsafe-file", str(error)) from error
    except UNREADABLE as error:
        detail = f"{type(error).__name__}: {error}"
        raise UnusableSongError("unreadable-file", detail) from error


def song_files(names: Iterable[str]) -> dict[str, list[str]]:
    """Return path of a song -> names of the files that have it, one unless names collide.

    Paths of published songs begin with the published folder, wherever that lies: a fetched
    folder, a zip of it and a zip of the whole repository give the same songs the same ids.
    """
    names = [name for name in names if name.lower().endswith(SUFFIX)]
    published = [name for name in names if f"/{PUBLISHED_FOLDER}" in f"/{name}"]
    found: dict[str, list[str]] = {}
    for name in published or names:
        path = name[f"/{name}".find(f"/{PUBLISHED_FOLDER}") :] if published else name
        found.setdefault(path, []).append(name)
    return found


def original_names(files: Files) -> dict[str, str]:
    """Return name of a song (an md5) -> original MIDI file, empty where there is no such list."""
    for name in files.names:
        if PurePosixPath(name).name != NAMES_FILE:
            continue
        try:
            found = json.loads(files.read(name))
        except (UnsafeMemberError, *UNREADABLE, ValueError, RecursionError) as error:
            logging.warning("%s: not read, so titles stay empty (%s)", name, error)
            return {}
        if isinstance(found, dict):
            return {key: value for key, value in found.items() if isinstance(value, str)}
        logging.warning("%s: no object of names, so titles stay empty", name)
    return {}


def row_of(song: NpySong, path: str, original: str) -> dict[str, Any]:
    """Return the row of the songs table.

    The collection has no bars, time or key signatures. Notated times are its own beats, taken as
    quarter notes as in the code published with it; they are coarser than the performance.

    Args:
        song: the notes.
        path: path inside the collection.
        original: name of the MIDI file that the song was made from, or empty.
    """
    artist, title = artist_and_title(original)
    syllables, words = underlay(song.text)
    onset_tick, duration_tick = song.ticks()
    origin = Origin(
        source=KIND,
        collection=path.split("/")[0] if "/" in path else ".",
        path=path,
        part="",
        title=title,
        composer=artist,
        language=language_of(words),
        verse="1",
        encoding="latin-1",
        timing="notated",
        tempo_source="midi",
    )
    return {
        "song_id": song_id(KIND, path, ""),
        **vars(origin),
        "n_notes": len(song.text),
        "pitch": song.pitch.tolist(),
        "onset_s": song.onset_s().tolist(),
        "duration_s": song.length_s.tolist(),
        "onset_tick": onset_tick.tolist(),
        "duration_tick": duration_tick.tolist(),
        "text": song.text,
        "syllable": syllables,
        "word": words,
        **vars(Grid()),
    }


def underlay(texts: list[str]) -> tuple[list[str], list[str]]:
    """Return normalised syllables and words.

    Text that normalises to nothing (`??`, `2`) stays as it is, in lower case: it is a syllable of
    the collection, which keeps its notes.
    """
    fragments = [(fragment(text, None) or Fragment(text, True, True),) for text in texts]
    syllables, words = syllables_and_words(fragments)
    return (
        [found or text.lower() for found, text in zip(syllables, texts, strict=True)],
        [found or text.lower() for found, text in zip(words, texts, strict=True)],
    )
