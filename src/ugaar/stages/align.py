"""Stage align: check strip and recording of every piece against its notes, and list its onsets."""

from __future__ import annotations

import argparse
import logging
from typing import Any

import numpy as np
import pyarrow as pa

from ugaar.align.alignment import (
    AlignmentError,
    OnStrip,
    check_audio,
    check_strip,
    first_frame,
    onset_numbers,
)
from ugaar.errors import DataError
from ugaar.features.audio_clips import decode
from ugaar.features.strips import decode_strip
from ugaar.parquet_files import iterate_table, open_table, read_table, write_table
from ugaar.progress import Progress
from ugaar.render.layout import layout_of
from ugaar.score.twins import REACHES, twin_hashes
from ugaar.settings import Settings
from ugaar.snippet_tables import ALIGNMENT, PIECE_SPLIT, PIECES, SNIPPETS
from ugaar.tables import AUDIO, REJECTS, SHEET

SETTINGS = ("sheet",)

REMEDIES = {
    "alignment-heads": "delete the piece's strip and render it again; if it is rejected again, "
    "report its notes with the message",
    "alignment-ink": "delete the piece's strip and render it again with the sheet settings of this "
    "run; if it is rejected again, report its notes with the message",
    "alignment-energy": "choose an instrument with a clear attack for audio_sheet.valid; if it is "
    "one, delete the recording and render it again",
}

FRAME_RATES = {"frame_20fps": 20.0, "frame_31fps": 31.25}
CLIPS_AT_ONCE = 8
PIECES_AT_ONCE = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's files."""
    parser.add_argument("--pieces", required=True, help="pieces table")
    parser.add_argument("--split", required=True, help="piece_split table")
    parser.add_argument("--sheet", required=True, help="folder of the sheet table's shards")
    parser.add_argument("--audio", required=True, help="folder of the audio table's shards")
    parser.add_argument("--out", required=True, help="alignment table to write")
    parser.add_argument("--snippets-out", required=True, help="snippets table to write")
    parser.add_argument("--rejects-out", required=True, help="rejects table to write")


def snippet_columns(piece: dict[str, Any], fold: str, placed: OnStrip) -> dict[str, Any]:
    """Return the rows of the snippets table of one piece, as columns.

    Args:
        piece: a row of the pieces table.
        fold: its fold.
        placed: where its onsets lie on the strip.
    """
    numbers = onset_numbers(piece["onset_tick"])
    onset_s = np.full(len(placed.x_px), np.inf)
    np.minimum.at(onset_s, numbers, np.asarray(piece["onset_s"]))
    count = len(onset_s)
    return {
        "piece_id": [piece["piece_id"]] * count,
        "note": np.arange(count, dtype=np.int32),
        "fold": [fold] * count,
        "onset_s": onset_s,
        **{name: first_frame(onset_s, rate).astype(np.int32) for name, rate in FRAME_RATES.items()},
        "x_px": placed.x_px.astype(np.float32),
        **{f"twin_{reach}": twin_hashes(piece, reach) for reach in REACHES},
    }


class _Pieces:
    """The pieces table, of which one row at a time becomes Python objects."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table.sort_by("piece_id")
        self._of_key = {
            key: {
                value: row for row, value in reversed(list(enumerate(self._table[key].to_pylist())))
            }
            for key in ("audio_key", "sheet_key")
        }

    def __len__(self) -> int:
        return len(self._table)

    def row(self, number: int) -> dict[str, Any]:
        return self._table.slice(number, 1).to_pylist()[0]

    def with_key(self, key: str, value: str) -> dict[str, Any] | None:
        """Return the first piece with a content key, None where there is none."""
        number = self._of_key[key].get(value)
        return None if number is None else self.row(number)


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Check all pieces."""
    layout = layout_of(settings["sheet"])
    pieces = _Pieces(read_table(arguments.pieces, PIECES))
    split = read_table(arguments.split, PIECE_SPLIT, ["piece_id", "fold"]).to_pydict()
    folds = dict(zip(split["piece_id"], split["fold"], strict=True))

    progress = Progress(2 * len(pieces))
    strips: dict[str, OnStrip | AlignmentError] = {}
    names = ["sheet_key", "png", "note_index", "notehead_x_px"]
    for rows in iterate_table(arguments.sheet, SHEET, names, CLIPS_AT_ONCE):
        for row in rows:
            piece = pieces.with_key("sheet_key", row["sheet_key"])
            if piece is None:
                continue
            strip = decode_strip(row["png"], row["sheet_key"])
            try:
                strips[row["sheet_key"]] = check_strip(
                    piece, strip, row["note_index"], row["notehead_x_px"], layout
                )
            except AlignmentError as error:
                strips[row["sheet_key"]] = error
            progress.step()
    clips: dict[str, float | AlignmentError] = {}
    for rows in iterate_table(
        arguments.audio, AUDIO, ["audio_key", "flac", "onset_s"], CLIPS_AT_ONCE
    ):
        for row in rows:
            piece = pieces.with_key("audio_key", row["audio_key"])
            if piece is None:
                continue
            samples, rate_hz = decode(row["flac"], row["audio_key"])
            try:
                clips[row["audio_key"]] = check_audio(piece, samples, rate_hz, row["onset_s"])
            except AlignmentError as error:
                clips[row["audio_key"]] = error
            progress.step()
    _write(arguments, pieces, folds, strips, clips)


def _write(
    arguments: argparse.Namespace,
    pieces: _Pieces,
    folds: dict[str, str],
    strips: dict[str, OnStrip | AlignmentError],
    clips: dict[str, float | AlignmentError],
) -> None:
    aligned, rejects, waiting, unrendered = [], [], [], 0
    with open_table(arguments.snippets_out, SNIPPETS) as snippets:
        for number in range(len(pieces)):
            piece = pieces.row(number)
            placed, rise = strips.get(piece["sheet_key"]), clips.get(piece["audio_key"])
            if placed is None or rise is None:
                # The rendering stage that lost it has said so.
                unrendered += 1
                continue
            faults = [found for found in (placed, rise) if isinstance(found, AlignmentError)]
            rejects += [_reject(piece, fault) for fault in faults]
            if isinstance(placed, AlignmentError) or isinstance(rise, AlignmentError):
                continue
            if piece["piece_id"] not in folds:
                raise DataError(
                    f"{arguments.split}: no fold for piece {piece['piece_id']} ({piece['path']}); "
                    "delete it and let the workflow make it again"
                )
            waiting.append(snippet_columns(piece, folds[piece["piece_id"]], placed))
            if len(waiting) == PIECES_AT_ONCE:
                snippets.write(_joined(waiting))
                waiting = []
            aligned.append(
                {
                    "piece_id": piece["piece_id"],
                    "n_onsets": piece["n_onsets"],
                    "n_heads": len(placed.x_px),
                    "least_step_px": placed.least_step_px,
                    "least_ink": placed.least_ink,
                    "least_rise": rise,
                }
            )
        if waiting:
            snippets.write(_joined(waiting))
    logging.info(
        "%d pieces aligned, %d not, %d without strip or recording",
        len(aligned),
        len(pieces) - len(aligned) - unrendered,
        unrendered,
    )
    write_table(arguments.out, ALIGNMENT, aligned)
    write_table(arguments.rejects_out, REJECTS, rejects)


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _reject(piece: dict[str, Any], fault: AlignmentError) -> dict[str, str]:
    return {
        "stage": "align",
        "level": "piece",
        "item": piece["piece_id"],
        "path": piece["path"],
        "reason": fault.reason,
        "detail": str(fault),
        "remedy": REMEDIES[fault.reason],
    }
