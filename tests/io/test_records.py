"""Test the official splits of records, and records as chunks."""

import pyarrow as pa

from contramix.io.records import BadFile, RecordChunks, Records, is_text

TABLE = pa.table({"n": [1, 2, 3, 4], "part": ["train", "test", "train", "valid"]})


def test_official_splits_are_rows_of_the_table():
    records = Records(TABLE, splits=("train", "valid", "test"))
    assert records.training["n"].to_pylist() == [1, 3]
    assert records.test["n"].to_pylist() == [2]


def test_a_column_called_part_is_no_split_of_a_table():
    records = Records(TABLE)
    assert records.training is TABLE
    assert records.test is None


def test_records_in_memory_are_one_chunk():
    chunks = RecordChunks.from_records(Records(TABLE, ("a note",), bad_files=(BadFile("x.png", "0 bytes"),)))
    assert [chunk["n"].to_pylist() for chunk in chunks] == [[1, 2, 3, 4]]
    assert [chunk["n"].to_pylist() for chunk in chunks.read_rows(1, 3)] == [[2, 3]]
    assert (chunks.rows, chunks.notes, chunks.bad_files) == (4, ("a note",), (BadFile("x.png", "0 bytes"),))
    assert (chunks.empty_table.num_rows, chunks.empty_table.schema) == (0, TABLE.schema)


def test_string_types_are_text():
    assert all(is_text(kind) for kind in (pa.string(), pa.large_string(), pa.string_view()))
    assert not any(is_text(kind) for kind in (pa.int64(), pa.binary(), pa.null()))
