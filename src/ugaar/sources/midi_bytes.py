"""Bytes of a MIDI file to mido's events, repairing what is safe to repair."""

from __future__ import annotations

import io

import mido

from ugaar.sources.midi_repair import neutralised
from ugaar.sources.unusable import UnusableFileError


def unwrap_riff(data: bytes) -> bytes:
    """Return the MIDI file inside a RIFF wrapper (.rmi), or the bytes as they are without one.

    Raises:
        UnusableFileError: the wrapper holds no MIDI data.
    """
    if data[:4] != b"RIFF":
        return data
    place = 12
    while data[8:12] == b"RMID" and place + 8 <= len(data):
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        if data[place : place + 4] == b"data":
            return data[place + 8 : place + 8 + size]
        place += 8 + size + size % 2
    raise UnusableFileError("not-midi", "a RIFF file without a MIDI data chunk")


def check_header(data: bytes) -> None:
    """Raise `UnusableFileError` unless the bytes begin as a Standard MIDI File in musical time."""
    if not data:
        raise UnusableFileError("empty-file", "0 bytes")
    if data[:4] != b"MThd":
        raise UnusableFileError("not-midi", f"the file begins with {data[:4]!r}, not b'MThd'")
    if len(data) < 14:
        raise UnusableFileError("truncated", f"{len(data)} bytes, the header alone has 14")
    kind = int.from_bytes(data[8:10], "big")
    division = int.from_bytes(data[12:14], "big")
    if division & 0x8000:
        frames = 256 - (division >> 8)
        raise UnusableFileError("smpte-timing", f"time in SMPTE frames, {frames} a second")
    if division == 0:
        raise UnusableFileError("unreadable-midi", "0 ticks a quarter note")
    if kind == 2:
        raise UnusableFileError("asynchronous-tracks", "MIDI type 2: tracks without a common time")


def open_midi(data: bytes) -> tuple[mido.MidiFile, int]:
    """Read a MIDI file from its bytes.

    Data bytes above 127 are clipped. Text stays as bytes in disguise: mido decodes it as latin-1,
    which `.encode("latin-1")` undoes.

    Returns:
        The file, and how many malformed meta events were left out.

    Raises:
        UnusableFileError: the file is empty, cut short, no MIDI, or in SMPTE time.
    """
    data = unwrap_riff(data)
    check_header(data)
    data, malformed = neutralised(data)
    return _read(data), malformed


def _read(data: bytes) -> mido.MidiFile:
    try:
        return mido.MidiFile(file=io.BytesIO(data), clip=True, charset="latin-1")
    except EOFError as error:
        raise UnusableFileError("truncated", f"{len(data)} bytes, more are announced") from error
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise UnusableFileError("unreadable-midi", f"{type(error).__name__}: {error}") from error
