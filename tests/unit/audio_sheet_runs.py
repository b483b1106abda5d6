"""Tables of a small audio-sheet run: snippets, codes of systems of known quality, histories."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ugaar.parquet_files import write_table
from ugaar.snippet_tables import SNIPPETS, SPECTROGRAM_INDEX, STRIP_INDEX, SYSTEM_CODES
from ugaar.tables import HISTORY

CONDITIONS = ("clean", "noisy", "blurred")
DIMENSIONS = 16


def write_snippets(
    path: Path, n_pieces: int = 12, notes: int = 40, repeat: int = 20
) -> list[tuple]:
    """Write a snippets table whose notes come again after `repeat` onsets.

    Returns:
        (piece, note) of each snippet, sorted.
    """
    rows = []
    for number in range(n_pieces):
        for note in range(notes):
            content = 1000 * number + note % repeat
            rows.append(
                {
                    "piece_id": f"{number:012x}",
                    "note": note,
                    "fold": "test" if number < n_pieces - 2 else "train",
                    "onset_s": 0.5 * note,
                    "frame_20fps": 10 * note,
                    "frame_31fps": round(15.625 * note),
                    "x_px": 120.0 + 26 * note,
                    "twin_3": content,
                    "twin_5": content,
                    "twin_8": content,
                }
            )
    write_table(path, SNIPPETS, rows)
    return [(row["piece_id"], row["note"]) for row in rows if row["fold"] == "test"]


def codes_of(places: Sequence[tuple], noise: float, seed: int, repeat: int = 20) -> np.ndarray:
    """Return (2, n, d) unit codes of audio and sheet: a latent of the content, and noise."""
    latent = np.random.default_rng(99)
    found = sorted({(piece, note % repeat) for piece, note in places})
    contents = {content: latent.normal(size=DIMENSIONS) for content in found}
    base = np.stack([contents[piece, note % repeat] for piece, note in places])
    random = np.random.default_rng([seed, round(1000 * noise)])
    codes = base + noise * random.normal(size=(2, *base.shape))
    return (codes / np.linalg.norm(codes, axis=2, keepdims=True)).astype(np.float32)


def write_codes(path: Path, system: str, seed: int, places: Sequence[tuple], noise: float) -> None:
    """Write codes: both media clean, a noisier sound, and a blurred sheet."""
    rows = []
    for condition, modalities, factor in (
        ("clean", ("audio", "sheet"), 1.0),
        ("noisy", ("audio",), 2.0),
        ("blurred", ("sheet",), 3.0),
    ):
        both = codes_of(places, factor * noise, seed)
        for modality in modalities:
            for place, code in zip(places, both[int(modality == "sheet")], strict=True):
                rows.append(
                    {
                        "condition": condition,
                        "modality": modality,
                        "piece_id": place[0],
                        "note": place[1],
                        "code": code.tolist(),
                    }
                )
    write_table(
        path, SYSTEM_CODES, rows, {"code": DIMENSIONS}, {"system": system, "seed": str(seed)}
    )


def settings(candidates: int = 16000, condition_candidates: int = 100) -> str:
    """Return the settings of every stage of the evaluation, as JSON."""
    return json.dumps(
        {
            "audio_sheet": {
                "candidates": candidates,
                "condition_candidates": condition_candidates,
                "votes": 100,
            },
            "evaluate": {"fold": "test", "bootstrap": 50, "confidence": 0.95},
        }
    )


def write_run(folder: Path, systems: Sequence[tuple[str, float]], seeds: Sequence[int]) -> None:
    """Write the snippets and codes of a run, `codes-<system>-<seed>.parquet`."""
    places = write_snippets(folder / "snippets.parquet")
    for system, noise in systems:
        for seed in seeds:
            write_codes(folder / f"codes-{system}-{seed}.parquet", system, seed, places, noise)


def evaluate(folder: Path, systems: Sequence[str], seeds: Sequence[int], **wanted: int) -> None:
    """Run the stages from codes to metrics and identification in a folder."""
    from ugaar.cli import main

    for system in systems:
        codes = [str(folder / f"codes-{system}-{seed}.parquet") for seed in seeds]
        common = ["--settings", settings(**wanted), "--system", system, "--codes", *codes]
        common += ["--snippets", str(folder / "snippets.parquet")]
        ranks, identification = folder / f"ranks-{system}.parquet", folder / f"id-{system}.parquet"
        conditions = ["--conditions", *CONDITIONS]
        assert main(["evaluate-system", *common, *conditions, "--out", str(ranks)]) == 0
        assert (
            main(["identify", *common, "--condition", "clean", "--out", str(identification)]) == 0
        )
    command = ["system-metrics", "--settings", settings(**wanted)]
    command += ["--ranks", *(str(folder / f"ranks-{system}.parquet") for system in systems)]
    command += ["--snippets", str(folder / "snippets.parquet")]
    command += ["--ranks-out", str(folder / "system_ranks.parquet")]
    assert main([*command, "--out", str(folder / "system_metrics.parquet")]) == 0


def write_history(path: Path, system: str, seed: int, steps: int = 6) -> None:
    """Write a history as the training of a system logs it."""
    random = np.random.default_rng(seed)
    rows = []

    def add(phase: str, step: int, metric: str, value: float) -> None:
        named = {"method": system, "seed": seed, "phase": phase, "epoch": step}
        rows.append(named | {"metric": metric, "value": float(value)})

    for number in range(1, steps + 1):
        step = 250 * number
        add("train", step, "loss", 1 / number + 0.05 * random.random())
        for direction in ("audio-to-sheet", "sheet-to-audio"):
            add("valid", step, f"MRR {direction}", 0.6 - 0.5 / number + 0.04 * random.random())
            add("valid", step, f"R@1 {direction}", 50 - 40 / number)
    for number in range(1, 33):
        add("refitted", 250 * steps, f"canonical correlation {number}", 0.95 ** (2 * number))
    write_table(path, HISTORY, rows)


def write_stores(folder: Path, n_pieces: int = 12, notes: int = 40) -> None:
    """Write strips with a blot at every notehead and spectrograms with a line at every onset."""
    pieces = [f"{number:012x}" for number in range(n_pieces)]
    columns, frames = 60 + 13 * notes + 60, 10 * notes + 40
    strips = np.full((n_pieces, columns, 80), 255, dtype=np.uint8)
    sounds = np.zeros((n_pieces, frames, 92), dtype=np.float16)
    strips[:, :, 32:49:4] = 90
    random = np.random.default_rng(8)
    for piece in range(n_pieces):
        for note in range(notes):
            pitch = int(random.integers(0, 8))
            strips[piece, 57 + 13 * note : 63 + 13 * note, 46 - 2 * pitch : 50 - 2 * pitch] = 0
            decay = np.linspace(1.5, 0, 12)[: frames - 10 * note]
            for harmonic in (1, 2, 3):
                bins = 15 + 2 * pitch + int(16 * np.log2(harmonic))
                sounds[piece, 10 * note : 10 * note + 12, bins] = decay / harmonic
    np.save(folder / "plain.npy", strips.reshape(-1, 80))
    np.save(folder / "piano.npy", sounds.reshape(-1, 92))
    for name, table, rows in (
        ("plain", STRIP_INDEX, columns),
        ("piano", SPECTROGRAM_INDEX, frames),
    ):
        index = [
            {"piece_id": piece, "first_row": number * rows, "n_rows": rows}
            for number, piece in enumerate(pieces)
        ]
        write_table(folder / f"{name}.parquet", table, index)
