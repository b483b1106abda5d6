"""From the bytes of one MusicXML file to its songs."""

from __future__ import annotations

import gc
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from xml.etree.ElementTree import Element

from ugaar.sources.language import UNDETERMINED
from ugaar.sources.music21_files import holds_lyrics, holds_transpositions, text_encoding
from ugaar.sources.musicxml_bytes import UnusableScoreError, score_xml, tree_of
from ugaar.sources.musicxml_sung import keep_sung

_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_CODE = re.compile(r"[a-z]{2}(?=$|[-_])")


def songs_in(
    data: bytes,
    source: str,
    collection: str,
    path: str,
    settings: Mapping[str, Any],
    *,
    as_published: bool,
) -> list[dict[str, Any]]:
    """Return the rows of the songs table for one file.

    Args:
        data: the file's bytes, plain or compressed MusicXML.
        source: kind of source.
        collection: stratum of the split.
        path: the file's path inside the source.
        settings: the `source` section of the configuration.
        as_published: read as the first release read the music21 corpus, whose songs are published:
            every voice is a song, the title is the work's, declared languages are not used and a
            lone rest fills its bar.

    Raises:
        UnusableScoreError: the file cannot be read, is unsafe, or holds no lyrics.
    """
    xml = score_xml(data)
    if not holds_lyrics(xml):
        raise UnusableScoreError("no-lyrics", "no lyric element in the file")
    from ugaar.sources.music21_scores import ScoreFile, parse, songs_of

    with _no_collection_of_garbage():
        root = tree_of(xml)
        file = ScoreFile(
            source=source,
            collection=collection,
            path=path,
            encoding=text_encoding(xml),
            transposing=holds_transpositions(xml),
            title="" if as_published else movement_title(root),
            declared_language=UNDETERMINED if as_published else declared_language(root),
            every_voice=as_published,
        )
        keep_sung(root, lone_rests_fill_bars=as_published)
        try:
            songs = songs_of(parse(root), file, settings)
        except _import_errors() as error:
            detail = f"{type(error).__name__}: {error}"
            raise UnusableScoreError("unreadable-score", detail) from error
    if not songs:
        detail = f"no syllables of verse {settings['verse']!r} on notes"
        raise UnusableScoreError("no-lyrics", detail)
    return songs


def movement_title(root: Element) -> str:
    """Return the title of the piece itself (`Gute Nacht`), not of its set (`Winterreise`)."""
    return " ".join((root.findtext("movement-title") or "").split())


def declared_language(root: Element) -> str:
    """Return the ISO 639-1 code that a score gives for its lyrics, or `und`.

    Of the codes on lyrics and their texts the most frequent counts, else that of the defaults.
    Such codes are mostly those of the program's own language (German on Latin motets), so they
    are no match for the text itself.
    """
    of_texts = Counter(
        element.get(_LANG, "").lower()
        for tag in ("lyric", "text")
        for element in root.iter(tag)
        if _LANG in element.attrib
    )
    of_defaults = [element.get(_LANG, "").lower() for element in root.iter("lyric-language")]
    for name in [*sorted(of_texts, key=lambda name: (-of_texts[name], name)), *of_defaults]:
        if found := _CODE.match(name):
            return found[0]
    return UNDETERMINED


@contextmanager
def _no_collection_of_garbage() -> Iterator[None]:
    """Hold the search for cyclic garbage while a tree of many small objects is built.

    Python would walk all living objects again and again; it takes a third of the time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _import_errors() -> tuple[type[Exception], ...]:
    """The exceptions by which music21 reports a score that it cannot read; it checks little."""
    from music21.exceptions21 import Music21Exception

    return (
        Music21Exception,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        ArithmeticError,
    )
