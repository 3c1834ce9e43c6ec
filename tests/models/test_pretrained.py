"""Test that a model reads a file as its training data were read."""

import numpy as np
import pyarrow as pa
import pytest

from contramix import ContrastiveEncoder, Recipe
from contramix.io.tables.reading import read
from contramix.models.pretraining import Fit, learn_spec

CELLS = {
    "decimals": ["1.50", "2", "+1", "2"],
    "booleans": ["True", "false", "True", "false"],
    "large": ["1", "20000000000", "1", "3"],
}


def train(table, **overrides):
    recipe = Recipe.load("npair", {"train.epochs": 1, "encoder.width": 8} | overrides)
    spec, _ = learn_spec(table, recipe)
    fit = Fit.begin(recipe, spec, spec.tensorize(table), 0, "cpu")
    for _ in fit.steps():
        pass
    return fit.finish()


@pytest.mark.parametrize("cells", CELLS.values(), ids=CELLS)
def test_numbers_called_levels_are_the_same_levels_when_read_again(tmp_path, cells):
    path = tmp_path / "t.csv"
    path.write_text("c,n\n" + "\n".join(f"{c},{n * n % 7}.5" for n, c in enumerate(cells * 4)))
    table = read(path).table
    model = train(table, **{"table.categorical": ["c"]})
    x = model.spec.tensorize(model.read(path).table)
    assert (x == model.spec.tensorize(table)).all()
    levels = x[:, [n for n, e in enumerate(model.spec.elements) if e.role == "category"]]
    assert (levels.sum(1) == 1).all(), "each row has its level"
    # Whole numbers become floats where pandas met a gap.
    if pa.types.is_integer(table.column("c").type):
        floats = table.set_column(0, "c", table.column("c").cast(pa.float64()))
        assert (model.spec.tensorize(floats) == x).all()


def test_text_of_digits_only_stays_text_for_model_and_estimator(tmp_path):
    first, later = tmp_path / "first.csv", tmp_path / "later.csv"
    first.write_text("c,n\n" + "\n".join(f"{c},{n * n % 7}.5" for n, c in enumerate(["1", "2", "x"] * 5)))
    later.write_text("c,n\n1,0.5\n2,1.5\n")
    model = train(read(first).table)
    encoder = ContrastiveEncoder("npair", epochs=1, random_state=0).fit(first)
    assert np.isfinite(model.embed(model.read(later).table)).all()
    assert not np.array_equal(*encoder.transform(later))


def test_unknown_columns_are_told(tmp_path):
    table = pa.table({"a": [1.5, 2.0, 3.0, 4.0], "b": [1.0, 0.5, 0.0, 2.0]})
    model = train(table)
    assert model.unknown(table) == ()
    assert "extra" in model.unknown(table.append_column("extra", pa.array([1, 2, 3, 4])))[0]
    assert model.unknown(table.append_column("y", pa.array([1, 2, 3, 4])), ("y",)) == ()
