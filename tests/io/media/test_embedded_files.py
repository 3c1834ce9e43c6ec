"""Test encoded files in the cells of Parquet and Arrow files."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contramix.errors import InputError
from contramix.io.media.embedded_files import read_embedded_files
from contramix.io.media.media_file import UnreadableFileError

NAMES = ("image", "img")
BYTES = [b"one", b"two", b"three"]


def hugging_face(rows, features=None):
    cells = pa.array(
        [{"bytes": b, "path": p} for b, p in rows], pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    )
    table = pa.table({"image": cells, "label": list(range(len(rows)))})
    metadata = {"huggingface": json.dumps({"info": {"features": features or {}}})}
    return table.replace_schema_metadata(metadata)


def reads(cells):
    return [item.read() for item in cells.files.files]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
def test_a_column_of_bytes(tmp_path, kind):
    pq.write_table(pa.table({"x": [1, 2, 3], "img": pa.array(BYTES, kind)}), tmp_path / "a.parquet")
    cells = read_embedded_files(tmp_path / "a.parquet", NAMES)
    assert reads(cells) == BYTES
    assert cells.files.names == ["row 1", "row 2", "row 3"]
    assert cells.other_columns.to_pydict() == {"x": [1, 2, 3]}
    assert cells.label_column is None


def test_hugging_faces_images_with_class_names(tmp_path):
    table = hugging_face(
        [(b"a", "a.png"), (b"b", "x/b.png")], {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    cells = read_embedded_files(tmp_path / "a.parquet", NAMES)
    assert cells.files.names == ["a.png", "x/b.png"]
    assert cells.other_columns.to_pydict() == {"label": ["cat", "dog"]}
    assert cells.label_column == "label"


def test_an_unknown_class_is_null_and_numbers_without_names_stay(tmp_path):
    features = {"label": {"names": ["cat", "dog"]}}
    table = hugging_face([(b"a", "a"), (b"b", "b")], features)
    pq.write_table(table.set_column(1, "label", pa.array([-1, 1])), tmp_path / "a.parquet")
    assert read_embedded_files(tmp_path / "a.parquet", NAMES).other_columns.to_pydict() == {"label": [None, "dog"]}
    pq.write_table(hugging_face([(b"a", "a"), (b"b", "b")]), tmp_path / "b.parquet")
    assert read_embedded_files(tmp_path / "b.parquet", NAMES).other_columns.to_pydict() == {"label": [0, 1]}


def test_a_path_without_bytes_is_relative_to_the_file(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x/b.png").write_bytes(b"from the path")
    pq.write_table(
        hugging_face([(b"held", "a.png"), (None, "x/b.png"), (None, "gone.png"), (None, None)]), tmp_path / "a.parquet"
    )
    files = read_embedded_files(tmp_path / "a.parquet", NAMES).files.files
    assert [item.read() for item in files[:2]] == [b"held", b"from the path"]
    with pytest.raises(OSError, match="gone"):
        files[2].read()
    with pytest.raises(UnreadableFileError, match="no bytes"):
        files[3].read()


def test_missing_and_empty_cells(tmp_path):
    pq.write_table(pa.table({"image": pa.array([b"x", None, b""])}), tmp_path / "a.parquet")
    first, second, third = read_embedded_files(tmp_path / "a.parquet", NAMES).files.files
    assert first.read() == b"x"
    with pytest.raises(UnreadableFileError, match="no bytes"):
        second.read()
    with pytest.raises(UnreadableFileError, match="0 bytes"):
        third.read()


def test_arrow_files(tmp_path):
    table = pa.table({"image": BYTES, "class": ["a", "b", "a"]})
    with pa.ipc.new_file(tmp_path / "a.arrow", table.schema) as writer:
        writer.write_table(table)
    cells = read_embedded_files(tmp_path / "a.arrow", NAMES)
    assert reads(cells) == BYTES
    assert (cells.label_column, cells.other_columns.to_pydict()) == ("label", {"label": ["a", "b", "a"]})


def test_shards_of_a_folder_have_parts(tmp_path):
    (tmp_path / "data").mkdir()
    for name, value in [("train-00000-of-00002", b"1"), ("train-00001-of-00002", b"2"), ("test-00000-of-00001", b"3")]:
        pq.write_table(pa.table({"image": [value]}), tmp_path / f"data/{name}.parquet")
    cells = read_embedded_files(tmp_path, NAMES)
    assert reads(cells) == [b"3", b"1", b"2"]
    assert cells.other_columns.to_pydict() == {"part": ["test", "train", "train"]}


def test_an_ordinary_table_is_none_of_this(tmp_path):
    pq.write_table(pa.table({"x": [1]}), tmp_path / "a.parquet")
    assert read_embedded_files(tmp_path / "a.parquet", NAMES) is None
    assert read_embedded_files(tmp_path / "a.csv", NAMES) is None


def test_several_columns_of_bytes(tmp_path):
    pq.write_table(pa.table({"left": BYTES, "right": BYTES}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"several columns hold bytes \(left, right\): call the one to read 'image'"):
        read_embedded_files(tmp_path / "a.parquet", NAMES)
    pq.write_table(pa.table({"mask": BYTES, "img": BYTES}), tmp_path / "b.parquet")
    assert read_embedded_files(tmp_path / "b.parquet", NAMES).other_columns.column_names == ["mask"]


def test_shards_that_differ(tmp_path):
    pq.write_table(pa.table({"image": BYTES}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"image": BYTES, "y": [1, 2, 3]}), tmp_path / "b.parquet")
    with pytest.raises(InputError, match=r"b.parquet: has other columns than .*a.parquet"):
        read_embedded_files(tmp_path, NAMES)


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"ARROW1\0\0" + bytes(50), b"text"])
def test_damaged_files(tmp_path, data):
    (tmp_path / "a.parquet").write_bytes(data)
    with pytest.raises(InputError, match=r"a.parquet: truncated or damaged"):
        read_embedded_files(tmp_path / "a.parquet", NAMES)


def test_no_rows(tmp_path):
    pq.write_table(pa.table({"image": pa.array([], pa.binary())}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="no rows"):
        read_embedded_files(tmp_path / "a.parquet", NAMES)
