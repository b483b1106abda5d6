"""Guards the contract: declared columns, atomic writes, byte-identical files."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ugaar import tables
from ugaar.errors import DataError
from ugaar.parquet_files import iterate_table, metadata_of, open_table, read_table, write_table


def _rows(count=3):
    return [
        {"window_id": f"w{i}", "protocol": "song-disjoint", "embedding": np.full(4, i, "float32")}
        for i in range(count)
    ]


def test_round_trip_with_vectors_and_metadata(tmp_path):
    path = tmp_path / "features.parquet"
    write_table(path, tables.FEATURES_AUDIO, _rows(), {"embedding": 4}, {"encoder": "test"})
    found = read_table(path, tables.FEATURES_AUDIO)
    assert np.stack(found["embedding"].to_pandas()).tolist() == [[i] * 4 for i in range(3)]
    assert metadata_of(path) == {"encoder": "test"}


def test_same_rows_give_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_table(tmp_path / f"{name}.parquet", tables.FEATURES_AUDIO, _rows(), {"embedding": 4})
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / "features.parquet"
    write_table(path, tables.FEATURES_AUDIO, _rows(1), {"embedding": 4})
    before = path.read_bytes()

    def write_half():
        with open_table(path, tables.FEATURES_AUDIO, {"embedding": 4}) as writer:
            writer.write(_rows(2))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_half()
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["features.parquet"]


def test_what_a_killed_job_left_is_removed_by_the_next(tmp_path):
    path = tmp_path / "shard-1.parquet"
    (tmp_path / ".shard-1.parquet.abcd.parquet").write_bytes(b"half")
    (tmp_path / ".shard-11.parquet.abcd.parquet").write_bytes(b"another job at work")
    write_table(path, tables.FEATURES_AUDIO, _rows(1), {"embedding": 4})
    left = sorted(file.name for file in tmp_path.iterdir())
    assert left == [".shard-11.parquet.abcd.parquet", "shard-1.parquet"]


def test_wrong_columns_and_types_are_named(tmp_path):
    path = tmp_path / "wrong.parquet"
    pq.write_table(pa.table({"window_id": ["a"], "colour": ["red"]}), path)
    with pytest.raises(DataError, match=r"missing columns \['protocol', 'embedding'\].*colour"):
        read_table(path, tables.FEATURES_AUDIO)
    schema = {"window_id": ["a"], "protocol": ["p"], "embedding": [[1.0, 2.0]]}
    pq.write_table(pa.table(schema), path)
    with pytest.raises(DataError, match="expected a fixed-size list of float32"):
        read_table(path, tables.FEATURES_AUDIO)


def test_unreadable_and_missing_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.parquet: missing"):
        read_table(tmp_path / "none.parquet", tables.SPLIT)
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(DataError, match=r"torn\.parquet: not a readable Parquet"):
        read_table(tmp_path / "torn.parquet", tables.SPLIT)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no Parquet file in this folder"):
        read_table(tmp_path / "empty", tables.SPLIT)


def test_shards_are_read_in_the_order_of_names(tmp_path):
    for shard in (1, 0):
        rows = [{**_rows(1)[0], "window_id": f"shard{shard}"}]
        write_table(
            tmp_path / f"shard-{shard}.parquet", tables.FEATURES_AUDIO, rows, {"embedding": 4}
        )
    (tmp_path / ".shard-2-unfinished.parquet").write_bytes(b"half")
    found = read_table(tmp_path, tables.FEATURES_AUDIO, ["window_id"])
    assert found["window_id"].to_pylist() == ["shard0", "shard1"]
    batches = list(iterate_table(tmp_path, tables.FEATURES_AUDIO, batch_size=1))
    assert [batch[0]["window_id"] for batch in batches] == ["shard0", "shard1"]


def test_every_column_is_documented():
    for table in tables.TABLES.values():
        assert table.row
        assert len(set(table.column_names)) == len(table.column_names)
        for column in table.columns:
            assert column.meaning, (table.name, column.name)
