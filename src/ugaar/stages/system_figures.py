"""Draw one figure of the audio-sheet systems from the tables it needs."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ugaar.errors import DataError
from ugaar.evaluate.example_queries import Example, answer_queries, choose_queries
from ugaar.evaluate.metrics import mid_rank
from ugaar.evaluate.system_codes import SystemCodes
from ugaar.evaluate.system_ranking import DIRECTIONS, TWIN_COLUMN, TestSnippets
from ugaar.evaluate.system_results import SystemResults
from ugaar.evaluate.system_summary import CEILING
from ugaar.parquet_files import check, metadata_of, read_table
from ugaar.report import (
    system_examples_figure,
    system_retrieval_figures,
    system_training_figures,
)
from ugaar.report.style import new_figure, save
from ugaar.settings import Settings
from ugaar.snippet_tables import (
    PIECES,
    SNIPPETS,
    SPECTROGRAM_INDEX,
    STRIP_INDEX,
    SYSTEM_METRICS,
    SYSTEM_RANKS,
)
from ugaar.tables import HISTORY

SETTINGS: tuple[str, ...] = ()

NEEDED = {
    "learning": ("history",),
    "correlations": ("history",),
    "recall": ("ranks", "metrics"),
    "robustness": ("metrics",),
    "examples": (
        "ranks",
        "codes",
        "snippets",
        "strips",
        "strips_index",
        "spectrograms",
        "spectrograms_index",
        "front_end",
    ),
}

FRAMES_PER_S = {"20fps": 20.0, "31fps": 31.25}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files of the stage; each figure needs some of them."""
    parser.add_argument("--which", required=True, choices=list(NEEDED), help="figure to draw")
    parser.add_argument("--out-dir", type=Path, required=True, help="folder of the figures")
    parser.add_argument(
        "--history", type=Path, nargs="+", help="history tables (learning, correlations)"
    )
    parser.add_argument("--ranks", type=Path, help="system_ranks table (recall, examples)")
    parser.add_argument("--metrics", type=Path, help="system_metrics table (recall, robustness)")
    parser.add_argument("--codes", type=Path, help="codes of one system and seed (examples)")
    parser.add_argument("--snippets", type=Path, help="snippets table (examples)")
    parser.add_argument("--strips", type=Path, help="strips as .npy (examples)")
    parser.add_argument("--strips-index", type=Path, help="their index (examples)")
    parser.add_argument("--spectrograms", type=Path, help="spectrograms as .npy (examples)")
    parser.add_argument("--spectrograms-index", type=Path, help="their index (examples)")
    parser.add_argument("--front-end", choices=list(FRAMES_PER_S), help="theirs (examples)")
    parser.add_argument("--pieces", type=Path, help="pieces table, for titles (examples)")


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Draw the figure into <out-dir>/<which>.png and .svg."""
    which = arguments.which
    missing = [name for name in NEEDED[which] if getattr(arguments, name) is None]
    if missing:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise DataError(f"figure {which!r} needs {flags}")
    drawing = {
        "learning": _learning,
        "correlations": _correlations,
        "recall": _recall,
        "robustness": _robustness,
        "examples": _examples,
    }[which]
    drawing(arguments)
    logging.info("wrote %s", arguments.out_dir / f"{which}.png")


def _history(paths: list[Path]) -> tuple[list[dict], list[str]]:
    """Return the rows of history tables, and the systems in the order of the files."""
    rows = [row for path in paths for row in read_table(path, HISTORY).to_pylist()]
    return rows, list(dict.fromkeys(row["method"] for row in rows))


def _learning(arguments: argparse.Namespace) -> None:
    rows, systems = _history(arguments.history)
    losses, ranks = system_training_figures.learning_curves(rows)
    with new_figure(system_training_figures.learning_height_in(len(systems))) as figure:
        system_training_figures.draw_learning(figure, losses, ranks, systems)
        save(figure, arguments.out_dir, "learning")


def _correlations(arguments: argparse.Namespace) -> None:
    rows, systems = _history(arguments.history)
    curves = system_training_figures.correlation_curves(rows)
    if not curves:
        raise DataError("the history tables log no canonical correlation; train the systems again")
    with new_figure(3.4) as figure:
        system_training_figures.draw_correlations(figure, curves, systems)
        save(figure, arguments.out_dir, "correlations")


def _results(path: Path) -> SystemResults:
    return SystemResults(read_table(path, SYSTEM_METRICS).to_pylist(), metadata_of(path))


def _recall(arguments: argparse.Namespace) -> None:
    results = _results(arguments.metrics)
    ranks = _ranks(arguments.ranks, condition=results.main, gallery_size=results.main_size)
    curves = system_retrieval_figures.recall_curves(ranks, results.main, results.main_size)
    ceiling = results.row(f"{CEILING}5", DIRECTIONS[0], "R@1")
    with new_figure(4.0) as figure:
        system_retrieval_figures.draw_recall(
            figure, curves, results.systems, ceiling["value"] if ceiling else None
        )
        save(figure, arguments.out_dir, "recall")


def _robustness(arguments: argparse.Namespace) -> None:
    results = _results(arguments.metrics)
    height = system_retrieval_figures.robustness_height_in(len(results.conditions))
    with new_figure(height) as figure:
        system_retrieval_figures.draw_robustness(figure, results)
        save(figure, arguments.out_dir, "robustness")


def _ranks(path: Path, **wanted: str | int) -> pa.Table:
    """Return the ranks where only the snippet itself is right; others are not read."""
    check(SYSTEM_RANKS, pq.read_schema(path), path)
    filters = [("right", "=", "exact"), *((name, "=", value) for name, value in wanted.items())]
    return pq.read_table(path, filters=filters)


def _examples(arguments: argparse.Namespace) -> None:
    main = json.loads(metadata_of(arguments.ranks)["conditions"])[0]
    codes = SystemCodes(arguments.codes, main)
    ranks = _ranks(arguments.ranks, system=codes.system, seed=codes.seed, condition=main)
    if not len(ranks):
        raise DataError(f"{arguments.ranks}: no ranks of {codes.system}, seed {codes.seed}")
    ranks = ranks.filter(pc.equal(ranks["gallery_size"], pc.max(ranks["gallery_size"])))
    front_end = arguments.front_end
    columns = ["piece_id", "note", "x_px", f"frame_{front_end}", TWIN_COLUMN]
    known = {
        (row["piece_id"], row["note"]): row
        for row in read_table(arguments.snippets, SNIPPETS, columns).to_pylist()
    }
    examples: dict[str, list[Example]] = {}
    places: list[tuple[str, int]] = []
    for direction in DIRECTIONS:
        own = ranks.filter(pc.equal(ranks["direction"], direction)).sort_by(
            [("piece_id", "ascending"), ("note", "ascending")]
        )
        places = list(zip(own["piece_id"].to_pylist(), own["note"].to_pylist(), strict=True))
        counts = own["n_better"].to_numpy(), own["n_tied"].to_numpy()
        rows = choose_queries(*counts)
        query, gallery = (codes.vectors(main, name, places) for name in direction.split("-to-"))
        snippets = TestSnippets(
            [piece for piece, _ in places],
            np.array([note for _, note in places]),
            np.array([known[place][TWIN_COLUMN] for place in places]),
        )
        middles = mid_rank(*counts)[rows].tolist()
        examples[direction] = answer_queries(
            rows, middles, query, gallery, snippets, system_examples_figure.TOP
        )
    pictures = system_examples_figure.Pictures(
        np.load(arguments.strips, mmap_mode="r"),
        _rows_of(arguments.strips_index, strips=True),
        np.load(arguments.spectrograms, mmap_mode="r"),
        _rows_of(arguments.spectrograms_index, strips=False),
        FRAMES_PER_S[front_end],
        [piece for piece, _ in places],
        np.array([known[place]["x_px"] for place in places]),
        np.array([known[place][f"frame_{front_end}"] for place in places]),
    )
    titles = _titles(arguments.pieces)
    names = [f"{titles.get(piece, piece)}, note {note + 1}" for piece, note in places]
    n_queries = sum(len(lines) for lines in examples.values())
    with new_figure(system_examples_figure.height_in(n_queries, len(examples))) as figure:
        system_examples_figure.draw(figure, examples, pictures, names)
        save(figure, arguments.out_dir, "examples")


def _rows_of(path: Path, strips: bool) -> dict[str, tuple[int, int]]:
    rows = read_table(path, STRIP_INDEX if strips else SPECTROGRAM_INDEX).to_pylist()
    return {row["piece_id"]: (row["first_row"], row["n_rows"]) for row in rows}


def _titles(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    rows = read_table(path, PIECES, ["piece_id", "title", "path"]).to_pylist()
    return {row["piece_id"]: row["title"] or Path(row["path"]).stem for row in rows}
