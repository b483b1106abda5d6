"""One TiMidity++ process for all clips against one process per clip, on the same windows.

    PYTHONPATH=src python benchmarks/render_audio.py [--windows FILE] [--clips N] [--rounds N]

Both ways are timed in turns in the same run, so that other work on the machine meets both. The
plain way is what a first implementation does: write a MIDI file, call TiMidity++ on it, read the
WAV, write FLAC. The batch way is the stage itself, with its checks of every clip.
"""

from __future__ import annotations

import argparse
import io
import subprocess
from collections.abc import Sequence
from pathlib import Path

import soundfile

from sample_windows import add_arguments, compare, sample
from ugaar.render.batch import Failure
from ugaar.render.external import workspace
from ugaar.render.midi import write_midi
from ugaar.render.soundfont import open_soundfont
from ugaar.render.timidity import Synthesiser
from ugaar.stages.render_audio import render

VELOCITY, TAIL_S, RATE_HZ, STALL_S = 90, 0.5, 22050, 120.0


def plain(rows: Sequence[dict], font: Path) -> int:
    """Render each window with a process of its own; return the bytes of all clips."""
    n_bytes = 0
    with workspace() as folder:
        (folder / "own.cfg").write_text(f"soundfont {font}\n")
        for row in rows:
            midi, wave = folder / "a.mid", folder / "a.wav"
            write_midi(midi, row["pitch"], row["onset_s"], row["duration_s"], 0, VELOCITY)
            command = ["timidity", "-c", "own.cfg", "-idqq", "-Ow1slM", "-s", str(RATE_HZ)]
            subprocess.run(
                [*command, "-o", str(wave), str(midi)], cwd=folder, check=True, capture_output=True
            )
            samples, rate_hz = soundfile.read(wave, dtype="int16")
            flac = io.BytesIO()
            soundfile.write(flac, samples, rate_hz, format="FLAC")
            n_bytes += len(flac.getvalue())
    return n_bytes


def batch(rows: Sequence[dict], font: Path) -> int:
    """Render all windows as the stage does; return the bytes of all clips."""
    synthesiser = Synthesiser(font, 0, RATE_HZ, STALL_S)
    n_bytes = 0
    with workspace() as folder:
        for row, result in render(rows, synthesiser, folder, VELOCITY, TAIL_S):
            if isinstance(result, Failure):
                raise SystemExit(f"{row['window_id']}: {result.detail}")
            n_bytes += len(result["flac"])
    return n_bytes


def main() -> None:
    """Time both ways and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser, "clips")
    arguments = parser.parse_args()
    rows = sample(arguments.windows, arguments.clips, "audio_key")
    font = open_soundfont(None).path
    compare(lambda: plain(rows, font), lambda: batch(rows, font), len(rows), arguments.rounds)


if __name__ == "__main__":
    main()
