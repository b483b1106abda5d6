"""The melody that a lyric stream is sung to: the track whose notes start where syllables do."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import pretty_midi

from ugaar.score.notes import Note
from ugaar.sources.midi_lyrics import LYRIC_NAMES, LyricStream, decode
from ugaar.tables import TICKS_PER_QUARTER

NEAR_BEST = 0.9
"""Tracks that meet at least this share of the best track's syllables are candidates."""


@dataclass(frozen=True)
class Melody:
    """A candidate: its line of notes and the note of each syllable.

    Attributes:
        name: name of the track.
        notes: notes in order, one at a time; text is empty.
        note_of: for each syllable the index of its note, None where there is none.
        share: share of the syllables that have a note.
    """

    name: str
    notes: list[Note]
    note_of: list[int | None]
    share: float


def top_line(instrument: pretty_midi.Instrument, midi: pretty_midi.PrettyMIDI) -> list[Note]:
    """Return an instrument's notes in order of onset, the top one of those that start together."""
    top: dict[int, Note] = {}
    for sounding in instrument.notes:
        onset = scaled(midi.time_to_tick(sounding.start), midi.resolution)
        note = Note(
            pitch=sounding.pitch,
            onset_tick=onset,
            end_tick=scaled(midi.time_to_tick(sounding.end), midi.resolution),
            onset_s=float(sounding.start),
            end_s=float(sounding.end),
        )
        if onset not in top or note.pitch > top[onset].pitch:
            top[onset] = note
    return [top[onset] for onset in sorted(top)]


def scaled(tick: int, resolution: int) -> int:
    """Return a tick of the file as one of 10080 to the quarter note."""
    return round(tick * TICKS_PER_QUARTER / resolution)


def match(
    events_s: Sequence[float], onsets_s: Sequence[float], tolerance_s: float
) -> list[int | None]:
    """Give each event the nearest onset within the tolerance, in order, each onset once.

    Args:
        events_s: times of the syllables, seconds, ascending.
        onsets_s: onsets of the notes, seconds, ascending.
        tolerance_s: largest distance, seconds.

    Returns:
        For each event the index of its onset, or None.
    """
    found: list[int | None] = []
    free = 0
    for event in events_s:
        place = max(bisect_left(onsets_s, event), free)
        near = [index for index in (place - 1, place) if free <= index < len(onsets_s)]
        best = min(near, key=lambda index: abs(onsets_s[index] - event), default=None)
        if best is None or abs(onsets_s[best] - event) > tolerance_s:
            found.append(None)
            continue
        found.append(best)
        free = best + 1
    return found


def choose_melody(
    midi: pretty_midi.PrettyMIDI, stream: LyricStream, tolerance_s: float
) -> Melody | None:
    """Return the melody of a stream, or None where the file has no pitched notes.

    Drums are left out. Of the tracks that meet about as many syllables as the best one, the
    melody is the one with most syllables a note: a busy accompaniment starts a note near every
    syllable too, but many more besides. Then monophony, a telling name and the order decide.
    """
    events = [midi.tick_to_time(tick) for tick in stream.onsets]
    candidates = []
    for place, instrument in enumerate(midi.instruments):
        notes = [] if instrument.is_drum else top_line(instrument, midi)
        if not notes:
            continue
        note_of = match(events, [note.onset_s for note in notes], tolerance_s)
        met = sum(index is not None for index in note_of)
        name = " ".join(decode([instrument.name.encode("latin-1")])[0][0].split())
        telling = name == stream.track_name or any(text in name.lower() for text in LYRIC_NAMES)
        order = (
            -2 * met / (len(events) + len(notes)),
            -len(notes) / len(instrument.notes),
            not telling,
            place,
        )
        candidates.append((met, order, Melody(name, notes, note_of, met / len(events))))
    if not candidates:
        return None
    best = max(met for met, _, _ in candidates)
    near_best = [item for item in candidates if item[0] >= NEAR_BEST * best]
    return min(near_best, key=lambda item: item[1])[2]
