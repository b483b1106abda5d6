"""Sheet codes: crop by crop, exact with shared work, and one pass over the strip, in one run.

    python benchmarks/features_sheet.py --results results/music21 [--strips 20] [--maps 24 48 96 96]

Prints CPU time of one thread per crop (median over strips), ratios and cosines to the plain loop,
for the trained encoder, or for random weights with other numbers of maps (--maps). With
--retrieval, encodes all strips by one pass and compares R@1 on the validation fold, CCA against
the ASMCMR audio tower, with that of the run's own codes (features/sheet.parquet).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ugaar.align import cca
from ugaar.features.asmcmr_sheet import SheetEncoder, codes_one_by_one
from ugaar.features.strips import decode_strip
from ugaar.models.encoder_file import load_encoder
from ugaar.models.systems.cca_layer import AudioSheetEncoder, Design, new_encoder
from ugaar.parquet_files import iterate_table, metadata_of, read_table
from ugaar.tables import FEATURES_AUDIO, FEATURES_SHEET, SHEET, SPLIT, WINDOWS
from ugaar.train.device import bfloat16_is_native, choose_device

CROPS = 100
RIDGE = 1e-3


def timed(
    encode: Callable[[np.ndarray], np.ndarray], strips: list[np.ndarray]
) -> tuple[float, np.ndarray]:
    """Return milliseconds per crop (median over strips) and the codes of all strips."""
    encode(strips[0])
    times, codes = [], []
    for strip in strips:
        started = time.process_time()
        codes.append(encode(strip))
        times.append(time.process_time() - started)
    return 1e3 * float(np.median(times)) / CROPS, np.concatenate(codes)


def compare_speed(encoder: AudioSheetEncoder, strips: list[np.ndarray]) -> None:
    """Print times, ratios and cosines of all ways."""
    plain_ms, plain = timed(lambda strip: codes_one_by_one(encoder, strip, CROPS), strips)
    print(f"{'plain loop, float32':28s} {plain_ms:7.3f} ms/crop")
    precisions = {"float32": torch.float32}
    if bfloat16_is_native(torch.device("cpu")):
        precisions["bfloat16"] = torch.bfloat16
    for name, precision in precisions.items():
        fast = SheetEncoder(encoder, CROPS, precision)
        for mode, encode in (("exact", fast.exact), ("shared", fast.shared)):
            took, codes = timed(encode, strips)
            cosine = (codes * plain).sum(axis=1)
            print(
                f"{mode + ', ' + name:28s} {took:7.3f} ms/crop {plain_ms / took:6.1f} x   "
                f"cosine mean {cosine.mean():.5f} least {cosine.min():.5f}"
            )


def recall_at_1(audio: dict[str, np.ndarray], sheet: dict[str, np.ndarray], results: Path) -> str:
    """Return R@1 both ways on the validation fold, CCA fitted on the training fold."""
    split = read_table(results / "split.parquet", SPLIT, ["window_id", "fold"]).to_pydict()
    folds: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for fold in ("train", "valid"):
        ids = [
            window
            for window, found in zip(split["window_id"], split["fold"], strict=True)
            if found == fold and window in audio and window in sheet
        ]
        folds[fold] = np.array([audio[i] for i in ids]), np.array([sheet[i] for i in ids])
    fitted = cca.fit(*folds["train"], RIDGE)
    queries = cca.unit_rows(fitted.project_x(folds["valid"][0]))
    gallery = cca.unit_rows(fitted.project_y(folds["valid"][1]))
    scores = queries @ gallery.T
    hits = []
    for rows in (scores, scores.T):
        best = np.isclose(rows, rows.max(axis=1, keepdims=True), atol=1e-12)
        hits.append(100.0 * np.mean(best.diagonal() / best.sum(axis=1)))
    return f"audio-to-sheet {hits[0]:.1f} %, sheet-to-audio {hits[1]:.1f} % (N = {len(queries)})"


def compare_retrieval(encoder: AudioSheetEncoder, results: Path) -> None:
    """Print R@1 with the run's sheet codes and with codes from one pass."""
    vectors = []
    for name, table in (("audio_asmcmr", FEATURES_AUDIO), ("sheet", FEATURES_SHEET)):
        file = results / "features" / f"{name}.parquet"
        rows = read_table(file, table, ["window_id", "embedding"]).to_pydict()
        vectors.append(dict(zip(rows["window_id"], map(np.array, rows["embedding"]), strict=True)))
    audio, sheet = vectors
    mode = metadata_of(results / "features" / "sheet.parquet").get("mode", "unknown")
    print(f"R@1 with {mode} codes: {recall_at_1(audio, sheet, results)}")
    fast = SheetEncoder(encoder, CROPS, torch.float32)
    means = {
        row["sheet_key"]: fast.shared(decode_strip(row["png"], row["sheet_key"])).mean(axis=0)
        for rows in iterate_table(results / "sheet", SHEET, ["sheet_key", "png"])
        for row in rows
    }
    windows = read_table(results / "windows.parquet", WINDOWS, ["window_id", "sheet_key"])
    shared = {
        row["window_id"]: means[row["sheet_key"]]
        for row in windows.to_pylist()
        if row["sheet_key"] in means
    }
    print(f"R@1 with shared codes: {recall_at_1(audio, shared, results)}")


def main() -> None:
    """Run the comparison named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("results/music21"))
    parser.add_argument("--weights", type=Path, help="default: encoder/encoder.pt of the results")
    parser.add_argument("--strips", type=int, default=20)
    parser.add_argument("--maps", type=int, nargs=4, help="random weights with these maps instead")
    parser.add_argument("--retrieval", action="store_true")
    arguments = parser.parse_args()
    choose_device("cpu")
    if arguments.maps:
        encoder = new_encoder(Design(tuple(arguments.maps), 84), 0).eval()
    else:
        weights = arguments.weights or arguments.results / "encoder" / "encoder.pt"
        encoder = load_encoder(weights).encoder
    shards = iterate_table(
        arguments.results / "sheet", SHEET, ["sheet_key", "png"], arguments.strips
    )
    strips = [decode_strip(row["png"], row["sheet_key"]) for row in next(iter(shards))]
    print(f"{len(strips)} strips, {CROPS} crops each, maps {encoder.design.maps}")
    compare_speed(encoder, strips)
    if arguments.retrieval:
        compare_retrieval(encoder, arguments.results)


if __name__ == "__main__":
    main()
