"""Write Tables I and II and the paired comparisons as CSV, Markdown, LaTeX and HTML."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ugaar.evaluate import published
from ugaar.evaluate.notes import CUT, feature_note, measurement_notes, shared_content_notes
from ugaar.evaluate.paper_tables import (
    LONG_COLUMNS,
    Results,
    comparison_table,
    galleries_table,
    long_rows,
    table_1,
    table_2,
)
from ugaar.parquet_files import metadata_of, read_table
from ugaar.report.table_files import write_csv, write_formats
from ugaar.settings import Settings
from ugaar.tables import COMPARISONS, METRICS, MODALITIES, SPLIT, WINDOWS

SETTINGS: tuple[str, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files of the stage."""
    parser.add_argument("--metrics", type=Path, required=True, help="metrics table")
    parser.add_argument("--comparisons", type=Path, help="comparisons table")
    parser.add_argument("--windows", type=Path, help="windows table, to count shared texts")
    parser.add_argument("--split", type=Path, help="split table, to count shared texts")
    parser.add_argument(
        "--features", type=Path, nargs="*", default=[], help="feature tables, to name the encoders"
    )
    parser.add_argument("--out-dir", type=Path, required=True, help="folder of the tables")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Read the metrics and write every table in every format."""
    metadata = metadata_of(arguments.metrics)
    metric_rows = read_table(arguments.metrics, METRICS).to_pylist()
    results = Results(metric_rows)
    protocols = sorted({protocol for protocol, _ in results.lines})
    notes = list(measurement_notes(metadata, protocols))
    shared: list[str] = []
    if arguments.windows and arguments.split:
        gallery = _gallery(arguments.windows, arguments.split, metadata["fold"], arguments.features)
        shared = list(shared_content_notes(gallery))
    features = [feature_note(path.stem, metadata_of(path)) for path in arguments.features]

    folder = arguments.out_dir
    for table, metrics, paper in (
        (table_1(results, [*notes, *shared, *features]), ("R@1", "MedR"), published.TABLE_1),
        (table_2(results, [*notes, *shared, *features]), results.metrics, published.TABLE_2),
    ):
        write_formats(folder, table)
        write_csv(folder / f"{table.name}.csv", LONG_COLUMNS, long_rows(results, metrics, paper))
    write_formats(folder, galleries_table(metric_rows, [*notes, CUT]))
    pooled = [row for row in metric_rows if row["seed"] is None]
    write_csv(folder / "galleries.csv", METRICS.column_names, pooled)
    if arguments.comparisons:
        rows = read_table(arguments.comparisons, COMPARISONS).to_pylist()
        write_formats(folder, comparison_table(rows, [_PAIRED, *notes[1:2]]))
        write_csv(folder / "comparisons.csv", COMPARISONS.column_names, rows)


_PAIRED = (
    "Method minus reference; higher is better for R@K and MRR, lower for MedR/N. Brackets: paired "
    "bootstrap interval; both methods are resampled with the same queries and the same seeds."
)


def _gallery(
    windows: Path, split: Path, fold: str, features: Sequence[Path]
) -> dict[str, list[str]]:
    """Return the content hashes of the windows that were ranked, modality -> hashes."""
    folds = read_table(split, SPLIT, ["window_id", "fold"]).to_pydict()
    ranked = {
        window
        for window, its_fold in zip(folds["window_id"], folds["fold"], strict=True)
        if its_fold == fold
    }
    for path in features:
        ranked &= _window_ids(path)
    keys = {modality: f"{modality}_key" for modality in MODALITIES}
    rows = read_table(windows, WINDOWS, ["window_id", *keys.values()]).to_pylist()
    kept = [row for row in rows if row["window_id"] in ranked]
    return {modality: [row[key] for row in kept] for modality, key in keys.items()}


def _window_ids(path: Path) -> set[str]:
    import pyarrow.parquet as pq

    return set(pq.read_table(path, columns=["window_id"])["window_id"].to_pylist())
