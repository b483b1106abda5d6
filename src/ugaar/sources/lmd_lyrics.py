"""Songs and rejects of one shard of the lyrics-melody collection, or of songs in its format.

Source: github.com/yy1lab/Lyrics-Conditioned-Neural-Melody-Generation, syllable level (MIT
licence), the collection that the paper's data were made from.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ugaar.errors import DataError
from ugaar.features import skipgram_published
from ugaar.progress import Progress
from ugaar.score.lyrics import normalise
from ugaar.score.rejects import reject
from ugaar.score.words import WordList, join_syllables
from ugaar.sources.archive import UNREADABLE, Files, UnsafeMemberError
from ugaar.sources.language import language_of
from ugaar.sources.npy_song import LARGEST_FILE, NpySong, parse
from ugaar.sources.song_names import artist_and_title
from ugaar.sources.songs import Grid, Origin, shard_of, song_id
from ugaar.sources.unusable import UnusableFileError

KIND = "lmd-lyrics"
SUFFIX = ".npy"
PUBLISHED_FOLDER = "lmd-full_MIDI_dataset/Syllable_Parsing/"
NAMES_FILE = "listSongJSON.json"
WORD_MODEL = "wordLevelEncoder_skipgram_2019_05_22_10_dim.bin"

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
    with Files(Path(source["path"]), (SUFFIX, NAMES_FILE.lower(), WORD_MODEL.lower())) as files:
        found = song_files(files.names)
        if not found:
            raise DataError(f"source.path: {source['path']} holds no {SUFFIX} file")
        originals = original_names(files)
        known = known_words(files, source["lmd_lyrics"]["word_model"])
        chosen = {path: names for path, names in found.items() if shard_of(path, shards) == shard}
        progress = Progress(len(chosen))
        for path, names in chosen.items():
            try:
                song = _read(files, names)
                original = originals.get(PurePosixPath(path).stem, "")
                songs.append(row_of(song, path, original, known))
            except UnusableFileError as error:
                rejects.append(reject("ingest", "file", path, path, error.reason, error.detail))
            progress.step()
    return songs, rejects


def _read(files: Files, names: Sequence[str]) -> NpySong:
    if len(names) > 1 or names[0] in files.repeated:
        detail = f"several files have this place in the collection: {', '.join(names)}"
        raise UnusableFileError("duplicate-name", detail)
    try:
        return parse(files.read(names[0], LARGEST_FILE))
    except UnsafeMemberError as error:
        raise UnusableFileError("unsafe-file", str(error)) from error
    except UNREADABLE as error:
        detail = f"{type(error).__name__}: {error}"
        raise UnusableFileError("unreadable-file", detail) from error


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


def known_words(files: Files, word_model: str | None) -> WordList | None:
    """Return the vocabulary of the collection's word model.

    Args:
        files: the collection, which may hold the model.
        word_model: the model's file; None = the one in the collection.

    Returns:
        The words, or None where the collection has no model and none is named.

    Raises:
        DataError: the model is missing or no such model.
    """
    if word_model is not None:
        model = skipgram_published.load(Path(word_model))
        return WordList(zip(model.tokens, model.counts, strict=True))
    for name in files.names:
        if PurePosixPath(name).name == WORD_MODEL:
            try:
                model = skipgram_published.load(io.BytesIO(files.read(name)))
            except (UnsafeMemberError, *UNREADABLE) as error:
                raise DataError(f"{name}: cannot be read ({error}); get it again") from error
            return WordList(zip(model.tokens, model.counts, strict=True))
    logging.warning("no %s: each syllable is taken for a word", WORD_MODEL)
    return None


def row_of(
    song: NpySong, path: str, original: str, known: WordList | None = None
) -> dict[str, Any]:
    """Return the row of the songs table.

    The collection has no bars, time or key signatures. Notated times are its own beats, taken as
    quarter notes as in the code published with it; they are coarser than the performance.

    Args:
        song: the notes.
        path: path inside the collection.
        original: name of the MIDI file that the song was made from, or empty.
        known: words to join the syllables to; None = hyphens alone join them.
    """
    artist, title = artist_and_title(original)
    syllables, words = underlay(song.text, known)
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


def underlay(texts: list[str], known: WordList | None) -> tuple[list[str], list[str]]:
    """Return the normalised syllables, and the words that they belong to.

    Text that normalises to nothing (`??`, `2`) stays as it is, in lower case: it is a syllable of
    the collection, which keeps its notes.
    """
    syllables = [normalise(text) or text.lower() for text in texts]
    return syllables, join_syllables(texts, known or WordList(()))
