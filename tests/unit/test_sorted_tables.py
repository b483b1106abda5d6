"""Guards the merge of sorted tables: order, batches, and what is refused."""

import pyarrow as pa
import pytest

from ugaar.errors import DataError
from ugaar.parquet_files import open_table, read_table, write_table
from ugaar.sorted_tables import RowGroups, merged
from ugaar.tables import FUNNEL, SKIPGRAM


def _tables(folder, parts):
    paths = []
    for number, keys in enumerate(parts):
        rows = [{"step": key, "reason": "kept", "count": number} for key in keys]
        paths.append(folder / f"{number}.parquet")
        write_table(paths[-1], FUNNEL, rows)
    return paths


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_rows_come_in_order_in_batches_of_the_size_asked_for(tmp_path, batch_size):
    paths = _tables(tmp_path, [["a", "e", "f"], [], ["b", "c", "g", "h"], ["d"]])
    batches = list(merged(paths, FUNNEL, "step", batch_size))
    assert all(len(batch) == batch_size for batch in batches[:-1])
    whole = pa.concat_tables(batches)
    assert whole["step"].to_pylist() == list("abcdefgh")
    assert whole["count"].to_pylist() == [0, 2, 2, 3, 0, 0, 2, 2]


def test_large_parts_are_read_across_their_batches(tmp_path):
    keys = [f"{number:04}" for number in range(500)]
    paths = _tables(tmp_path, [keys[::3], keys[1::3], keys[2::3]])
    found = [
        key for batch in merged(paths, FUNNEL, "step", 150) for key in batch["step"].to_pylist()
    ]
    assert found == keys


def test_no_rows_at_all(tmp_path):
    assert list(merged(_tables(tmp_path, [[], []]), FUNNEL, "step", 4)) == []


def test_unsorted_and_repeated_keys_are_errors(tmp_path):
    with pytest.raises(DataError, match=r"0\.parquet.*not sorted"):
        list(merged(_tables(tmp_path, [["b", "a"]]), FUNNEL, "step", 4))
    with pytest.raises(DataError, match="b occurs twice"):
        list(merged(_tables(tmp_path, [["a", "b"], ["b"]]), FUNNEL, "step", 4))
    with pytest.raises(DataError, match="not a skipgram table"):
        list(merged(_tables(tmp_path, [["a"]]), SKIPGRAM, "token", 4))


def test_row_groups_hold_at_least_their_size(tmp_path):
    import pyarrow.parquet as pq

    path = tmp_path / "out.parquet"
    with open_table(path, FUNNEL) as writer:
        gathered = RowGroups(writer, FUNNEL.schema(), 5)
        for number in range(13):
            gathered.add([{"step": f"{number:02}", "reason": "kept", "count": number}])
        gathered.flush()
    assert read_table(path, FUNNEL)["count"].to_pylist() == list(range(13))
    found = pq.ParquetFile(path).metadata
    assert [found.row_group(index).num_rows for index in range(3)] == [5, 5, 3]
