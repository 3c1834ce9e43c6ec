"""Test that the same data from any container give the same table."""

import datetime as dt
import decimal

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse
import torch

from contramix.errors import InputError
from contramix.io.options import MAX_COLUMNS
from contramix.io.tables import frames
from contramix.io.tables.canonical import to_canonical
from contramix.io.tables.frames import to_arrow
from contramix.io.tables.reading import read


def one_line_error(X, *words):
    with pytest.raises(InputError) as caught:
        to_arrow(X)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
    return message


COLUMNS = {
    "count": [3, 1, 2],
    "amount": [0.1, None, 1e300],
    "kind": ["a", None, "émile"],
    "open": [True, False, True],
    "when": [dt.datetime(2020, 1, 2, 3, 4, 5, 678901), None, dt.datetime(1999, 12, 31)],
    "nothing": [None, None, None],
}


def the_table():
    types = [pa.int64(), pa.float64(), pa.large_string(), pa.bool_(), pa.timestamp("us"), pa.float64()]
    return pa.table([pa.array(v, t) for v, t in zip(COLUMNS.values(), types, strict=True)], names=list(COLUMNS))


def containers(tmp_path):
    arrow, pandas, polars = the_table(), pd.DataFrame(COLUMNS), pl.DataFrame(COLUMNS)
    pandas.to_csv(tmp_path / "pandas.csv", index=False)
    polars.write_csv(tmp_path / "polars.csv")
    pandas.to_parquet(tmp_path / "pandas.parquet")
    polars.write_parquet(tmp_path / "polars.parquet")
    pq.write_table(arrow, tmp_path / "arrow.parquet")
    polars.write_ipc(tmp_path / "polars.arrow")
    polars.write_ipc_stream(tmp_path / "polars.arrows")
    pandas.to_feather(tmp_path / "pandas.feather")
    pandas.to_json(tmp_path / "pandas.jsonl", orient="records", lines=True, date_format="iso", date_unit="us")
    yield "arrow", to_arrow(arrow)
    yield "record batch", to_arrow(arrow.to_batches()[0])
    yield "pandas", to_arrow(pandas)
    yield "pandas nullable", to_arrow(pandas.convert_dtypes())
    yield "pandas object", to_arrow(pandas.astype(object))
    yield "polars", to_arrow(polars)
    yield "narwhals", to_arrow(nw.from_native(polars))
    for path in sorted(tmp_path.iterdir()):
        if path.suffix != ".jsonl":
            yield path.name, read(path).table


def test_every_container_gives_the_same_table(tmp_path):
    for name, table in containers(tmp_path):
        assert table.schema.equals(the_table().schema), name
        assert table.equals(the_table()), name


def test_jsonl_of_the_same_frame_gives_the_same_table(tmp_path):
    pl.DataFrame(COLUMNS).write_ndjson(tmp_path / "frame.jsonl")
    table = read(tmp_path / "frame.jsonl").table
    whole = the_table()
    for name in ("count", "amount", "kind", "open", "nothing"):
        assert table[name].equals(whole[name]), name


@pytest.mark.parametrize(
    ("given", "kind", "cells"),
    [
        (pa.array([1, None], pa.int8()), pa.int64(), [1, None]),
        (pa.array([1, 2], pa.uint64()), pa.int64(), [1, 2]),
        (pa.array([1, 2**63], pa.uint64()), pa.float64(), [1.0, 2.0**63]),
        (pa.array(np.array([0.5, np.nan], "f2")), pa.float64(), [0.5, None]),
        (pa.array([0.5, float("inf"), float("nan")]), pa.float64(), [0.5, float("inf"), None]),
        (pa.array([decimal.Decimal("1.25")]), pa.float64(), [1.25]),
        (pa.array(["a", None]).dictionary_encode(), pa.large_string(), ["a", None]),
        (pa.array([7, 8]).dictionary_encode(), pa.int64(), [7, 8]),
        (pa.array(["a"], pa.string()), pa.large_string(), ["a"]),
        (pa.array(["a"]).cast(pa.string_view()), pa.large_string(), ["a"]),
        (pa.array([dt.date(2020, 2, 29)]), pa.timestamp("us"), [dt.datetime(2020, 2, 29)]),
        (pa.array([1_500], pa.timestamp("ns")), pa.timestamp("us"), [dt.datetime(1970, 1, 1, 0, 0, 0, 1)]),
        (pa.nulls(2), pa.float64(), [None, None]),
        (pa.nulls(2, pa.string()), pa.float64(), [None, None]),
    ],
    ids=lambda v: str(v) if isinstance(v, pa.DataType) else None,
)
def test_t27_documented_casts(given, kind, cells):
    column = to_arrow(pa.table({"c": given}))["c"]
    assert column.type == kind
    assert column.to_pylist() == cells


