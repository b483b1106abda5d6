"""Lyric streams of a MIDI file: finding them, decoding them, choosing one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import mido

from ugaar.score.dialects import fragments_of, is_header
from ugaar.score.lyrics import Fragment

ENCODINGS = ("utf-8", "cp1252", "latin-1")
LYRIC_NAMES = ("words", "lyric", "karaoke", "vocal", "voice", "melod", "sing")
LEAST_UNMARKED_EVENTS = 10
"""Plain text events on a track that neither calls itself lyrics nor belongs to a karaoke file."""

LANGUAGES = {
    "ENGL": "en",
    "GERM": "de",
    "DEUT": "de",
    "FREN": "fr",
    "FRAN": "fr",
    "ITAL": "it",
    "SPAN": "es",
    "LATI": "la",
    "PORT": "pt",
    "DUTC": "nl",
}


@dataclass(frozen=True)
class Syllable:
    """A lyric event: its tick in the file and its text, None where it starts no syllable."""

    tick: int
    text: tuple[Fragment, ...] | None


@dataclass(frozen=True)
class LyricStream:
    """The lyrics of one track and kind of event.

    Attributes:
        kind: `lyrics` (0x05 events) or `text` (0x01 events, karaoke).
        track: number of the track.
        track_name: its name.
        marked: whether the file or the track calls these events lyrics.
        encoding: encoding that the text was read with.
        syllables: events in order.
    """

    kind: str
    track: int
    track_name: str
    marked: bool
    encoding: str
    syllables: list[Syllable]

    @property
    def onsets(self) -> list[int]:
        """Ticks of the events that start a syllable."""
        return [event.tick for event in self.syllables if event.text]


def decode(texts: Sequence[bytes]) -> tuple[list[str], str]:
    """Decode a stream as a whole: UTF-8 if all of it is valid, else cp1252, else latin-1.

    Returns:
        The texts and the name of the encoding.
    """
    for encoding in ENCODINGS:
        try:
            return [text.decode(encoding) for text in texts], encoding
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 decodes every byte")


def _events(track: mido.MidiTrack, kind: str) -> tuple[list[int], list[bytes]]:
    ticks, texts, tick = [], [], 0
    for event in track:
        tick += event.time
        if event.type == kind:
            ticks.append(tick)
            texts.append(event.text.encode("latin-1"))
    return ticks, texts


def headers_of(midi: mido.MidiFile) -> dict[str, str]:
    """Return the title and the language that a karaoke file's `@T` and `@L` headers give."""
    found: dict[str, str] = {}
    for track in midi.tracks:
        for text in decode(_events(track, "text")[1])[0]:
            tag, value = text[:2].upper(), text[2:].strip()
            if tag == "@T" and value:
                found.setdefault("title", value)
            elif tag == "@L" and value[:4].upper() in LANGUAGES:
                found.setdefault("language", LANGUAGES[value[:4].upper()])
            elif tag == "@K":
                found["karaoke"] = "yes"
    return found


def streams_of(midi: mido.MidiFile, hold_marks: Collection[str]) -> list[LyricStream]:
    """Return every stream of a file that holds a syllable.

    Text (0x01) at the very start is credits, not lyrics, except the last one of a track that is
    marked as lyrics where the first note starts there too: it is the first syllable.
    """
    karaoke = "karaoke" in headers_of(midi)
    sung_at_once = any(_note_at_start(track) for track in midi.tracks)
    found = []
    for number, track in enumerate(midi.tracks):
        name = track.name.encode("latin-1")
        for kind in ("lyrics", "text"):
            ticks, raw = _events(track, kind)
            texts, encoding = decode(raw)
            marked = kind == "lyrics" or karaoke or _calls_itself_lyrics(track.name)
            kept = [
                (tick, text) for tick, text in zip(ticks, texts, strict=True) if not is_header(text)
            ]
            if kind == "text":
                at_start = sum(tick == 0 for tick, _ in kept)
                kept = kept[at_start - (marked and sung_at_once and at_start > 0) :]
            fragments = fragments_of([text for _, text in kept], hold_marks)
            stream = LyricStream(
                kind=kind,
                track=number,
                track_name=decode([name])[0][0].strip(),
                marked=marked,
                encoding=encoding,
                syllables=[
                    Syllable(tick, text) for (tick, _), text in zip(kept, fragments, strict=True)
                ],
            )
            if stream.onsets:
                found.append(stream)
    return found


def _note_at_start(track: mido.MidiTrack) -> bool:
    """Tell whether a pitched note starts at tick 0 (channel 9, from 0, is drums)."""
    for event in track:
        if event.time:
            return False
        if event.type == "note_on" and event.velocity and event.channel != 9:
            return True
    return False


def _calls_itself_lyrics(name: str) -> bool:
    return any(text in name.lower() for text in LYRIC_NAMES)


def choose_stream(streams: Sequence[LyricStream]) -> LyricStream | None:
    """Return the stream to read, or None.

    Lyric events (0x05) come before text events; text that calls itself lyrics before other text,
    which must have some length at all; then the stream with most syllables, then the first track.
    """
    usable = [
        stream for stream in streams if stream.marked or len(stream.onsets) >= LEAST_UNMARKED_EVENTS
    ]
    return min(
        usable,
        key=lambda stream: (
            stream.kind != "lyrics",
            not stream.marked,
            -len(stream.onsets),
            stream.track,
        ),
        default=None,
    )
