"""Songs as pieces: the notes of a voice part without its words, on one staff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ugaar.score.pieces import PieceNote, one_voice_a_staff, piece_row, quantised
from ugaar.sources.songs import Grid
from ugaar.sources.unusable import UnusableFileError


def piece_of_song(song: Mapping[str, Any], window: Mapping[str, Any]) -> dict[str, Any]:
    """Return the piece that a song is without its lyrics; its identifier is the song's.

    Args:
        song: a row of the songs table.
        window: the `window` section of the configuration, for the grid of performed songs.

    Raises:
        UnusableFileError: it has fewer than two notes, or lies too far from the grid.
    """
    columns = ("pitch", "onset_tick", "duration_tick", "onset_s", "duration_s")
    notes = [
        PieceNote(pitch, tick, tick + ticks, onset, onset + length)
        for pitch, tick, ticks, onset, length in zip(*(song[name] for name in columns), strict=True)
    ]
    if len({note.onset_tick for note in notes}) < 2:
        raise UnusableFileError("one-note", f"{len(notes)} notes")
    if song["timing"] == "notated":
        notes = one_voice_a_staff(notes)
    else:
        notes, error = quantised(notes, window["grid_per_quarter"])
        if error > window["max_quantise_error_s"]:
            raise UnusableFileError(
                "quantise-error",
                f"an onset lies {error:.3f} s from the grid, "
                f"limit {window['max_quantise_error_s']:g} s",
            )
    names = ("bar_tick", "meter_tick", "meter", "key_tick", "key_fifths")
    return piece_row(
        {**song, "piece_id": song["song_id"]}, notes, Grid(*(song[name] for name in names))
    )