def test_time_zones_become_utc():
    noon = pd.Series(pd.to_datetime(["2020-07-01 12:00"]).tz_localize("America/New_York"))
    assert to_arrow(pd.DataFrame({"t": noon}))["t"].to_pylist() == [dt.datetime(2020, 7, 1, 16)]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([["a"]]),
        pa.array([[[1]]]),
        pa.array([{"a": 1}]),
        pa.array([b"x"]),
        pa.array([1], pa.duration("s")),
        pa.array([1], pa.time32("s")),
        pa.nulls(1, pa.list_(pa.large_string())),
    ],
    ids=lambda c: str(c.type),
)
def test_t27_nested_and_binary_columns(column):
    one_line_error(pa.table({"fine": [1], "odd": column}), "'odd'", str(column.type), "drop the column")


def test_one_chunk_a_column_with_offset_zero():
    whole = pa.concat_tables([pa.table({"a": [1, 2, 3], "b": ["x", "y", "z"]})] * 2)
    for table in (to_arrow(whole), to_arrow(whole.slice(1, 2)), to_arrow(whole.slice(2, 3))):
        assert [c.num_chunks for c in table.columns] == [1, 1]
        assert [c.chunk(0).offset for c in table.columns] == [0, 0]
    assert to_arrow(whole.slice(1, 3)).to_pydict() == {"a": [2, 3, 1], "b": ["y", "z", "x"]}


def test_t03_duplicate_names_are_listed():
    one_line_error(pa.table([[1], [2], [3]], names=["a", "b", "a"]), "duplicate", "'a'")
    one_line_error(pd.DataFrame(np.eye(2), columns=["k", "k"]), "duplicate", "'k'")
    one_line_error(pd.DataFrame(np.eye(2), columns=[1, "1"]), "duplicate", "'1'")


def test_t23_too_many_columns():
    one_line_error(np.zeros((1, MAX_COLUMNS + 1)), str(MAX_COLUMNS))
    assert to_arrow(np.zeros((1, 10_000))).num_columns == 10_000


def test_t30_pandas_indexes_are_left_out(tmp_path):
    frame = pd.DataFrame({"a": [1, 2, 3]}, index=pd.Index([5, 5, 9], name="id"))
    many = pd.DataFrame({"a": [1, 2, 3]}, index=pd.MultiIndex.from_tuples([(1, 2), (1, 2), (3, 4)]))
    frame.to_parquet(tmp_path / "named.parquet")
    many.to_parquet(tmp_path / "many.parquet")
    named = read(tmp_path / "named.parquet")
    assert "'id'" in named.notes[0]
    for table in (to_arrow(frame), to_arrow(many), named.table, read(tmp_path / "many.parquet").table):
        assert table.to_pydict() == {"a": [1, 2, 3]}


def test_names_that_are_not_text_become_text():
    assert to_arrow(pd.DataFrame({0: [1], "b": [2]})).column_names == ["0", "b"]
    columns = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])
    assert to_arrow(pd.DataFrame(np.eye(2), columns=columns)).column_names == ["('a', 1)", "('b', 2)"]


def test_pandas_object_columns_of_mixed_types():
    for cells in (["x", 1], [1, "x"], [1, 2.5, True], [{}, 1], ["x", 2.0]):
        one_line_error(pd.DataFrame({"odd": pd.Series(cells, dtype=object)}), "'odd'", "mixed")
    numbers = pd.DataFrame({"n": pd.Series([1, None, 2.5, np.nan], dtype=object)})
    assert to_arrow(numbers)["n"].to_pylist() == [1.0, None, 2.5, None]
    flags = pd.DataFrame({"b": pd.Series([True, pd.NA, None], dtype=object)})
    assert to_arrow(flags)["b"].to_pylist() == [True, None, None]


def test_pandas_types_that_cannot_be_used_name_the_column():
    one_line_error(pd.DataFrame({"p": pd.period_range("2020", periods=2)}), "'p'")
    one_line_error(pd.DataFrame({"z": [1j]}), "'z'")
    one_line_error(pd.DataFrame({"d": pd.to_timedelta([1, 2])}), "'d'", "duration")


def test_polars_lazy_and_object():
    one_line_error(pl.LazyFrame({"a": [1]}), "collect()")
    one_line_error(pl.DataFrame({"o": pl.Series([object()], dtype=pl.Object)}), "'o'")
    categories = pl.DataFrame({"c": pl.Series(["u", "v"], dtype=pl.Categorical)})
    assert to_arrow(categories)["c"].to_pylist() == ["u", "v"]


def test_numpy_arrays():
    table = to_arrow(np.array([[1.5, np.nan], [np.inf, 2]]))
    assert table.to_pydict() == {"x0": [1.5, float("inf")], "x1": [None, 2.0]}
    assert to_arrow(np.eye(2, dtype=bool)).schema.types == [pa.bool_()] * 2
    assert to_arrow(np.eye(2, dtype=np.uint8)).schema.types == [pa.int64()] * 2
    assert to_arrow(np.eye(2).astype(">f8")).equals(to_arrow(np.eye(2)))
    assert to_arrow(np.eye(2).astype(np.longdouble)).equals(to_arrow(np.eye(2)))
    assert to_arrow(np.array([["a", "bc"]])).to_pydict() == {"x0": ["a"], "x1": ["bc"]}
    assert to_arrow(np.array([[1, "x"]], dtype=object)).to_pydict() == {"x0": [1], "x1": ["x"]}
    assert to_arrow(np.eye(3)[::-1, ::2]).to_pydict() == {"x0": [0.0, 0.0, 1.0], "x1": [1.0, 0.0, 0.0]}


