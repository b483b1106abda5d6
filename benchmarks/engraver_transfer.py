"""A model trained on one engraver's strips, tested on strips of the other.

    PYTHONPATH=src python benchmarks/engraver_transfer.py [--other verovio] [--items N] [--out FILE]

The files are those of the default run; --windows, --split, --audio, --sheet, --weights and --config
name others, such as those of results/mtm/.

Works on a finished results folder. The CCA of audio and sheet is fitted on the folder's own
training strips, ridge by its validation fold, as the method `cca` does. Then N windows of the test
fold are engraved by the other engraver and encoded by the folder's encoder, which has seen no such
strip. Both galleries hold the same windows, so what differs between the two lines of a direction
is the engraver of the test strips alone. The interval is a paired bootstrap over the songs.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from ugaar.align.cca import principal_axes
from ugaar.evaluate.metrics import mid_rank, recall_at
from ugaar.evaluate.ranks import rank_matches
from ugaar.features.asmcmr_sheet import SheetEncoder
from ugaar.features.strips import decode_strip
from ugaar.models.encoder_file import load_encoder
from ugaar.parquet_files import metadata_of, read_table
from ugaar.render.batch import Failure
from ugaar.render.external import workspace
from ugaar.render.layout import layout_of
from ugaar.render.sheet_renderer import load_renderer
from ugaar.settings import load_yaml
from ugaar.stages.render_sheet import COLUMNS
from ugaar.tables import WINDOWS
from ugaar.train.dataset import Features, load_features
from ugaar.train.linear import FittedPair, fit_best_ridge

DATA = Path("results/music21")
SPLIT = DATA / "song-disjoint"
FILES = {
    "windows": DATA / "windows.parquet",
    "config": DATA / "config.yaml",
    "split": SPLIT / "split.parquet",
    "audio": SPLIT / "features/audio_asmcmr.parquet",
    "sheet": SPLIT / "features/sheet.parquet",
    "weights": SPLIT / "encoder/encoder.pt",
}

PAIR = ("audio", "sheet")
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
RESAMPLES = 2000


def chosen_rows(path: Path, wanted: Sequence[str]) -> dict[str, dict]:
    """Return the named windows with what the engravers need."""
    table = read_table(path, WINDOWS, ["window_id", "sheet_key", *COLUMNS])
    keep = set(wanted)
    return {row["window_id"]: row for row in table.to_pylist() if row["window_id"] in keep}


def engraved(rows: Sequence[dict], name: str, sheet: Mapping) -> dict[str, bytes]:
    """Return the PNG of each window that the engraver could draw."""
    layout = layout_of(sheet)
    drawn = {}
    with workspace() as folder:
        renderer = load_renderer(name)
        print(f"test strips of the other engraver: {renderer.versions()['engraver']}")
        for row, result in renderer.render(rows, layout, folder, sheet["timeout_s_per_strip"]):
            if isinstance(result, Failure):
                print(f"left out: {row['window_id']}: {result.reason}: {result.detail}")
            else:
                drawn[row["window_id"]] = result["png"]
    return drawn


def embeddings(
    pngs: Mapping[str, bytes], weights: Path, made_with: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """Return the mean code (32,) of each strip, by the encoder as the folder's table says."""
    encoder = SheetEncoder(
        load_encoder(weights).encoder, int(made_with["crops"]), PRECISIONS[made_with["precision"]]
    )
    encode = {"exact": encoder.exact, "shared": encoder.shared}[made_with["mode"]]
    return {
        window: encode(decode_strip(png, window)).mean(axis=0, dtype=np.float64)
        for window, png in pngs.items()
    }


