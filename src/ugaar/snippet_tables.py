"""Tables of the audio-sheet systems: whole pieces, aligned snippets, codes, ranks and metrics."""

from __future__ import annotations

import pyarrow as pa

from ugaar.tables import F32, F64, I8, I16, I32, I64, STR, Column, Table


def _many(item: pa.DataType) -> pa.DataType:
    return pa.list_(item)


_PIECE_ID = Column("piece_id", STR, "identifier of the piece")
_SYSTEM = Column("system", STR, "audio-sheet system, as named in the config")
_SEED = Column("seed", I32, "training seed")
_CONDITION = Column("condition", STR, "how the test pieces sound and look, as named in the config")
_DIRECTION = Column("direction", STR, "audio-to-sheet or sheet-to-audio")
_NOTE = Column("note", I32, "number of the onset in its piece, from 0; chords count once")

PIECES = Table(
    "pieces",
    "a piece that is engraved as one strip and sounds as one recording",
    (
        Column("piece_id", STR, "identifier: 12 hex digits of the hash of source and path"),
        Column("source", STR, "kind of source"),
        Column("collection", STR, "stratum of the split: folder, book or first part of the name"),
        Column("path", STR, "file inside the source, relative to its root"),
        Column("title", STR, "title, empty where unknown"),
        Column("pitch", _many(I16), "MIDI pitch of each note, in order of onset, then pitch"),
        Column("onset_s", _many(F64), "sounding onset of each note in seconds"),
        Column("duration_s", _many(F64), "sounding duration of each note in seconds"),
        Column("onset_tick", _many(I64), "notated onset, 10080 ticks a quarter note"),
        Column("duration_tick", _many(I64), "notated duration, 10080 ticks a quarter note"),
        Column("staff", _many(I8), "staff of each note: 0 the upper (or only) one, 1 the lower"),
        Column("bar_tick", _many(I64), "starts of bars in ticks; empty where the source has none"),
        Column("meter_tick", _many(I64), "where each time signature starts, in ticks"),
        Column("meter", _many(STR), "time signatures such as 3/4, one for each meter_tick"),
        Column("key_fifths", I8, "key signature: number of sharps, negative for flats", True),
        Column("n_notes", I32, "number of notes"),
        Column("n_onsets", I32, "number of onsets; chords count once"),
        Column("n_repeated_notes", I32, "notes of written-out repeats that were cut"),
        Column("audio_key", STR, "content hash of what sounds: equal keys sound the same"),
        Column("sheet_key", STR, "content hash of what is engraved: equal keys look the same"),
    ),
)

PIECE_SPLIT = Table(
    "piece_split",
    "a piece and the fold it belongs to",
    (
        _PIECE_ID,
        Column("collection", STR, "stratum of the split"),
        Column("group", STR, "pieces that share a run of notes, up to transposition"),
        Column("n_onsets", I32, "number of onsets"),
        Column("fold", STR, "train, valid or test"),
    ),
)

TWINS = Table(
    "twins",
    "how many onsets of the pieces have twins: places that look and sound the same",
    (
        Column("repeats", STR, "written-out repeats: cut or keep"),
        Column("fold", STR, "train, valid, test or all"),
        Column("reach", I32, "onsets before and after a place that twins have in common"),
        Column("n_onsets", I32, "number of onsets; chords count once"),
        Column("with_twin", F64, "share with a twin among them, percent"),
        Column("in_piece", F64, "share with a twin in their own piece, percent"),
        Column("ceiling", F64, "best expected R@1 with all of them as candidates, percent"),
    ),
)

ALIGNMENT = Table(
    "alignment",
    "a piece whose strip and sound were checked against each other",
    (
        _PIECE_ID,
        Column("n_onsets", I32, "onsets of its notes; chords count once"),
        Column("n_heads", I32, "columns of noteheads that start a note"),
        Column("least_step_px", F32, "smallest distance between neighbouring such columns, pixels"),
        Column("least_ink", F32, "smallest share of dark pixels under a notehead"),
        Column("least_rise", F32, "smallest rise of spectral energy at an onset"),
    ),
)

