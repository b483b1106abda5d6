"""Stage render-audio: the windows or pieces of one shard through TiMidity++ to FLAC clips."""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile

from ugaar import disk
from ugaar.errors import ConfigError
from ugaar.parquet_files import read_table
from ugaar.render import clip, external, shard
from ugaar.render.batch import Failure, StoppedError, run_isolated
from ugaar.render.midi import write_midi
from ugaar.render.renditions import Rendition, rendition_of
from ugaar.render.soundfont import open_soundfont
from ugaar.render.timidity import Synthesiser
from ugaar.settings import Settings
from ugaar.snippet_tables import PIECE_SPLIT
from ugaar.tables import AUDIO

SETTINGS = ("audio", "shards")
RENDITION_SETTINGS = ("audio", "shards", "audio_sheet.renditions", "audio_sheet.soundfonts")
"""Settings of a run with --rendition."""

COLUMNS = ("pitch", "onset_s", "duration_s")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's files."""
    shard.add_arguments(parser, "audio")
    parser.add_argument(
        "--rendition", help="way to play the pieces (config audio_sheet.renditions)"
    )
    parser.add_argument("--split", help="piece_split table, to render some folds only")
    parser.add_argument("--folds", nargs="+", help="folds to render; needs --split")


def keys(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Return the dotted configuration keys that a run needs."""
    return RENDITION_SETTINGS if arguments.rendition else SETTINGS


def render(
    rows: Sequence[dict], synthesiser: Synthesiser, folder: Path, velocity: int, tail_s: float
) -> Iterator[tuple[dict, dict | Failure]]:
    """Synthesise windows or pieces.

    Args:
        rows: windows or pieces with audio_key, pitch, onset_s and duration_s.
        synthesiser: how TiMidity++ is called.
        folder: working folder.
        velocity: key velocity.
        tail_s: silence kept after the last note, seconds.

    Yields:
        Each row with its row of the audio table or why there is none.
    """
    synthesiser.prepare(folder)

    def attempt(part: Sequence[dict]) -> Iterator[dict | Failure]:
        midis = [folder / f"{row['audio_key']}.mid" for row in part]
        ends_s = [
            write_midi(
                midi,
                row["pitch"],
                row["onset_s"],
                row["duration_s"],
                synthesiser.program,
                velocity,
            )
            for midi, row in zip(midis, part, strict=True)
        ]
        waves = synthesiser.synthesise(folder, midis)
        for wave, row, end_s in zip(waves, part, ends_s, strict=True):
            try:
                samples, rate_hz = soundfile.read(wave, dtype="int16")
            except soundfile.LibsndfileError as error:
                disk.needs_room(folder)
                raise StoppedError(f"TiMidity++ wrote no readable file: {error}") from error
            wave.unlink()
            yield _audio_row(row, samples, rate_hz, end_s + tail_s)

    yield from run_isolated(rows, attempt, lambda: synthesiser.probe(folder), "timidity-failed")


def _audio_row(row: dict, samples: np.ndarray, rate_hz: int, length_s: float) -> dict | Failure:
    before_s = min(row["onset_s"])
    fitted = clip.fit(samples, round(before_s * rate_hz), round(length_s * rate_hz))
    measures = clip.measure(fitted)
    failure = clip.fault(measures, before_s + len(samples) / rate_hz, max(row["onset_s"]))
    if failure:
        return failure
    flac = io.BytesIO()
    soundfile.write(flac, fitted, rate_hz, format="FLAC", subtype="PCM_16")
    return {
        "audio_key": row["audio_key"],
        "flac": flac.getvalue(),
        "sample_rate_hz": rate_hz,
        "n_samples": len(fitted),
        "duration_s": len(fitted) / rate_hz,
        "onset_s": row["onset_s"],
        "rms": measures.rms,
        "peak": measures.peak,
        "flatness": measures.flatness,
    }


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Render one shard."""
    audio = settings["audio"]
    level, path = shard.level_of(arguments)
    rendition = _rendition(arguments, settings)
    font = rendition.font if rendition else open_soundfont(audio["soundfont"])
    program = rendition.program if rendition else audio["program"]
    synthesiser = Synthesiser(
        font.path, program, audio["sample_rate_hz"], audio["timeout_s_per_clip"]
    )
    rows = shard.distinct_rows(
        path,
        level,
        "audio_key",
        COLUMNS,
        arguments.shard,
        settings["shards"],
        _items_of_folds(arguments),
    )
    metadata = {
        "synthesiser": external.version(external.TIMIDITY),
        "soundfont": font.path.name,
        "soundfont_sha256": font.sha256,
    }
    if rendition:
        metadata |= {
            "rendition": rendition.name,
            "program": str(rendition.program),
            "tempo": f"{rendition.tempo:g}",
            "transpose": str(rendition.transpose),
        }

    def into(folder: Path) -> Iterator[tuple[dict, dict | Failure]]:
        playable = []
        for row in rows:
            played = rendition.play(row) if rendition else row
            if isinstance(played, Failure):
                yield row, played
            else:
                playable.append(played)
        yield from render(playable, synthesiser, folder, audio["velocity"], audio["tail_s"])

    shard.write_rendered(arguments, AUDIO, metadata, level, rows, into)


def _rendition(arguments: argparse.Namespace, settings: Settings) -> Rendition | None:
    if arguments.rendition is None:
        return None
    sheet = settings["audio_sheet"]
    return rendition_of(
        arguments.rendition, sheet["renditions"], sheet["soundfonts"], settings["audio"]["program"]
    )


def _items_of_folds(arguments: argparse.Namespace) -> set[str] | None:
    if arguments.split is None and arguments.folds is None:
        return None
    if not (arguments.pieces and arguments.split and arguments.folds):
        raise ConfigError("--folds and --split go together, and with --pieces")
    table = read_table(arguments.split, PIECE_SPLIT, ["piece_id", "fold"])
    return {row["piece_id"] for row in table.to_pylist() if row["fold"] in arguments.folds}
