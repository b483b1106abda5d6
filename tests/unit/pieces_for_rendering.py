"""Whole pieces made by hand for the tests of rendering and alignment."""

import argparse
import hashlib

from ugaar.parquet_files import read_table, write_table
from ugaar.settings import load, subset
from ugaar.snippet_tables import PIECES
from ugaar.stages import render_audio, render_sheet
from ugaar.tables import AUDIO, REJECTS, SHEET, TICKS_PER_QUARTER

Q = TICKS_PER_QUARTER
SECONDS_PER_QUARTER = 0.5
CONFIG = load(["config.yaml"], "workflow/schemas/config.schema.yaml") | {"shards": 1}
SHEET_SETTINGS = subset(CONFIG, render_sheet.SETTINGS)
AUDIO_SETTINGS = subset(CONFIG, render_audio.RENDITION_SETTINGS)


def piece(name, notes, **changes):
    """Return a piece in 4/4 of (quarter, length in quarters, pitch, staff) notes."""
    notes = sorted(notes, key=lambda note: (note[0], note[2]))
    key = hashlib.sha256(name.encode()).hexdigest()[:16]
    quarters = max(start + length for start, length, _, _ in notes)
    row = {
        "piece_id": key[:12],
        "source": "notes",
        "collection": "tests",
        "path": f"{name}.mid",
        "title": name,
        "pitch": [pitch for _, _, pitch, _ in notes],
        "onset_s": [start * SECONDS_PER_QUARTER for start, _, _, _ in notes],
        "duration_s": [length * SECONDS_PER_QUARTER for _, length, _, _ in notes],
        "onset_tick": [round(start * Q) for start, _, _, _ in notes],
        "duration_tick": [round(length * Q) for _, length, _, _ in notes],
        "staff": [staff for _, _, _, staff in notes],
        "bar_tick": [4 * Q * bar for bar in range(int(quarters) // 4 + 1)],
        "meter_tick": [0],
        "meter": ["4/4"],
        "key_fifths": 0,
        "n_notes": len(notes),
        "n_onsets": len({start for start, _, _, _ in notes}),
        "n_repeated_notes": 0,
        "audio_key": key,
        "sheet_key": key,
    }
    return {**row, **changes}


def melody(name, pitches, length=1.0, **changes):
    """Return a piece of equal notes that follow each other on one staff."""
    notes = [(length * number, length, pitch, 0) for number, pitch in enumerate(pitches)]
    return piece(name, notes, **changes)


def _render(module, declared, folder, rows, settings, **options):
    pieces = folder / "pieces.parquet"
    write_table(pieces, PIECES, rows)
    out, rejects = folder / declared.name / "shard-0.parquet", folder / "rejects.parquet"
    out.parent.mkdir(exist_ok=True)
    arguments = argparse.Namespace(
        windows=None, pieces=pieces, shard=0, out=out, rejects_out=rejects, **options
    )
    module.run(arguments, settings)
    return read_table(out, declared).to_pylist(), read_table(rejects, REJECTS).to_pylist()


def strips(folder, rows, **sheet):
    """Engrave pieces; return the rows of the sheet table and of the rejects."""
    settings = {**SHEET_SETTINGS, "sheet": {**SHEET_SETTINGS["sheet"], **sheet}}
    return _render(render_sheet, SHEET, folder, rows, settings)


def clips(folder, rows, settings=AUDIO_SETTINGS, **options):
    """Play pieces; return the rows of the audio table and of the rejects."""
    options = {"rendition": "piano", "split": None, "folds": None, **options}
    return _render(render_audio, AUDIO, folder, rows, settings, **options)