SNIPPETS = Table(
    "snippets",
    "an onset of a piece, around which a strip and a spectrogram can be cut",
    (
        _PIECE_ID,
        _NOTE,
        Column("fold", STR, "train, valid or test"),
        Column("onset_s", F64, "onset in the piece at its own tempo, seconds"),
        Column("frame_20fps", I32, "first spectrogram frame that starts at or after the onset"),
        Column("frame_31fps", I32, "the same at 31.25 frames a second"),
        Column("x_px", F32, "centre of the notehead, pixels from the left end of the strip"),
        Column("twin_3", I64, "hash of pitches and relative times of the onsets 3 before to after"),
        Column("twin_5", I64, "the same, 5 before to 5 after"),
        Column("twin_8", I64, "the same, 8 before to 8 after"),
    ),
)

STRIP_INDEX = Table(
    "strip_index",
    "rows of strips.npy (uint8, columns x 80: a row is a column of a strip at half resolution)",
    (
        _PIECE_ID,
        Column("first_row", I64, "first row of the piece"),
        Column("n_rows", I64, "number of rows"),
    ),
)

SPECTROGRAM_INDEX = Table(
    "spectrogram_index",
    "rows of a spectrogram file (float16, frames x bins)",
    (
        _PIECE_ID,
        Column("first_row", I64, "first row of the piece"),
        Column("n_rows", I64, "number of rows"),
    ),
)

SYSTEM_CODES = Table(
    "system_codes",
    "a test snippet in one modality, encoded by a trained system",
    (
        _CONDITION,
        Column("modality", STR, "audio or sheet"),
        _PIECE_ID,
        _NOTE,
        Column("code", None, "unit-length code"),
    ),
)

SYSTEM_RANKS = Table(
    "system_ranks",
    "the rank of the right answer of one query snippet",
    (
        _SYSTEM,
        _SEED,
        _CONDITION,
        _DIRECTION,
        Column("right", STR, "what counts as right: exact, within-1, within-2, or twins"),
        _PIECE_ID,
        _NOTE,
        Column("n_better", I32, "gallery items strictly better than the best right answer"),
        Column("n_tied", I32, "wrong items tied with the best right answer, plus one"),
        Column("gallery_size", I32, "number of gallery items"),
    ),
)

SYSTEM_METRICS = Table(
    "system_metrics",
    "a retrieval metric of one system under one condition",
    (
        Column("system", STR, "audio-sheet system; chance and ceiling-...: exact values"),
        Column("seed", I32, "training seed; null = mean over seeds", nullable=True),
        _CONDITION,
        _DIRECTION,
        Column("right", STR, "what counts as right: exact, within-1, within-2, or twins"),
        Column("metric", STR, "R@1, R@5, R@10, R@25 (percent), MedR, MRR"),
        Column("value", F64, "value, mean over seeds where seed is null"),
        Column("std", F64, "standard deviation over seeds", nullable=True),
        Column("ci_low", F64, "bootstrap interval over pieces: low end", nullable=True),
        Column("ci_high", F64, "bootstrap interval over pieces: high end", nullable=True),
        Column("n_queries", I32, "number of queries"),
        Column("gallery_size", I32, "number of gallery items"),
        Column("n_pieces", I32, "number of test pieces they come from"),
    ),
)

IDENTIFICATION = Table(
    "identification",
    "a test piece that was looked up by the votes of its snippets",
    (
        _SYSTEM,
        _SEED,
        _CONDITION,
        _DIRECTION,
        Column("query", STR, "snippets spread over the piece, or a run of onsets in its middle"),
        _PIECE_ID,
        Column("n_votes", I32, "snippets that voted"),
        Column("best_piece_id", STR, "piece with most votes; of a tie, a wrong one"),
        Column("rank", I32, "rank of the right piece by votes, from 1, behind all tied with it"),
        Column("n_pieces", I32, "pieces in the gallery"),
        Column(
            "position_error_notes",
            F64,
            "median distance of the found position, notes; null where another piece was found",
            nullable=True,
        ),
        Column(
            "position_error_px", F64, "the same in pixels of the strip; null there", nullable=True
        ),
        Column(
            "share_within_2",
            F64,
            "share of snippets found within 2 notes of their position; 0 where another piece was",
        ),
    ),
)

TABLES = {table.name: table for table in list(globals().values()) if isinstance(table, Table)}
