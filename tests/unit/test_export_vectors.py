"""Guards the export of vectors: every format holds the table's numbers, row by row with its ids."""

import json

import numpy as np
import pandas as pd
import pytest

from ugaar.cli import main
from ugaar.errors import DataError
from ugaar.export.vectors import export_vectors, table_of
from ugaar.parquet_files import write_table
from ugaar.tables import EMBEDDINGS, FEATURES_SHEET, SKIPGRAM, SPLIT

N = 2500  # more than one block


def sheet_table(path, n=N):
    chance = np.random.default_rng(0)
    codes = chance.normal(size=(n, 6)).astype(np.float32)
    write_table(
        path,
        FEATURES_SHEET,
        {
            "window_id": [f"w{number}" for number in range(n)],
            "protocol": ["published"] * n,
            "codes": list(codes),
            "embedding": list(codes[:, :2]),
        },
        {"codes": 6, "embedding": 2},
        {"encoder": "asmcmr", "mode": "exact"},
    )
    return codes


def embeddings_table(path, lengths):
    """Two windows in each space, of the given lengths, spaces in turns."""
    rows = [
        {
            "window_id": f"w{window}",
            "space": space,
            "modality": modality,
            "embedding": [float(window)] * length,
        }
        for window in range(2)
        for space, length in lengths.items()
        for modality in ("audio", "sheet")
    ]
    write_table(path, EMBEDDINGS, rows, metadata={"similarity": "cosine", "method": "cca"})
    return rows


def read(form, stem, column):
    """Return identifiers and matrix of an exported file."""
    if form == "npy":
        return pd.read_csv(f"{stem}.csv"), np.load(f"{stem}.npy")
    if form == "csv":
        table = pd.read_csv(f"{stem}.csv")
        own = [name for name in table.columns if name.startswith(f"{column}_")]
        return table.drop(columns=own), table[own].to_numpy(np.float32)
    table = pd.read_parquet(f"{stem}.parquet")
    return table.drop(columns=column), np.stack(table[column])


@pytest.mark.parametrize("form", ["npy", "csv", "parquet"])
@pytest.mark.parametrize("column", ["embedding", "codes"])
def test_every_format_holds_the_same_numbers(tmp_path, form, column):
    table = tmp_path / "sheet.parquet"
    codes = sheet_table(table)
    out = tmp_path / "out"
    command = ["export", str(table), "--format", form, "--out", str(out), "--column", column]
    assert main(command) == 0
    ids, matrix = read(form, out / "sheet", column)
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix, codes if column == "codes" else codes[:, :2])
    assert ids["window_id"].tolist() == [f"w{number}" for number in range(N)]
    assert ids.columns.tolist() == ["window_id", "protocol"]
    about = json.loads((out / "sheet.json").read_text(encoding="utf-8"))
    assert (about["rows"], about["dimensions"], about["mode"]) == (N, matrix.shape[1], "exact")


@pytest.mark.parametrize("form", ["npy", "csv", "parquet"])
def test_embeddings_keep_space_and_modality(tmp_path, form):
    table = tmp_path / "embeddings.parquet"
    rows = embeddings_table(table, {"common": 3})
    export_vectors(table, "embedding", form, tmp_path / "out", "mine")
    ids, matrix = read(form, tmp_path / "out" / "mine", "embedding")
    for name in ("window_id", "space", "modality"):
        assert ids[name].tolist() == [row[name] for row in rows]
    np.testing.assert_array_equal(matrix, [row["embedding"] for row in rows])


def test_spaces_of_different_dimensions_get_files_of_their_own(tmp_path):
    table = tmp_path / "embeddings.parquet"
    rows = embeddings_table(table, {"audio-sheet": 3, "audio-lyrics": 2})
    files = export_vectors(table, "embedding", "npy", tmp_path / "out", "cca")
    assert sorted(file.name for file in files) == sorted(
        f"cca_{space}.{suffix}"
        for space in ("audio-lyrics", "audio-sheet")
        for suffix in ("npy", "csv", "json")
    )
    for space, length in (("audio-sheet", 3), ("audio-lyrics", 2)):
        ids, matrix = read("npy", tmp_path / "out" / f"cca_{space}", "embedding")
        own = [row for row in rows if row["space"] == space]
        np.testing.assert_array_equal(matrix, [row["embedding"] for row in own])
        assert matrix.shape == (4, length)
        assert ids["window_id"].tolist() == [row["window_id"] for row in own]


def test_skipgram_tokens_with_quotes_and_commas_survive_csv(tmp_path):
    tokens = ["don't", 'say "a, b"', "łaß"]
    table = tmp_path / "skipgram.parquet"
    write_table(
        table,
        SKIPGRAM,
        {
            "level": ["word"] * 3,
            "token": tokens,
            "count": [1, 2, 3],
            "embedding": [[1.0, 2.0]] * 3,
        },
        {"embedding": 2},
    )
    export_vectors(table, "embedding", "npy", tmp_path, "out")
    assert pd.read_csv(tmp_path / "out.csv")["token"].tolist() == tokens


def test_other_tables_are_refused_by_name(tmp_path):
    table = tmp_path / "split.parquet"
    write_table(table, SPLIT, [])
    with pytest.raises(DataError, match=r"a split table, which has no vectors.*features_audio"):
        table_of(table)
    foreign = tmp_path / "foreign.parquet"
    pd.DataFrame({"a": [1]}).to_parquet(foreign)
    with pytest.raises(DataError, match="no table of this workflow"):
        table_of(foreign)
    (tmp_path / "text.parquet").write_text("no Parquet")
    with pytest.raises(DataError, match="not a readable Parquet file"):
        table_of(tmp_path / "text.parquet")
    with pytest.raises(DataError, match="missing"):
        table_of(tmp_path / "none.parquet")


def test_misuse_is_one_line(tmp_path, caplog):
    table = tmp_path / "embeddings.parquet"
    embeddings_table(table, {"common": 3})
    before = table.read_bytes()
    command = ["export", str(table), "--out", str(tmp_path), "--format"]
    assert main([*command, "parquet"]) == 1
    assert "would be overwritten" in caplog.text
    assert main([*command, "npy", "--column", "codes"]) == 1
    assert "choose --column embedding" in caplog.text
    assert main([*command, "midi"]) == 1
    assert "not a songs table" in caplog.text
    assert table.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["embeddings.parquet"]


def test_unequal_lengths_in_one_space_leave_no_file(tmp_path):
    table = tmp_path / "embeddings.parquet"
    rows = [
        {"window_id": f"w{n}", "space": "common", "modality": "audio", "embedding": [0.0] * n}
        for n in (1, 2)
    ]
    write_table(table, EMBEDDINGS, rows)
    with pytest.raises(DataError, match="differ in length: common 1, common 2"):
        export_vectors(table, "embedding", "npy", tmp_path / "out", "x")
    assert not (tmp_path / "out").exists()
