"""A window's notes as a Standard MIDI File."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pretty_midi

RESOLUTION = 5000
"""Ticks a quarter note; at 120 quarter notes a minute a tick lasts 0.1 ms."""

MIN_DURATION_S = 0.01
"""Shorter notes are lengthened to this, or they would make no sound."""


def write_midi(
    path: Path,
    pitches: Sequence[int],
    onsets_s: Sequence[float],
    durations_s: Sequence[float],
    program: int,
    velocity: int,
) -> float:
    """Write notes as performed, on one instrument.

    A note ends where the next note of its pitch starts: a MIDI channel cannot hold both, and the
    end of the first would silence the second.

    Args:
        path: the file to write.
        pitches: MIDI pitches (n).
        onsets_s: onsets in seconds from the start of the file (n).
        durations_s: durations in seconds (n).
        program: General MIDI program, 0 to 127.
        velocity: key velocity, 1 to 127.

    Returns:
        The end of the last note in seconds.
    """
    next_onset: dict[int, float] = {}
    notes = []
    order = sorted(range(len(pitches)), key=lambda index: onsets_s[index], reverse=True)
    for index in order:
        pitch, onset = int(pitches[index]), float(onsets_s[index])
        end = onset + max(float(durations_s[index]), MIN_DURATION_S)
        if pitch in next_onset:
            end = min(end, next_onset[pitch])
        if end > onset:
            notes.append(pretty_midi.Note(velocity, pitch, onset, end))
            next_onset[pitch] = onset
    instrument = pretty_midi.Instrument(program)
    instrument.notes = notes[::-1]
    midi = pretty_midi.PrettyMIDI(resolution=RESOLUTION, initial_tempo=120.0)
    midi.instruments.append(instrument)
    midi.write(str(path))
    return max(note.end for note in notes)
