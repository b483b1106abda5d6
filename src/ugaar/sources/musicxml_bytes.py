"""From the bytes of a score file to its XML tree, refusing what only an attack would hold."""

from __future__ import annotations

import io
import zipfile
import zlib
from xml.etree import ElementTree
from xml.parsers import expat

from ugaar.sources.archive import UnsafeMemberError, member_bytes

SUFFIXES = (".mxl", ".xml", ".musicxml")
_ZIP = b"PK"
_CONTAINER = "META-INF/container.xml"


class UnusableScoreError(Exception):
    """A score that gives no songs.

    Attributes:
        reason: a key of `ugaar.score.rejects.REMEDIES`.
        detail: what was found.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def score_xml(data: bytes) -> bytes:
    """Return the MusicXML inside a plain or compressed (.mxl) file.

    A compressed file is a zip archive whose META-INF/container.xml names the score; where it is
    missing, the first member with a score's ending is taken.

    Raises:
        UnusableScoreError: the archive is damaged, unsafe or holds no score.
    """
    if not data.startswith(_ZIP):
        return data
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return member_bytes(archive, _score_member(archive))
    except UnsafeMemberError as error:
        raise UnusableScoreError("unsafe-file", str(error)) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, KeyError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise UnusableScoreError("unreadable-score", detail) from error


def _score_member(archive: zipfile.ZipFile) -> str:
    names = archive.namelist()
    if _CONTAINER in names:
        container = tree_of(member_bytes(archive, _CONTAINER))
        for element in container.iter():
            path = element.get("full-path", "")
            if _local(element.tag) == "rootfile" and path in names:
                return path
    for name in names:
        if name.lower().endswith((".musicxml", ".xml")) and not name.startswith("META-INF/"):
            return name
    raise UnusableScoreError("unreadable-score", f"no score among {len(names)} members")


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def tree_of(xml: bytes) -> ElementTree.Element:
    """Return the root element of an XML document.

    Raises:
        UnusableScoreError: it is malformed, or declares entities: MusicXML needs none, and nested
            ones can swell to gigabytes.
    """
    _refuse_entities(xml)
    try:
        return ElementTree.fromstring(xml)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise UnusableScoreError("unreadable-score", detail) from error


class _RootReachedError(Exception):
    """The document type, where alone entities can be declared, lies behind."""


def _refuse_entities(xml: bytes) -> None:
    def declared(name: str, *_: object) -> None:
        raise UnusableScoreError("unsafe-file", f"declares the XML entity {name!r}")

    def started(*_: object) -> None:
        raise _RootReachedError

    parser = expat.ParserCreate()
    parser.EntityDeclHandler = declared
    parser.StartElementHandler = started
    try:
        parser.Parse(xml, True)
    except _RootReachedError:
        return
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise UnusableScoreError("unreadable-score", f"no XML: {error}") from error