def ranks(
    pair: FittedPair, audio: np.ndarray, sheet: np.ndarray, content: Mapping[str, np.ndarray]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return better and tied items of each query, in both directions."""
    points = {"audio": pair.project("audio", audio), "sheet": pair.project("sheet", sheet)}
    return {
        f"{query} -> {gallery}": rank_matches(
            points[query], points[gallery], content[gallery].astype(str).tolist(), "cosine"
        )
        for query, gallery in (PAIR, PAIR[::-1])
    }


def line(found: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
    """Return R@1, R@10 (percent) and MedR."""
    return {
        "R@1": 100 * float(recall_at(*found, 1).mean()),
        "R@10": 100 * float(recall_at(*found, 10).mean()),
        "MedR": float(np.median(mid_rank(*found))),
    }


def interval(difference: np.ndarray, songs: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of a mean difference, songs drawn with replacement."""
    _, place = np.unique(songs, return_inverse=True)
    sums = np.bincount(place, weights=difference)
    counts = np.bincount(place)
    drawn = np.random.default_rng(0).integers(len(sums), size=(RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def test_sample(features: Features, items: int | None) -> Features:
    """Return the test fold, or evenly spread windows of it."""
    test = features.take("test")
    count = len(test) if items is None else min(items, len(test))
    rows = np.unique(np.linspace(0, len(test) - 1, count).round().astype(int))
    return taken(test, rows)


def taken(features: Features, rows: np.ndarray) -> Features:
    """Return some rows of features."""
    return Features(
        features.window_id[rows],
        features.fold[rows],
        {name: vectors[rows] for name, vectors in features.vectors.items()},
        {name: numbers[rows] for name, numbers in features.content.items()},
    )


def main() -> None:
    """Print both lines of both directions and what the other engraver costs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, path in FILES.items():
        parser.add_argument(f"--{name}", type=Path, default=path, help=f"default: {path}")
    parser.add_argument("--other", default="verovio", help="engraver of the other test strips")
    parser.add_argument("--items", type=int, help="number of test windows (default: all)")
    parser.add_argument("--out", type=Path, help="CSV file to write besides")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = load_yaml(arguments.config)

    features = load_features(
        {"audio": arguments.audio, "sheet": arguments.sheet}, arguments.split, arguments.windows
    )
    train, valid = features.take("train"), features.take("valid")
    axes = {
        name: principal_axes(rows, config["cca"]["components"])
        for name, rows in train.vectors.items()
    }
    pair, _ = fit_best_ridge(PAIR, axes, valid, config["cca"]["ridges"])

    test = test_sample(features, arguments.items)
    rows = chosen_rows(arguments.windows, test.window_id.tolist())
    pngs = engraved(
        [rows[name] for name in test.window_id.tolist()], arguments.other, config["sheet"]
    )
    codes = embeddings(pngs, arguments.weights, metadata_of(arguments.sheet))
    test = taken(test, np.array([i for i, name in enumerate(test.window_id) if name in codes]))
    other = np.array([codes[name] for name in test.window_id.tolist()])

    same_ranks = ranks(pair, test.vectors["audio"], test.vectors["sheet"], test.content)
    other_ranks = ranks(pair, test.vectors["audio"], other, test.content)
    songs = np.array([rows[name]["song_id"] for name in test.window_id.tolist()])
    cosine = (test.vectors["sheet"] * other).sum(axis=1) / (
        np.linalg.norm(test.vectors["sheet"], axis=1) * np.linalg.norm(other, axis=1)
    )
    print(
        f"{len(train)} training windows, {len(test)} test windows of {len(set(songs))} songs; "
        f"ridge {pair.ridge:g}; cosine of a window's two mean codes: median {np.median(cosine):.3f}"
    )
    lines = []
    for direction, same in same_ranks.items():
        for engraver, found in (("same", same), ("other", other_ranks[direction])):
            lines.append({"direction": direction, "test strips": engraver, **line(found)})
            print(
                f"{direction}, {engraver:5} engraver: R@1 {lines[-1]['R@1']:.1f} %, "
                f"R@10 {lines[-1]['R@10']:.1f} %, MedR {lines[-1]['MedR']:g}"
            )
        difference = 100 * (recall_at(*other_ranks[direction], 1) - recall_at(*same, 1))
        low, high = interval(difference, songs)
        print(
            f"{direction}: R@1 changes by {difference.mean():+.1f} points [{low:+.1f}, {high:+.1f}]"
        )
    if arguments.out:
        with arguments.out.open("w", newline="", encoding="utf-8") as opened:
            writer = csv.DictWriter(opened, list(lines[0]))
            writer.writeheader()
            writer.writerows(lines)


if __name__ == "__main__":
    main()
