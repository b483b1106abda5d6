"""The MusicXML files of the installed music21 corpus, and which of them hold lyrics.

Only MusicXML is looked into. Of the corpus' other formats, music21 reads the `w:` lines of ABC
without their syllables, and none of its Humdrum files has a text spine.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ugaar.sources.musicxml_bytes import SUFFIXES


def corpus_root() -> Path:
    """Return the folder of scores inside the music21 package, found without importing it."""
    import importlib.util

    from ugaar.errors import DataError

    spec = importlib.util.find_spec("music21")
    if spec is None or spec.origin is None:
        raise DataError("music21 is not installed; install the pins in envs/requirements.txt")
    return Path(spec.origin).parent / "corpus"


def corpus_files(root: Path, include: Iterable[str] = ()) -> list[str]:
    """Return the MusicXML files under a folder, as sorted relative POSIX paths.

    Args:
        root: the folder.
        include: texts of which the path must contain one; empty = all files.
    """
    wanted = tuple(include)
    found = (
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file()
    )
    return sorted(path for path in found if not wanted or any(text in path for text in wanted))


def text_encoding(data: bytes) -> str:
    """Return `utf-16` for XML that starts with a UTF-16 byte-order mark, else `utf-8`."""
    return "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"


def holds_lyrics(data: bytes) -> bool:
    """Tell whether MusicXML has any lyric element, without parsing it."""
    return _holds(data, "<lyric")


def holds_transpositions(data: bytes) -> bool:
    """Tell whether MusicXML says of any part that it sounds at another pitch than written."""
    return _holds(data, "<transpose")


def _holds(data: bytes, text: str) -> bool:
    if text_encoding(data) == "utf-8":
        return text.encode() in data
    return text.encode("utf-16-le" if data[:2] == b"\xff\xfe" else "utf-16-be") in data
