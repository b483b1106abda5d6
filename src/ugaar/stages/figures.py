"""Draw one figure from the tables it needs."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pyarrow.compute as pc

from ugaar.errors import DataError
from ugaar.parquet_files import iterate_table, metadata_of, read_table
from ugaar.report import (
    correlations_figure,
    funnel_figure,
    ranks_figure,
    samples_figure,
    training_figure,
)
from ugaar.report.style import new_figure, save
from ugaar.settings import Settings
from ugaar.tables import AUDIO, FUNNEL, HISTORY, METRICS, RANKS, SHEET, SONGS, SPLIT, WINDOWS, Table

SETTINGS: tuple[str, ...] = ()

SAMPLES = 3

NEEDED = {
    "ranks": ("ranks", "metrics"),
    "training": ("history",),
    "funnel": ("funnel",),
    "correlations": ("ground_truth",),
    "samples": ("songs", "windows", "split", "audio", "sheet"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files of the stage; each figure needs some of them."""
    parser.add_argument("--which", required=True, choices=list(NEEDED), help="figure to draw")
    parser.add_argument("--out-dir", type=Path, required=True, help="folder of the figures")
    parser.add_argument("--ranks", type=Path, help="ranks table (ranks)")
    parser.add_argument("--metrics", type=Path, help="metrics table (ranks)")
    parser.add_argument("--history", type=Path, nargs="+", help="history tables (training)")
    parser.add_argument("--funnel", type=Path, help="funnel table (funnel)")
    parser.add_argument("--ground-truth", type=Path, help="ground truth table (correlations)")
    parser.add_argument("--songs", type=Path, help="songs table (samples)")
    parser.add_argument("--windows", type=Path, help="windows table (samples)")
    parser.add_argument("--split", type=Path, help="split table (samples)")
    parser.add_argument("--audio", type=Path, help="folder of audio shards (samples)")
    parser.add_argument("--sheet", type=Path, help="folder of sheet shards (samples)")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Draw the figure into <out-dir>/<which>.png and .svg."""
    which = arguments.which
    missing = [name for name in NEEDED[which] if getattr(arguments, name) is None]
    if missing:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise DataError(f"figure {which!r} needs {flags}")
    drawing = {
        "ranks": _ranks,
        "training": _training,
        "funnel": _funnel,
        "correlations": _correlations,
        "samples": _samples,
    }[which]
    drawing(arguments)
    logging.info("wrote %s", arguments.out_dir / f"{which}.png")


def _ranks(arguments: argparse.Namespace) -> None:
    ranks = read_table(arguments.ranks, RANKS)
    whole_fold = pc.max(ranks["gallery_size"])
    ranks = ranks.filter(pc.equal(ranks["gallery_size"], whole_fold))
    metrics = [
        row
        for row in read_table(arguments.metrics, METRICS).to_pylist()
        if row["gallery_size"] == whole_fold.as_py()
    ]
    with new_figure(5.2) as figure:
        ranks_figure.draw(figure, ranks, metrics)
        save(figure, arguments.out_dir, "ranks")


def _training(arguments: argparse.Namespace) -> None:
    rows = [row for path in arguments.history for row in read_table(path, HISTORY).to_pylist()]
    curves = training_figure.curves_of(rows)
    with new_figure(training_figure.height_in(len(curves))) as figure:
        if curves:
            training_figure.draw(figure, curves)
        else:
            figure.text(0.5, 0.5, "No method of this run is trained in epochs.", ha="center")
        save(figure, arguments.out_dir, "training")


def _funnel(arguments: argparse.Namespace) -> None:
    rows = read_table(arguments.funnel, FUNNEL).to_pylist()
    with new_figure(0.4 + 0.62 * max(2, len(funnel_figure.steps_of(rows)) - 2)) as figure:
        funnel_figure.draw(figure, rows)
        save(figure, arguments.out_dir, "funnel")


def _correlations(arguments: argparse.Namespace) -> None:
    metadata = metadata_of(arguments.ground_truth)
    if "correlations" not in metadata:
        raise DataError(
            f"{arguments.ground_truth}: metadata lack correlations; run ground-truth again"
        )
    with new_figure(2.8) as figure:
        correlations_figure.draw(figure, json.loads(metadata["correlations"]))
        save(figure, arguments.out_dir, "correlations")


def _samples(arguments: argparse.Namespace) -> None:
    songs = read_table(arguments.songs, SONGS, ["song_id", "path", "title"]).to_pylist()
    title_of = {song["song_id"]: song["title"] or Path(song["path"]).stem for song in songs}
    path_of = {song["song_id"]: song["path"] for song in songs}
    split = read_table(arguments.split, SPLIT, ["window_id", "fold"]).to_pylist()
    fold_of = {row["window_id"]: row["fold"] for row in split}
    columns = ["window_id", "song_id", "index", "syllable", "audio_key", "sheet_key"]
    windows = read_table(arguments.windows, WINDOWS, columns).to_pylist()
    rendered = {
        medium: set(read_table(getattr(arguments, medium), table, [key])[key].to_pylist())
        for medium, table, key in (("audio", AUDIO, "audio_key"), ("sheet", SHEET, "sheet_key"))
    }
    complete = [
        window
        for window in windows
        if window["audio_key"] in rendered["audio"] and window["sheet_key"] in rendered["sheet"]
    ]
    if not complete:
        raise DataError(f"{arguments.windows}: no window has both a clip and a strip to show")
    chosen = samples_figure.choose(complete, path_of, fold_of, SAMPLES)
    clips = dict(_media(arguments.audio, AUDIO, "audio_key", [w["audio_key"] for w in chosen]))
    strips = dict(_media(arguments.sheet, SHEET, "sheet_key", [w["sheet_key"] for w in chosen]))
    samples = []
    for window in chosen:
        clip, strip = clips[window["audio_key"]], strips[window["sheet_key"]]
        fold = fold_of.get(window["window_id"], "no")
        place = f"window {window['index'] + 1}, {fold} fold"
        samples.append(
            samples_figure.Sample(
                f"{title_of[window['song_id']]} ({place})",
                strip["png"],
                strip["notehead_x_px"],
                strip["note_index"],
                window["syllable"],
                clip["flac"],
                clip["onset_s"],
            )
        )
    with new_figure(6.0) as figure:
        samples_figure.draw(figure, samples)
        save(figure, arguments.out_dir, "samples")


def _media(folder: Path, table: Table, key: str, wanted: list[str]) -> Iterator[tuple[str, dict]]:
    """Yield (key, row) of the wanted media; shards without any of them are not read."""
    for shard in sorted(folder.glob("*.parquet")):
        if not set(wanted).intersection(read_table(shard, table, [key])[key].to_pylist()):
            continue
        for rows in iterate_table(shard, table):
            for row in rows:
                if row[key] in wanted:
                    yield row[key], row
