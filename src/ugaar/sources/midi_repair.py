"""Meta events that mido cannot read, neutralised in the bytes of a MIDI file.

mido gives up a whole file for one malformed meta event, and it loses the time before a meta event
of unknown type, which silently moves the rest of the track forward. Both become
sequencer-specific events of the same length, which mido passes over with their time kept.
"""

from __future__ import annotations

from collections.abc import Iterator

SEQUENCER_SPECIFIC = 0x7F
TEMPO, SMPTE_OFFSET, TIME_SIGNATURE, KEY_SIGNATURE = 0x51, 0x54, 0x58, 0x59
LENGTHS = {
    0x00: 2,
    0x20: 1,
    0x21: 1,
    0x2F: 0,
    TEMPO: 3,
    SMPTE_OFFSET: 5,
    TIME_SIGNATURE: 4,
    KEY_SIGNATURE: 2,
}
"""Type of meta event -> number of its bytes."""
TEXTS = range(0x01, 0x0A)
FINEST_BEAT = 6
"""Power of two of the finest beat that a time signature may count in: 64ths."""
SYSTEM_DATA_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}


class _EndOfTrackError(Exception):
    """The events of a track do not fit its length; reading it will say so."""


def neutralised(data: bytes) -> tuple[bytes, int]:
    """Return a file without unreadable meta events, and how many of them were malformed.

    Meta events of unknown type are legal: they are neutralised but not counted. Where a track is
    broken otherwise, the rest of the file stays as it is.

    Args:
        data: a Standard MIDI File with a whole header.
    """
    safe = bytearray(data)
    malformed = 0
    try:
        for start, end in _tracks(data):
            for place, payload in _meta_events(data, start, end):
                kind = data[place]
                known = kind in LENGTHS or kind in TEXTS
                if kind == SEQUENCER_SPECIFIC or (known and _well_formed(kind, payload)):
                    continue
                safe[place] = SEQUENCER_SPECIFIC
                malformed += known
    except _EndOfTrackError:
        return bytes(safe), malformed
    return bytes(safe), malformed


def _well_formed(kind: int, payload: bytes) -> bool:
    if len(payload) != LENGTHS.get(kind, len(payload)):
        return False
    if kind == TEMPO:
        return any(payload)
    if kind == SMPTE_OFFSET:
        return payload[0] >> 5 <= 3
    if kind == TIME_SIGNATURE:
        return payload[0] > 0 and payload[1] <= FINEST_BEAT
    if kind == KEY_SIGNATURE:
        fifths = int.from_bytes(payload[:1], "big", signed=True)
        return -7 <= fifths <= 7 and payload[1] <= 1
    return True


def _tracks(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the events of each track begin and end."""
    place = 8 + int.from_bytes(data[4:8], "big")
    while data[place : place + 4] == b"MTrk":
        start = place + 8
        place = start + int.from_bytes(data[place + 4 : start], "big")
        yield start, min(place, len(data))


def _meta_events(data: bytes, place: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield the place of the type of each meta event of a track, and the event's bytes."""
    running = 0
    while place < end:
        _, place = _variable_length(data, place, end)
        if place >= end:
            raise _EndOfTrackError
        status = running
        if data[place] >= 0x80:
            status = data[place]
            place += 1
        if not status:
            raise _EndOfTrackError
        if status != 0xFF:
            running = status
        if status in (0xF0, 0xF7, 0xFF):
            kind_place = place
            size, start = _variable_length(data, place + (status == 0xFF), end)
            place = start + size
            if place > end:
                raise _EndOfTrackError
            if status == 0xFF:
                yield kind_place, data[start:place]
        elif status > 0xF0:
            place += SYSTEM_DATA_BYTES.get(status, 0)
        else:
            place += 1 if status & 0xE0 == 0xC0 else 2


def _variable_length(data: bytes, place: int, end: int) -> tuple[int, int]:
    """Return a number written in seven bits a byte, and the place after it."""
    value = 0
    while place < end:
        value = value << 7 | data[place] & 0x7F
        place += 1
        if data[place - 1] < 0x80:
            return value, place
    raise _EndOfTrackError
