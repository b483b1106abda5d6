"""Makes the MIDI files that the tests read: good ones, and one for each way to be bad."""

import io
from dataclasses import dataclass, field

import mido

RESOLUTION = 480
TUNE = [60, 62, 64, 65, 67, 69, 71, 72]
SYLLABLES = ["A", "ma", "zing", "grace", "how", "sweet", "the", "sound"]


@dataclass
class Song:
    """A tune with lyrics; times in quarter notes."""

    notes: list = field(default_factory=list)
    lyrics: list = field(default_factory=list)
    kind: str = "lyrics"
    tempo_qpm: float | None = 120.0
    meter: tuple | None = (4, 4)
    key: str | None = None
    headers: list = field(default_factory=list)
    name: str = "Melody"
    lyrics_name: str = "Words"
    more_tracks: list = field(default_factory=list)


def plain_song(count=40, **changes):
    """A song of quarter notes, a syllable on each, words ended by spaces."""
    notes = [(i, 1.0, TUNE[i % 8]) for i in range(count)]
    lyrics = [(i, SYLLABLES[i % 8] + ("" if i % 8 < 2 else " ")) for i in range(count)]
    return Song(**{"notes": notes, "lyrics": lyrics, **changes})


def tick(quarters):
    return round(quarters * RESOLUTION)


def track_of(events):
    """A track from (quarter, message) pairs."""
    track = mido.MidiTrack()
    now = 0
    for quarters, message in sorted(events, key=lambda event: tick(event[0])):
        track.append(message.copy(time=tick(quarters) - now))
        now = tick(quarters)
    return track


def note_events(notes, channel=0):
    for start, length, pitch in notes:
        yield start + length, mido.Message("note_off", note=pitch, channel=channel)
        yield start, mido.Message("note_on", note=pitch, velocity=90, channel=channel)


def note_track(notes, name, channel=0):
    events = [(0, mido.MetaMessage("track_name", name=name))]
    return track_of(events + list(note_events(notes, channel)))


def disguised(text):
    """Bytes as the latin-1 text that mido writes back as those bytes."""
    return text.decode("latin-1") if isinstance(text, bytes) else text


def lyric_track(song):
    events = [(0, mido.MetaMessage("track_name", name=song.lyrics_name))]
    events += [(0, mido.MetaMessage("text", text=header)) for header in song.headers]
    events += [(at, mido.MetaMessage(song.kind, text=disguised(text))) for at, text in song.lyrics]
    return track_of(events)


def midi_bytes(song):
    """The song as a type 1 file: conductor, lyrics, melody, more tracks."""
    file = mido.MidiFile(ticks_per_beat=RESOLUTION, charset="latin-1")
    conductor = []
    if song.tempo_qpm:
        tempo = mido.bpm2tempo(song.tempo_qpm)
        conductor.append((0, mido.MetaMessage("set_tempo", tempo=tempo)))
    if song.meter:
        numerator, denominator = song.meter
        meter = {"numerator": numerator, "denominator": denominator}
        conductor.append((0, mido.MetaMessage("time_signature", **meter)))
    if song.key:
        conductor.append((0, mido.MetaMessage("key_signature", key=song.key)))
    file.tracks.append(track_of(conductor))
    file.tracks.append(lyric_track(song))
    file.tracks.append(note_track(song.notes, song.name))
    file.tracks.extend(song.more_tracks)
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def truncated():
    return midi_bytes(plain_song())[:-100]


def zero_notes():
    return midi_bytes(plain_song(notes=[]))


def riff_wrapped():
    data = midi_bytes(plain_song())
    padded = data + b"\0" * (len(data) % 2)
    info = b"INFO" + (3).to_bytes(4, "little") + b"abc\0"
    body = b"RMID" + info + b"data" + len(data).to_bytes(4, "little") + padded
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def smpte_timed():
    data = bytearray(midi_bytes(plain_song()))
    data[12:14] = bytes([256 - 25, 40])
    return bytes(data)


def bad_key_signature():
    data = midi_bytes(plain_song(key="Eb"))
    good = b"\xff\x59\x02\xfd\x00"
    assert good in data
    return data.replace(good, b"\xff\x59\x02\x2a\x07")


def data_byte_over_127():
    data = midi_bytes(plain_song())
    first = bytes([0x90, 60, 90])
    assert first in data
    return data.replace(first, bytes([0x90, 60, 200]), 1)


def type_2():
    data = bytearray(midi_bytes(plain_song()))
    data[8:10] = b"\0\2"
    return bytes(data)
