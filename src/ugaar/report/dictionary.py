"""The data dictionary: every table of the workflow, from its declaration."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from ugaar import snippet_tables, tables, version_tables
from ugaar.tables import Column, Table

TASKS: Mapping[str, Mapping[str, Table]] = {
    "three-modalities": tables.TABLES,
    "audio-sheet": snippet_tables.TABLES,
    "versions": version_tables.TABLES,
}
"""The tables by the task that makes them, in the order of the workflow."""

FILES: Mapping[str, str] = {
    "audio_part": "features/audio-parts/<encoder>-<i>.parquet",
    "sheet_part": "features/sheet-parts/<encoder>-<i>.parquet",
    "audio": "audio/shard-<i>.parquet",
    "sheet": "sheet/shard-<i>.parquet",
    "features_audio": "<split>/features/audio.parquet, <split>/features/audio_<encoder>.parquet",
    "features_audio_frames": "<split>/features/audio_frames.parquet",
    "features_sheet": "<split>/features/sheet.parquet, <split>/features/sheet_untrained.parquet",
    "features_lyrics": "<split>/features/lyrics.parquet",
    "skipgram": "<split>/encoder/skipgram.parquet",
    "embeddings": "<split>/train/<method>/seed-<k>/embeddings.parquet",
    **{
        name: f"<split>/{name}.parquet"
        for name in ("split", "funnel", "ground_truth", "ranks", "metrics", "comparisons")
    },
    "history": "<split>/train/<method>/seed-<k>/history.parquet, <split>/encoder/history.parquet, "
    "systems/<system>/seed-<k>/history.parquet",
    "strip_index": "strips/plain.parquet",
    "spectrogram_index": "spectrograms/<front end>/<sound>.parquet",
    "system_codes": "systems/<system>/seed-<k>/codes.parquet",
    "identification": "identify/<system>.parquet",
    "version_scores": "version_scores/raw.parquet, version_scores/pca-<dimensions>.parquet, "
    "version_scores/network-<dimensions>-seed-<k>.parquet",
}
"""Where a table lies below results/<dataset>/, where that is not <name>.parquet."""

_HEAD = """\
# Results

Every run writes to `results/<dataset>/` (the default dataset is `music21`). What depends on how the
folds are drawn lies in a folder of its own, `<split>`: `song-disjoint`, `published`, or with the
seed of the draw appended (`song-disjoint-1`) where the folds are drawn more than once. All tables
are Parquet, declared once in `src/ugaar/{tables,snippet_tables,version_tables}.py`, checked
whenever they are read or written, and sorted by their identifiers: the same configuration on the
same machine gives the same bytes. This file is generated: `ugaar dictionary > results/README.md`.

Beside the tables: `<split>/tables/table_{1,2}.{csv,md,tex,html}`, `comparisons.*` and `galleries.*`
(the paper's tables, paired comparisons, galleries of fixed sizes), `<split>/figures/*.{png,svg}`,
`tables/{protocols,splits}.*` (splits side by side, where there are several), `config.yaml` (the
configuration of the run) and `<split>/encoder/encoder.pt` (the audio-sheet encoder). Strips and
spectrograms of whole pieces lie in `.npy` files that `numpy.load(path, mmap_mode="r")` maps into
memory; the index beside each says which rows are which piece's.

## Opening a table

```python
import pandas as pd

windows = pd.read_parquet("results/music21/windows.parquet")

# A vector column is a fixed-size list: pandas gives one array a row, np.stack a matrix.
import numpy as np

audio = pd.read_parquet("results/music21/song-disjoint/features/audio.parquet")
matrix = np.stack(audio["embedding"])  # (windows, dimensions), float32

import polars as pl

audio = pl.read_parquet("results/music21/song-disjoint/features/audio.parquet")
matrix = audio["embedding"].to_numpy()  # polars reads it as an Array column

# Media are bytes: a clip is FLAC, a strip is PNG.
import io, soundfile
from PIL import Image

clip = pd.read_parquet("results/music21/audio/shard-0.parquet").iloc[0]
signal, rate = soundfile.read(io.BytesIO(clip["flac"]))
strip = pd.read_parquet("results/music21/sheet/shard-0.parquet").iloc[0]
Image.open(io.BytesIO(strip["png"]))

# What a table was made with (encoder, seed, soundfont, ...) is in the file's metadata.
import pyarrow.parquet as pq

pq.read_schema("results/music21/song-disjoint/features/audio.parquet").metadata
```

Times are seconds (`_s`) or notated ticks (`_tick`, 10080 to a quarter note); `_px` is pixels,
`_hz` hertz. `window_id` joins windows, split, features, ground truth, embeddings and ranks;
`audio_key`, `sheet_key` and `lyrics_key` are content hashes and join windows to media.
"""


def type_name(column: Column) -> str:
    """Return a column's type in words, such as `string`, `list of int16` or `vector of float32`."""
    if column.type is None:
        return "vector of float32 (fixed-size list)"
    if pa.types.is_list(column.type):
        return f"list of {_scalar(column.type.value_type)}"
    return _scalar(column.type)


def _scalar(kind: pa.DataType) -> str:
    names = {"double": "float64", "float": "float32", "binary": "bytes"}
    return names.get(str(kind), str(kind))


def describe(table: Table) -> str:
    """Return the Markdown section of one table."""
    path = FILES.get(table.name, f"{table.name}.parquet")
    where = "File: " + ", ".join(f"`{one}`" for one in path.split(", "))
    lines = [f"### {table.name}", "", f"One row is {table.row}. {where}", ""]
    lines += ["| column | type | meaning |", "| --- | --- | --- |"]
    for column in table.columns:
        kind = type_name(column) + (", may be null" if column.nullable else "")
        lines.append(f"| `{column.name}` | {kind} | {column.meaning.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def dictionary() -> str:
    """Return the whole data dictionary as Markdown."""
    parts = [_HEAD]
    for task, declared in TASKS.items():
        parts += [f"## Tables of the task {task}", "", *map(describe, declared.values())]
    return "\n".join(parts)
