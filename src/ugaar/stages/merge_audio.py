"""Join the frames of all shards to the windows and take the mean of each clip."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ugaar.features.pooling import frames_by_clip, mean_rows, protocol_of
from ugaar.tables import (
    AUDIO_PART,
    FEATURES_AUDIO,
    FEATURES_AUDIO_FRAMES,
    SPLIT,
    WINDOWS,
    metadata_of,
    open_table,
    read_table,
)

SETTINGS: tuple[str, ...] = ()

WINDOWS_AT_A_TIME = 256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--parts", required=True, nargs="+", type=Path, help="audio_part tables")
    parser.add_argument("--windows", required=True, type=Path)
    parser.add_argument("--split", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path, help="features_audio table")
    parser.add_argument("--frames-out", type=Path, help="features_audio_frames table")


def run(arguments: argparse.Namespace, settings: Mapping[str, Any]) -> None:
    """Write the mean, and where asked the frames, of every window that has a clip."""
    clips = frames_by_clip([(path, read_table(path, AUDIO_PART)) for path in arguments.parts])
    windows = read_table(arguments.windows, WINDOWS, ["window_id", "audio_key"])
    protocol = protocol_of(read_table(arguments.split, SPLIT, ["window_id", "protocol"]))
    rows = sorted(
        (window["window_id"], window["audio_key"])
        for window in windows.to_pylist()
        if window["audio_key"] in clips
    )
    metadata = metadata_of(arguments.parts[0])
    lengths = {"embedding": clips.dimensions}
    with open_table(arguments.out, FEATURES_AUDIO, lengths, metadata) as writer:
        for start in range(0, len(rows), WINDOWS_AT_A_TIME):
            writer.write(mean_rows(clips, rows[start : start + WINDOWS_AT_A_TIME], protocol))
    if arguments.frames_out is None:
        return
    with open_table(arguments.frames_out, FEATURES_AUDIO_FRAMES, lengths, metadata) as writer:
        for window_id, audio_key in rows:
            times, vectors = clips[audio_key]
            writer.write(
                [
                    {
                        "window_id": window_id,
                        "protocol": protocol[window_id],
                        "frame": frame,
                        "time_s": time,
                        "embedding": vector,
                    }
                    for frame, (time, vector) in enumerate(zip(times, vectors, strict=True))
                ]
            )
