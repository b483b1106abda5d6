"""SoundFonts: only real SF2 files, because TiMidity++ plays anything else as noise."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from ugaar.errors import ToolError

SF2_MAJOR = 2
REMEDY = (
    "give a SoundFont 2 file (.sf2) in audio.soundfont, or leave it null for the TimGM6mb.sf2 "
    "inside the pretty_midi package"
)


@dataclass(frozen=True)
class SoundFont:
    """A checked SoundFont.

    Attributes:
        path: the file.
        version: its specification version, such as 2.1.
        sha256: hash of the file, 64 hex digits.
    """

    path: Path
    version: str
    sha256: str


def default_path() -> Path:
    """Return the path of the SoundFont inside the pretty_midi package.

    Raises:
        ToolError: the package is not installed.
    """
    found = importlib.util.find_spec("pretty_midi")
    if found is None or found.origin is None:
        raise ToolError("soundfont: the Python package pretty_midi is missing; pip install it")
    return Path(found.origin).parent / "TimGM6mb.sf2"


def open_soundfont(path: Path | str | None) -> SoundFont:
    """Check a SoundFont by its header and hash it.

    TiMidity++ accepts compressed SF3 files and renders them as white noise with exit code 0, so
    the header decides: chunk `ifil` must state major version 2 and the samples must not be Ogg.

    Args:
        path: the file; the one inside pretty_midi where None.

    Raises:
        ToolError: it is missing, damaged or no SF2.
    """
    file = Path(path) if path else default_path()
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ToolError(f"{file}: soundfont not readable ({error.strerror}); {REMEDY}") from error
    if content[:4] != b"RIFF" or content[8:12] != b"sfbk":
        raise ToolError(f"{file}: not a SoundFont (it starts {content[:12]!r}); {REMEDY}")
    declared = int.from_bytes(content[4:8], "little") + 8
    if len(content) < declared:
        raise ToolError(
            f"{file}: soundfont cut short ({len(content)} of {declared} bytes); {REMEDY}"
        )
    chunks = _chunks(content)
    if b"ifil" not in chunks or b"smpl" not in chunks:
        raise ToolError(f"{file}: soundfont without ifil or smpl chunk; {REMEDY}")
    at = chunks[b"ifil"]
    major = int.from_bytes(content[at : at + 2], "little")
    minor = int.from_bytes(content[at + 2 : at + 4], "little")
    samples = chunks[b"smpl"]
    if major != SF2_MAJOR or content[samples : samples + 4] == b"OggS":
        raise ToolError(
            f"{file}: soundfont of version {major}.{minor:02d}"
            f"{' with Ogg samples' if content[samples : samples + 4] == b'OggS' else ''}, "
            f"TiMidity++ would play it as noise; {REMEDY}"
        )
    return SoundFont(file.resolve(), f"{major}.{minor:02d}", hashlib.sha256(content).hexdigest())


def sample_bytes(path: Path) -> bytes:
    """Return the samples of a checked SoundFont as bytes; empty where it has none."""
    content = path.read_bytes()
    at = _chunks(content).get(b"smpl")
    if at is None:
        return b""
    return content[at : at + int.from_bytes(content[at - 4 : at], "little")]


def _chunks(content: bytes) -> dict[bytes, int]:
    """Return where the data of each chunk inside the LIST chunks starts (name -> byte offset)."""
    found: dict[bytes, int] = {}
    position = 12
    while position + 8 <= len(content):
        name = content[position : position + 4]
        if name == b"LIST":
            position += 12
            continue
        found.setdefault(name, position + 8)
        size = int.from_bytes(content[position + 4 : position + 8], "little")
        position += 8 + size + size % 2
    return found
