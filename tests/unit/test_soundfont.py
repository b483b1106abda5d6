"""SoundFont headers: what is SF2 and what TiMidity++ would play as noise."""

import hashlib
import struct

import pytest

from ugaar.errors import ToolError
from ugaar.render.soundfont import default_path, open_soundfont


def chunk(name, data):
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def font(major, samples=b"\1\2\3\4"):
    info = chunk(b"LIST", b"INFO" + chunk(b"ifil", struct.pack("<HH", major, 1)))
    data = chunk(b"LIST", b"sdta" + chunk(b"smpl", samples))
    return chunk(b"RIFF", b"sfbk" + info + data)


def test_default_font_is_a_real_one():
    found = open_soundfont(None)
    assert found.version.startswith("2.")
    assert found.sha256 == hashlib.sha256(default_path().read_bytes()).hexdigest()


def test_minimal_font(tmp_path):
    file = tmp_path / "a.sf2"
    file.write_bytes(font(2))
    assert open_soundfont(file).version == "2.01"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (font(3), "version 3.01"),
        (font(2, b"OggS1234"), "Ogg samples"),
        (font(1), "version 1.01"),
        (b"OggS" + bytes(100), "not a SoundFont"),
        (b"", "not a SoundFont"),
        (font(2)[:-3], "cut short"),
        (chunk(b"RIFF", b"sfbk"), "without ifil or smpl"),
    ],
)
def test_refused(tmp_path, content, message):
    file = tmp_path / "a.sf2"
    file.write_bytes(content)
    with pytest.raises(ToolError, match=message) as caught:
        open_soundfont(file)
    assert str(file) in str(caught.value)
    assert "audio.soundfont" in str(caught.value)


def test_missing(tmp_path):
    with pytest.raises(ToolError, match="not readable"):
        open_soundfont(tmp_path / "none.sf2")
