"""The strips and clips of whole pieces, one after another, as a store takes them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ugaar.errors import ConfigError, DataError
from ugaar.features.audio_clips import decode
from ugaar.features.media_store import Layout
from ugaar.features.noise import with_noise
from ugaar.features.spectrogram import FrontEnd, frame_count, log_spectrogram
from ugaar.features.strips import CROP_HEIGHT_PX, decode_strip, halve
from ugaar.parquet_files import iterate_table, read_table
from ugaar.progress import Progress
from ugaar.snippet_tables import PIECE_SPLIT, PIECES
from ugaar.tables import AUDIO, SHEET, Table

_ROWS_AT_ONCE = 4
"""Media held together: a clip of 20 minutes takes tens of MB."""


def add_arguments(parser: argparse.ArgumentParser, medium: str) -> None:
    """Declare the files of a stage that stores a medium (sheet or audio)."""
    parser.add_argument("--pieces", type=Path, required=True, help="pieces table")
    parser.add_argument(f"--{medium}", type=Path, required=True, help="folder of rendered shards")
    parser.add_argument("--split", type=Path, help="piece_split table, to store some folds only")
    parser.add_argument("--folds", nargs="+", help="folds to store; needs --split")
    parser.add_argument("--out", type=Path, required=True, help=".npy file")
    parser.add_argument("--index-out", type=Path, required=True, help="its index")


def keys_of_pieces(arguments: argparse.Namespace, key: str) -> dict[str, str]:
    """Return the content key (sheet_key or audio_key) of each piece, or of those of some folds.

    Raises:
        ConfigError: --folds is given without --split.
    """
    if arguments.folds and not arguments.split:
        raise ConfigError("--folds needs --split")
    table = read_table(arguments.pieces, PIECES, ["piece_id", key])
    found = dict(zip(table["piece_id"].to_pylist(), table[key].to_pylist(), strict=True))
    if not arguments.folds:
        return found
    split = read_table(arguments.split, PIECE_SPLIT, ["piece_id", "fold"]).to_pylist()
    inside = {row["piece_id"] for row in split if row["fold"] in arguments.folds}
    return {piece: content for piece, content in found.items() if piece in inside}


def strip_layout(folder: Path, key_of: Mapping[str, str]) -> Layout:
    """Return the layout of the strips in a folder that belong to some pieces.

    Args:
        folder: shards of the sheet table.
        key_of: sheet_key of each piece.

    Raises:
        DataError: no piece has a strip.
    """
    table = read_table(folder, SHEET, ["sheet_key", "width_px"])
    widths = zip(table["sheet_key"].to_pylist(), table["width_px"].to_pylist(), strict=True)
    n_rows = {key: width // 2 for key, width in widths}
    return _layout(folder, key_of, n_rows, CROP_HEIGHT_PX // 2, np.uint8)


def clip_layout(folder: Path, key_of: Mapping[str, str], front_end: FrontEnd) -> Layout:
    """Return the layout of the spectrograms of the clips in a folder that belong to some pieces.

    Args:
        folder: shards of the audio table.
        key_of: audio_key of each piece.
        front_end: the spectrogram.

    Raises:
        DataError: no piece has a clip.
    """
    table = read_table(folder, AUDIO, ["audio_key", "n_samples", "sample_rate_hz"])
    n_rows = {
        row["audio_key"]: frame_count(row["n_samples"], row["sample_rate_hz"], front_end)
        for row in table.to_pylist()
    }
    return _layout(folder, key_of, n_rows, front_end.n_bins, np.float16)


def _layout(
    folder: Path,
    key_of: Mapping[str, str],
    n_rows: dict[str, int],
    width: int,
    dtype: type[np.uint8] | type[np.float16],
) -> Layout:
    rendered = {piece: key for piece, key in key_of.items() if key in n_rows}
    if not rendered:
        raise DataError(f"{folder}: no medium of {len(key_of)} pieces; check the rejects")
    return Layout({key: n_rows[key] for key in rendered.values()}, rendered, width, dtype)


def strips(folder: Path, layout: Layout) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield the strips of a layout at half resolution, (columns, 80), paper = 255."""
    for key, row in _rows(folder, SHEET, "sheet_key", ["png"], layout):
        yield key, halve(decode_strip(row["png"], key)).T


def spectrograms(
    folder: Path, layout: Layout, front_end: FrontEnd, noise_db: float | None = None
) -> Iterator[tuple[str, NDArray[np.float16]]]:
    """Yield the spectrograms of a layout, (frames, bins).

    Args:
        folder: shards of the audio table.
        layout: of `clip_layout`.
        front_end: the spectrogram.
        noise_db: signal-to-noise ratio of white noise added to the clips; None: none.
    """
    for key, row in _rows(folder, AUDIO, "audio_key", ["flac"], layout):
        clip, rate_hz = decode(row["flac"], key)
        if noise_db is not None:
            clip = with_noise(clip, noise_db, key)
        yield key, log_spectrogram(clip, rate_hz, front_end).astype(np.float16)


def _rows(
    folder: Path, declared: Table, key: str, columns: list[str], layout: Layout
) -> Iterator[tuple[str, dict]]:
    progress = Progress(len(layout.n_rows))
    for batch in iterate_table(folder, declared, [key, *columns], _ROWS_AT_ONCE):
        for row in batch:
            if row[key] in layout.n_rows:
                yield row[key], row
                progress.step()
