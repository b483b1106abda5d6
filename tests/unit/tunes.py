"""Pieces that the tests of the audio-sheet task read: a MIDI tune, and rows of its table."""

import io

import mido
from midi_files import RESOLUTION, note_track, track_of

from ugaar.score.pieces import PieceNote, piece_row
from ugaar.sources.songs import Grid

Q = 10080
SOURCE = {
    "kind": "notes",
    "path": None,
    "also": [],
    "include": [],
    "parts": "melody",
    "grid_per_quarter": 4,
    "max_quantise_error_s": 0.12,
    "default_tempo_qpm": 100.0,
}


def tune_bytes(*parts, meter=(4, 4), key="G", name=None, channel=0):
    """A MIDI file of (start, length, pitch) notes in quarter notes, a track a part."""
    file = mido.MidiFile(ticks_per_beat=RESOLUTION)
    events = []
    if name:
        events.append((0, mido.MetaMessage("track_name", name=name)))
    if meter:
        numerator, denominator = meter
        events.append(
            (0, mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator))
        )
    if key:
        events.append((0, mido.MetaMessage("key_signature", key=key)))
    file.tracks.append(track_of(events))
    file.tracks.extend(note_track(part, "part", channel) for part in parts)
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def piece(bars, piece_id="a" * 12, path="tune.mid", pickup=(), **changes):
    """A row of quarter notes, four a bar of 4/4 at 120 quarter notes a minute.

    `bars` are lists of pitches, None for a rest; `pickup` are pitches before the first bar.
    """
    start = 4 - len(pickup)
    line = [*enumerate(pickup, start=start)] + [
        (4 + 4 * number + beat, pitch)
        for number, bar in enumerate(bars)
        for beat, pitch in enumerate(bar)
    ]
    notes = [
        PieceNote(pitch, at * Q, (at + 1) * Q, at * 0.5, (at + 1) * 0.5)
        for at, pitch in line
        if pitch is not None
    ]
    origin = {
        "piece_id": piece_id,
        "source": "notes",
        "collection": "book",
        "path": path,
        "title": "tune",
    }
    first = 0 if pickup else 4 * Q
    grid = Grid(list(range(first, (4 * len(bars) + 5) * Q, 4 * Q)), [0], ["4/4"], [0], [1])
    return piece_row({**origin, **changes}, notes, grid)
