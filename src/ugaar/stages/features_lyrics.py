"""Train or load the skip-gram models and encode the lyrics of every window."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ugaar.errors import ConfigError, DataError
from ugaar.features import skipgram, skipgram_published
from ugaar.features.skipgram import LyricsEncoder, Vocabulary
from ugaar.parquet_files import open_table, read_table, write_table
from ugaar.progress import Progress
from ugaar.settings import as_text
from ugaar.tables import FEATURES_LYRICS, SKIPGRAM, SPLIT, WINDOWS

SETTINGS: tuple[str, ...] = ("features.lyrics",)

WINDOWS_AT_A_TIME = 256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the stage's files."""
    parser.add_argument("--windows", required=True, type=Path)
    parser.add_argument("--split", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path, help="features_lyrics table")
    parser.add_argument("--model-out", required=True, type=Path, help="skipgram table")


def _models(
    windows: list[dict[str, Any]], fold: Mapping[str, str], settings: Mapping[str, Any]
) -> tuple[Vocabulary, Vocabulary]:
    """Return the vectors of syllables and of words."""
    if settings["model"] == "published":
        paths = (settings["syllable_model"], settings["word_model"])
        if None in paths:
            raise ConfigError(
                "features.lyrics: model published needs syllable_model and word_model (files)"
            )
        return skipgram_published.load(Path(paths[0])), skipgram_published.load(Path(paths[1]))
    training = [window for window in windows if fold[window["window_id"]] == "train"]
    syllables, words = skipgram.sentences(training)
    progress = Progress(2 * settings["epochs"])
    return (
        skipgram.train(syllables, settings, "syllable", progress.step),
        skipgram.train(words, settings, "word", progress.step),
    )


def _write_models(path: Path, models: Mapping[str, Vocabulary], metadata: dict[str, str]) -> None:
    widths = {level: model.vectors.shape[1] for level, model in models.items()}
    if len(set(widths.values())) > 1:
        raise DataError(f"skip-gram models of different dimensions: {widths}")
    rows = [
        {"level": level, "token": token, "count": count, "embedding": vector}
        for level, model in models.items()
        for token, count, vector in zip(model.tokens, model.counts, model.vectors, strict=True)
    ]
    write_table(path, SKIPGRAM, rows, {"embedding": widths["syllable"]}, metadata)


def run(arguments: argparse.Namespace, settings: Mapping[str, Any]) -> None:
    """Write the lyrics features of every window, and the vectors they are made of."""
    chosen = settings["features"]["lyrics"]
    windows = read_table(
        arguments.windows, WINDOWS, ["window_id", "song_id", "index", "syllable", "word"]
    ).to_pylist()
    split = read_table(arguments.split, SPLIT, ["window_id", "fold", "protocol"]).to_pylist()
    fold = {row["window_id"]: row["fold"] for row in split}
    protocol = {row["window_id"]: row["protocol"] for row in split}
    if not windows:
        raise DataError(f"{arguments.windows}: no windows; see the rejects for the cause")
    absent = [window["window_id"] for window in windows if window["window_id"] not in fold]
    if absent:
        raise DataError(
            f"{arguments.split}: lacks {len(absent)} windows, such as {absent[0]}; run split again"
        )
    syllables, words = _models(windows, fold, chosen)
    encoder = LyricsEncoder(syllables, words, chosen["unknown"])
    metadata = {"encoder": f"skip-gram ({chosen['model']})", "settings": as_text(chosen)}
    _write_models(arguments.model_out, {"syllable": syllables, "word": words}, metadata)
    windows.sort(key=lambda row: row["window_id"])
    n_notes = len(windows[0]["syllable"])
    lengths = {"codes": n_notes * encoder.dimensions, "embedding": encoder.dimensions}
    totals = np.zeros(2, dtype=int)
    with open_table(arguments.out, FEATURES_LYRICS, lengths, metadata) as writer:
        for start in range(0, len(windows), WINDOWS_AT_A_TIME):
            rows = []
            for window in windows[start : start + WINDOWS_AT_A_TIME]:
                codes, unknown = encoder.encode(window["syllable"], window["word"])
                totals += unknown
                mean = codes.mean(axis=0, dtype=np.float64).astype(np.float32)
                rows.append(
                    {
                        "window_id": window["window_id"],
                        "protocol": protocol[window["window_id"]],
                        "codes": codes.ravel(),
                        "embedding": mean,
                        "n_unknown_syllables": unknown[0],
                        "n_unknown_words": unknown[1],
                    }
                )
            writer.write(rows)
    n_tokens = n_notes * len(windows)
    logging.info(
        "vocabulary: %d syllables, %d words; unknown: %d syllables and %d words of %d notes (%s)",
        len(syllables.tokens),
        len(words.tokens),
        totals[0],
        totals[1],
        n_tokens,
        chosen["unknown"],
    )