def test_numpy_masked_cells_are_missing():
    masked = np.ma.MaskedArray([[1.0, 2.0], [3.0, 4.0]], mask=[[0, 1], [0, 0]])
    assert to_arrow(masked).to_pydict() == {"x0": [1.0, 3.0], "x1": [None, 4.0]}


def test_numpy_structured_array():
    people = np.array([(1, 2.5, "a"), (2, np.nan, "b")], dtype=[("n", "i4"), ("v", "f4"), ("s", "U1")])
    assert to_arrow(people).to_pydict() == {"n": [1, 2], "v": [2.5, None], "s": ["a", "b"]}


def test_numpy_arrays_that_are_no_tables():
    one_line_error(np.arange(3.0), "2-D", "reshape(-1, 1)")
    one_line_error(np.zeros((2, 2, 2)), "3-D")
    one_line_error(np.zeros((3, 0)), "0 feature(s) (shape=(3, 0)) while a minimum of 1 is required")
    one_line_error(np.array([[1j]]), "'x0'", "Complex data not supported")
    one_line_error(np.array([[b"x"]]), "'x0'")
    one_line_error(np.array([[np.timedelta64(1, "s")]]), "'x0'", "duration")


def test_the_input_is_not_touched():
    X = np.asfortranarray([[1.0, np.nan], [3.0, 4.0]])
    before = X.copy()
    to_arrow(X)
    np.testing.assert_array_equal(X, before)


def test_torch_tensors():
    tensor = torch.tensor([[1.0, float("nan")], [2.0, 3.0]], requires_grad=True)
    want = {"x0": [1.0, 2.0], "x1": [None, 3.0]}
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        assert to_arrow(tensor.to(dtype)).to_pydict() == want
    assert to_arrow(torch.nn.Parameter(tensor.detach())).to_pydict() == want
    assert to_arrow(torch.eye(2).to_sparse()).to_pydict() == {"x0": [1.0, 0.0], "x1": [0.0, 1.0]}
    assert to_arrow(torch.eye(2, dtype=torch.int16)).schema.types == [pa.int64()] * 2


def test_sparse_matrices_up_to_a_limit(monkeypatch):
    for kind in (scipy.sparse.csr_matrix, scipy.sparse.coo_array):
        assert to_arrow(kind(np.eye(2))).equals(to_arrow(np.eye(2)))
    one_line_error(scipy.sparse.csr_array((10**6, 10**3)), "1000000000", str(frames.MAX_DENSE_CELLS))
    monkeypatch.setattr(frames, "MAX_DENSE_CELLS", 3)
    one_line_error(scipy.sparse.csr_array(np.eye(2)), "limit 3")
    one_line_error(torch.eye(2).to_sparse(), "limit 3")


def test_lists_of_rows():
    table = to_arrow([[1, "a", None], [2.5, None, float("nan")]])
    assert table.to_pydict() == {"x0": [1.0, 2.5], "x1": ["a", None], "x2": [None, None]}
    assert to_arrow(((1, 2), (3, 4))).to_pydict() == {"x0": [1, 3], "x1": [2, 4]}
    one_line_error([[1, 2], [3]], "row 2", "1 cells")
    one_line_error([[1, "a"], ["b", "c"]], "'x0'", "int, str")
    one_line_error([1, 2], "list of rows")
    one_line_error(["ab", "cd"], "list of rows")
    one_line_error([], "0 rows")
    one_line_error([[2**70, 1]], "'x0'")


def test_other_things():
    class ArrayLike:
        def __array__(self, dtype=None, copy=None):
            return np.eye(2)

    assert to_arrow(ArrayLike()).equals(to_arrow(np.eye(2)))
    for thing in ("data.csv", 3, None, {"a": [1]}, object()):
        one_line_error(thing, type(thing).__name__)


def test_control_characters_in_names_stay_out_of_messages():
    message = one_line_error(pa.table({"a\x1b[2J\nb": [["x"]]}), "a[2Jb")
    assert "\x1b" not in message


def test_canonical_of_no_rows_keeps_the_types():
    vectors = pa.array([], pa.list_(pa.float64(), 3))
    table = to_canonical(pa.table({"a": pa.array([], pa.int32()), "b": pa.array([], pa.string()), "v": vectors}))
    assert table.schema.types == [pa.int64(), pa.large_string(), pa.list_(pa.float32(), 3)]
    assert [c.num_chunks for c in table.columns] == [1, 1, 1]
