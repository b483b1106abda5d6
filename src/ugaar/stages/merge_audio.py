"""Join the frames of all shards to the windows and take the mean of each clip."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ugaar.errors import DataError
from ugaar.features.pooling import frame_rows, frames_by_clip, mean_rows, protocol_of
from ugaar.features.row_store import rows_at_a_time
from ugaar.parquet_files import metadata_of, open_table, read_table
from ugaar.progress import Progress
from ugaar.tables import FEATURES_AUDIO, FEATURES_AUDIO_FRAMES, SPLIT, WINDOWS

SETTINGS: tuple[str, ...] = ()

FRAMES_A_WINDOW = 16
"""Frames expected of a window, for the size of batches."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--parts", required=True, nargs="+", type=Path, help="audio_part tables")
    parser.add_argument("--windows", required=True, type=Path)
    parser.add_argument("--split", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path, help="features_audio table")
    parser.add_argument("--frames-out", type=Path, help="features_audio_frames table")


def run(arguments: argparse.Namespace, settings: Mapping[str, Any]) -> None:
    """Write the mean, and where asked the frames, of every window that has a clip."""
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    clips = frames_by_clip(arguments.parts, arguments.out.parent)
    windows = read_table(arguments.windows, WINDOWS, ["window_id", "audio_key"]).to_pydict()
    protocol = protocol_of(read_table(arguments.split, SPLIT, ["window_id", "protocol"]))
    rows = sorted(
        (window, key)
        for window, key in zip(windows["window_id"], windows["audio_key"], strict=True)
        if key in clips
    )
    outside = [window for window, _ in rows if window not in protocol]
    if outside:
        raise DataError(f"window {outside[0]}: not in the split table; run split again")
    metadata = metadata_of(arguments.parts[0])
    lengths = {"embedding": clips.dimensions}
    progress = Progress(len(rows) * (1 + bool(arguments.frames_out)))
    outputs = [(arguments.out, FEATURES_AUDIO, mean_rows, 1)]
    if arguments.frames_out is not None:
        outputs.append((arguments.frames_out, FEATURES_AUDIO_FRAMES, frame_rows, FRAMES_A_WINDOW))
    for path, table, columns_of, vectors_each in outputs:
        step = max(1, rows_at_a_time(clips.dimensions) // vectors_each)
        with open_table(path, table, lengths, metadata) as writer:
            for start in range(0, len(rows), step):
                batch = rows[start : start + step]
                writer.write(columns_of(clips, batch, protocol))
                progress.step(len(batch))
    clips.close()
