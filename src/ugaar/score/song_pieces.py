"""Songs as pieces: the notes of a voice part without its words; and the rows of both."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ugaar.score.pieces import PieceNote, one_voice_a_staff, piece_row, quantised
from ugaar.snippet_tables import PIECES
from ugaar.sorted_tables import merged
from ugaar.sources.songs import Grid
from ugaar.sources.unusable import UnusableFileError
from ugaar.tables import SONGS, Table

Row = dict[str, Any]

ROWS_AT_A_TIME = 256


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


def as_piece(row: Row, window: Mapping[str, Any]) -> Row:
    """Return a row of the pieces table as it is, and a row of the songs table as a piece."""
    return piece_of_song(row, window) if "song_id" in row else row


def pieces_and_songs(parts: Sequence[Path | str], songs: Sequence[Path | str]) -> Iterator[Row]:
    """Yield the rows of pieces tables and of songs tables in order of their identifiers.

    Args:
        parts: pieces tables, each sorted by piece_id.
        songs: songs tables, each sorted by song_id.
    """
    streams = [_rows(parts, PIECES, "piece_id"), _rows(songs, SONGS, "song_id")]
    for _, row in heapq.merge(*streams, key=lambda keyed: keyed[0]):
        yield row


def _rows(paths: Sequence[Path | str], declared: Table, key: str) -> Iterator[tuple[str, Row]]:
    for batch in merged(paths, declared, key, ROWS_AT_A_TIME) if paths else ():
        for row in batch.to_pylist():
            yield row[key], row
