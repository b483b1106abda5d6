"""Encode the clips of one shard with one audio encoder."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ugaar.features.audio_clips import decode
from ugaar.features.audio_encoder import ENCODERS, AudioEncoder, load_encoder
from ugaar.parquet_files import iterate_table, open_table, read_table
from ugaar.progress import Progress
from ugaar.settings import as_text
from ugaar.tables import AUDIO, AUDIO_PART
from ugaar.train.device import choose_device

SETTINGS: tuple[str, ...] = (
    "features.audio.musicnn",
    "features.audio.vggish",
    "features.audio.asmcmr",
    "device",
)

CLIPS_AT_A_TIME = 16


def settings_of(encoder: str) -> tuple[str, ...]:
    """Return the keys of `SETTINGS` that one encoder reads, so that no other key reruns it."""
    return (*ENCODERS[encoder].settings, "device")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--encoder", required=True, choices=sorted(ENCODERS))
    parser.add_argument("--audio", required=True, type=Path, help="one shard of the audio table")
    parser.add_argument("--weights", type=Path, help="weights of the encoder")
    parser.add_argument("--out", required=True, type=Path, help="audio_part table")


def _rows(encoder: AudioEncoder, clips: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of each clip in the order of the clips."""
    decoded = [decode(clip["flac"], clip["audio_key"]) for clip in clips]
    for clip, (samples, rate) in zip(clips, decoded, strict=True):
        ((times, vectors),) = encoder.encode([samples], rate, [clip["onset_s"]])
        yield [
            {
                "audio_key": clip["audio_key"],
                "frame": frame,
                "time_s": float(time),
                "embedding": np.asarray(vector, dtype=np.float32),
            }
            for frame, (time, vector) in enumerate(zip(times, vectors, strict=True))
        ]


def run(arguments: argparse.Namespace, settings: Mapping[str, Any]) -> None:
    """Encode every clip of the shard, in the order of its rows."""
    device = choose_device(settings["device"])
    encoder = load_encoder(arguments.encoder, arguments.weights, settings, str(device))
    progress = Progress(len(read_table(arguments.audio, AUDIO, ["audio_key"])))
    metadata = {
        "encoder": arguments.encoder,
        "settings": as_text(settings["features"]["audio"].get(arguments.encoder, {})),
    }
    with open_table(
        arguments.out, AUDIO_PART, {"embedding": encoder.dimensions}, metadata
    ) as writer:
        for clips in iterate_table(
            arguments.audio, AUDIO, ["audio_key", "flac", "onset_s"], CLIPS_AT_A_TIME
        ):
            rows = [row for clip_rows in _rows(encoder, clips) for row in clip_rows]
            writer.write(rows)
            progress.step(len(clips))
