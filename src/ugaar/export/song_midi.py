"""A song as a MIDI file with lyrics, from which source `midi` reads the same song."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import mido

from ugaar.export.song_lyrics import event_texts, fragments_of_words
from ugaar.export.song_timing import Timing, timing_of
from ugaar.sources.midi_folder import FIFTHS
from ugaar.sources.midi_lyrics import LANGUAGES
from ugaar.tables import TICKS_PER_QUARTER

VELOCITY = 90

_KEYS = {fifths: name for name, fifths in reversed(FIFTHS.items()) if not name.endswith("m")}
_KARAOKE_LANGUAGES = {code: tag for tag, code in reversed(LANGUAGES.items())}
_ENCODING = "utf-8"

Events = list[tuple[int, mido.Message | mido.MetaMessage]]


def song_midi(song: Mapping[str, Any], style: str) -> tuple[mido.MidiFile, Timing]:
    """Return a type 1 file: tempi and signatures, lyrics, melody.

    Headers are those of .kar files: `@K` (karaoke only), `@L` language, `@T` title. Signatures that
    MIDI cannot say (a denominator that is no power of 2) are left out.

    Args:
        song: a row of the songs table.
        style: `events` (lyric meta events on the melody's track) or `karaoke` (text events on one
            of their own).

    Returns:
        The file, and how the song's times were put into ticks.

    Raises:
        DataError: the song's times fit no MIDI file.
    """
    timing = timing_of(song["pitch"], song["onset_s"], song["duration_s"], song["onset_tick"])
    fragments = fragments_of_words(song["syllable"], song["word"])
    texts = event_texts(fragments, song["onset_s"], song["duration_s"], style)
    headers = []
    if song["language"] in _KARAOKE_LANGUAGES:
        headers.append(f"@L{_KARAOKE_LANGUAGES[song['language']]}")
    if song["title"]:
        headers.append(f"@T{' '.join(song['title'].split())}")
    sung = list(zip(timing.onset, texts, strict=True))

    midi = mido.MidiFile(type=1, ticks_per_beat=timing.division, charset=_ENCODING)
    if style == "karaoke":
        midi.tracks = [
            _track(_conductor(song, timing)),
            _track(_text("Soft karaoke", ["@KMIDI KARAOKE FILE", "@V0100"], [])),
            _track(_text("Words", headers, sung)),
            _track(_melody(song, timing)),
        ]
    else:
        lyrics = [(tick, mido.MetaMessage("lyrics", text=text)) for tick, text in sung]
        midi.tracks = [
            _track([*_text("", headers, []), *_conductor(song, timing)]),
            _track([*_melody(song, timing), *lyrics]),
        ]
    return midi, timing


def _text(name: str, headers: Iterable[str], sung: Iterable[tuple[int, str]]) -> Events:
    events: Events = [(0, mido.MetaMessage("track_name", name=name))] if name else []
    events += [(0, mido.MetaMessage("text", text=header)) for header in headers]
    return events + [(tick, mido.MetaMessage("text", text=text)) for tick, text in sung]


def _conductor(song: Mapping[str, Any], timing: Timing) -> Events:
    events: Events = [
        (tick, mido.MetaMessage("set_tempo", tempo=tempo)) for tick, tempo in timing.tempi
    ]
    if not timing.beats:
        return events

    def place(tick: int) -> int:
        return max(round((tick + timing.shift) * timing.division / TICKS_PER_QUARTER), 0)

    for tick, meter in zip(song["meter_tick"], song["meter"], strict=True):
        numerator, _, denominator = meter.partition("/")
        if not (numerator.isdecimal() and denominator.isdecimal()):
            continue
        over, under = int(numerator), int(denominator)
        if 0 < over < 256 and under > 0 and under & (under - 1) == 0:
            signature = mido.MetaMessage("time_signature", numerator=over, denominator=under)
            events.append((place(tick), signature))
    for tick, fifths in zip(song["key_tick"], song["key_fifths"], strict=True):
        if fifths in _KEYS:
            key = mido.MetaMessage("key_signature", key=_KEYS[fifths])
            events.append((place(tick), key))
    return events


def _melody(song: Mapping[str, Any], timing: Timing) -> Events:
    events: Events = [
        (0, mido.MetaMessage("track_name", name=" ".join(song["part"].split()) or "Melody"))
    ]
    for pitch, onset, end in zip(song["pitch"], timing.onset, timing.end, strict=True):
        events.append((end, mido.Message("note_off", note=pitch)))
        events.append((onset, mido.Message("note_on", note=pitch, velocity=VELOCITY)))
    return events


def _track(events: Events) -> mido.MidiTrack:
    """Return a track of events at absolute ticks; at one tick notes end first and start last."""
    order = {"note_off": 1, "lyrics": 2, "text": 2, "note_on": 3}
    track = mido.MidiTrack()
    now = 0
    for tick, event in sorted(events, key=lambda one: (one[0], order.get(one[1].type, 0))):
        track.append(event.copy(time=tick - now))
        now = tick
    return track
