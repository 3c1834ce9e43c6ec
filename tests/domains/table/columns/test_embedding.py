"""Test columns of vectors: reading from any container, scaling, mixing, and errors."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from contramix import ContrastiveEncoder, load
from contramix.domains.table import unread_table
from contramix.domains.table.columns.kinds import Embedding
from contramix.domains.table.settings import TableSettings
from contramix.domains.table.spec import TableSpec
from contramix.errors import InputError
from contramix.io.options import ReadOptions
from contramix.io.tables.chunks import read_chunks
from contramix.io.tables.frames import to_arrow
from contramix.io.tables.reading import read

ROWS, SIZE = 200, 6


@pytest.fixture(scope="module")
def vectors():
    return (np.random.default_rng(0).normal(3, 1, (ROWS, SIZE)) * np.linspace(0.1, 2, SIZE)).astype(np.float32)


@pytest.fixture(scope="module")
def table(vectors):
    rng = np.random.default_rng(1)
    columns = {"age": rng.normal(size=ROWS), "v": list(vectors), "town": rng.choice(["a", "b"], ROWS)}
    return to_arrow(pd.DataFrame(columns))


def learn(table):
    return TableSpec.learn(table, TableSettings())[0]


def test_vectors_are_centered_and_share_a_scale(table, vectors):
    spec = learn(table)
    assert spec.kinds == {"numeric": ["age"], "embedding": ["v"], "categorical": ["town"]}
    scale = np.sqrt(((vectors - vectors.mean(0)) ** 2).mean())
    np.testing.assert_allclose(spec.tensorize(table)[:, 1 : 1 + SIZE], (vectors - vectors.mean(0)) / scale, atol=1e-5)
    assert TableSpec.model_validate_json(spec.model_dump_json()) == spec
    assert spec.inputs().groups == (1 + SIZE, 2)
    low = spec.layout().low[1 : 1 + SIZE]
    np.testing.assert_allclose(low, spec.tensorize(table)[:, 1 : 1 + SIZE].min(0).values, atol=1e-5)


def test_statistics_do_not_depend_on_the_chunks(table):
    from contramix.domains.table.learning import TableLearner

    learner = TableLearner(table.schema, TableSettings())
    for start in range(0, ROWS, 30):
        learner.update(table.slice(start, 30))
    assert TableSpec.from_learner(learner)[0].tensorize(table).numpy() == pytest.approx(
        learn(table).tensorize(table).numpy(), abs=1e-5
    )


def test_a_missing_vector_is_zeros_with_a_flag_and_takes_no_part_in_mixtures(table):
    cells = table["v"].to_pylist()
    some = table.set_column(1, "v", pa.array([None, *cells[1:]], table["v"].type))
    spec = learn(some)
    x = spec.tensorize(some)
    assert x[0, 1 : 2 + SIZE].tolist() == [0.0] * SIZE + [1.0]
    assert x[1, 1 + SIZE] == 0
    layout = spec.layout()
    weight = layout.observed_weight(x[:2], torch.tensor([[1], [0]]), torch.full((2, 2), 0.5))
    of_vector = weight[:, :, 1 : 2 + SIZE]
    assert of_vector[0].tolist() == [[0.0] * (SIZE + 1), [1.0] * (SIZE + 1)]
    assert weight[0, :, 0].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "float64", "parquet", "jsonl"])
def test_any_container_gives_the_same_vectors(tmp_path, table, vectors, kind):
    ordinary = {"age": np.array(table["age"]), "town": table["town"].to_pylist()}
    lists = pa.table({**ordinary, "v": pa.array(vectors.tolist(), pa.list_(pa.float32()))})
    if kind == "parquet":
        pq.write_table(lists, tmp_path / "t.parquet")
    elif kind == "jsonl":
        (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lists.to_pylist()))
    found = {
        "pandas": lambda: to_arrow(pd.DataFrame({**ordinary, "v": list(vectors)})),
        "polars": lambda: to_arrow(pl.DataFrame({**ordinary, "v": vectors})),
        "arrow": lambda: to_arrow(lists),
        "float64": lambda: to_arrow(lists.set_column(2, "v", lists["v"].cast(pa.large_list(pa.float64())))),
        "parquet": lambda: read(tmp_path / "t.parquet").table,
        "jsonl": lambda: read(tmp_path / "t.jsonl").table,
    }[kind]()
    assert found["v"].type == pa.list_(pa.float32(), SIZE)
    assert found.select(table.column_names).equals(table)


def test_chunks_of_a_file_whose_first_rows_have_no_vector(tmp_path, monkeypatch):
    from contramix.io.tables import chunks

    monkeypatch.setattr(chunks, "rows_per_chunk", lambda columns: 4)
    cells = [None] * 6 + [[1.0, 2.0]] * 6
    pq.write_table(pa.table({"v": pa.array(cells, pa.list_(pa.float32()))}), tmp_path / "t.parquet", row_group_size=3)
    found = read_chunks(tmp_path / "t.parquet", ReadOptions())
    assert found.schema.field("v").type == pa.list_(pa.float32(), 2)
    assert pa.concat_tables(list(found))["v"].to_pylist() == cells
    assert unread_table.UnreadTable(tmp_path / "t.parquet", ReadOptions(), TableSettings()).bytes_in_memory >= 20 * 18
    pq.write_table(pa.table({"v": [[1.0]] * 5 + [[1.0, 2.0]] * 5}), tmp_path / "u.parquet")
    with pytest.raises(InputError, match=r"'v'.*lengths|one length"):
        list(read_chunks(tmp_path / "u.parquet", ReadOptions()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: [row[:4] for row in v], "held vectors of 6 numbers .* now holds vectors of 4"),
        (lambda v: [row[: 4 + n % 2] for n, row in enumerate(v)], "different lengths: 4 .* 5 in row 2"),
        (lambda v: [[*row[:-1], np.nan] if n == 7 else row for n, row in enumerate(v)], "row 8.*not finite"),
        (lambda v: [[*row[:-1], np.inf] if n == 7 else row for n, row in enumerate(v)], "row 8.*not finite"),
        (lambda v: [1.0] * len(v), "was vectors of 6 numbers .* is a number now"),
    ],
)
def test_other_vectors_than_in_training(table, vectors, change, message):
    spec, frame = learn(table), table.to_pandas()
    with pytest.raises(InputError, match=message):
        spec.tensorize(to_arrow(frame.assign(v=change(vectors.tolist()))))


def test_a_column_of_one_vector_is_left_out(table):
    spec = learn(table.set_column(1, "v", pa.array([[1.0, 2.0]] * ROWS, pa.list_(pa.float32(), 2))))
    assert [(column.name, column.reason) for column in spec.left_out] == [
        ("v", "constant (the same vector in each row)")
    ]


def test_an_encoder_learns_from_vectors_and_other_columns(tmp_path, table):
    encoder = ContrastiveEncoder("imix-npair", epochs=1, random_state=0).fit(table)
    representation = encoder.transform(table)
    encoder.save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").transform(table), representation)
    assert any(isinstance(column, Embedding) for column in load(tmp_path / "model").model_.spec.columns)
