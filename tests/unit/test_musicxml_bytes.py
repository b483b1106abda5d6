"""Guards what is opened: containers, and archives and XML that only an attack would hold."""

import io
import zipfile

import pytest
from musicxml_files import bars, lyric, note, score

from ugaar.sources.musicxml_bytes import UnusableScoreError, score_xml, tree_of

TEXT = score(("S", bars(note(60, 4, lyric("la"))))).encode()
CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="{path}"/></rootfiles></container>'
)


def packed(*members, container=None):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        if container:
            archive.writestr("META-INF/container.xml", CONTAINER.format(path=container))
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def reason_of(call, *arguments):
    with pytest.raises(UnusableScoreError) as caught:
        call(*arguments)
    assert caught.value.detail
    return caught.value.reason


def test_the_container_names_the_score():
    data = packed(("a.xml", b"<decoy/>"), ("music/song.xml", TEXT), container="music/song.xml")
    assert score_xml(data) == TEXT
    assert score_xml(TEXT) == TEXT


def test_without_a_container_the_first_score_is_taken():
    assert score_xml(packed(("cover.png", b"x"), ("song.MusicXML", TEXT))) == TEXT
    # A container that names nothing there is as good as none.
    assert score_xml(packed(("song.xml", TEXT), container="gone.xml")) == TEXT


def test_damaged_archives():
    data = packed(("song.xml", TEXT))
    assert reason_of(score_xml, data[:-30]) == "unreadable-score"
    assert reason_of(score_xml, packed(("cover.png", b"x"))) == "unreadable-score"
    flipped = bytearray(data)
    flipped[60] ^= 0xFF
    assert reason_of(score_xml, bytes(flipped)) == "unreadable-score"


def test_a_bomb_and_a_name_outside_are_refused_unread():
    assert reason_of(score_xml, packed(("song.xml", bytes(64 * 2**20 + 1)))) == "unsafe-file"
    outside = packed(("../song.xml", TEXT), container="../song.xml")
    assert reason_of(score_xml, outside) == "unsafe-file"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entity_declarations_are_refused(encoding):
    levels = "".join(f'<!ENTITY a{level + 1} "{f"&a{level};" * 10}">' for level in range(9))
    bomb = f'<!DOCTYPE x [<!ENTITY a0 "ha">{levels}]><x>&a9;</x>'
    outside = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'
    for text in (bomb, outside):
        assert reason_of(tree_of, text.encode(encoding)) == "unsafe-file"


def test_the_document_type_of_musicxml_is_no_entity():
    doctype = (
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
        '"http://www.musicxml.org/dtds/partwise.dtd">'
    )
    assert tree_of(f"{doctype}<score-partwise/>".encode()).tag == "score-partwise"
    # The word alone is text like any other.
    assert tree_of(b"<x><!-- <!ENTITY a 'b'> --></x>").tag == "x"


def test_malformed_xml():
    for data in (
        b"",
        b"<x>",
        b"<x></y>",
        b"no xml",
        b'<?xml version="1.0" encoding="x"?><x/>',
    ):
        assert reason_of(tree_of, data) == "unreadable-score"
