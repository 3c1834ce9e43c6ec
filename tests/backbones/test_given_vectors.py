"""Test arrays and columns of numbers that are said to be vectors."""

import numpy as np
import pandas as pd
import pytest

import contramix
from contramix.errors import InputError

SMALL = ("--epochs", "1", "--set", "encoder.depth=1", "--set", "encoder.width=8", "--recipe", "npair")
X = np.random.default_rng(0).normal(size=(80, 6)).astype(np.float32)


def kinds(folder):
    return contramix.load(folder).model_.spec.kinds


def test_an_array_becomes_one_column_of_vectors(here, run):
    np.save("x.npy", X)
    run.done("pretrain", "x.npy", "--vectors", "--out", "run", *SMALL)
    assert kinds("run") == {"embedding": ["vector"]}
    run.done("embed", "run", "x.npy", "--out", "z.npy")
    z = np.load("z.npy")
    np.testing.assert_allclose(contramix.load("run").transform(X), z, atol=1e-5)
    run.done("pretrain", "x.npy", "--out", "plain", *SMALL)
    assert list(kinds("plain")) == ["numeric"]


def test_the_target_is_no_part_of_the_vector(here, run):
    table = pd.DataFrame(X, columns=[f"v{n}" for n in range(6)]).assign(y=np.arange(80) % 2, name="a")
    table.to_csv("t.csv", index=False)
    run.done("pretrain", "t.csv", "--vectors", "--target", "y", "--out", "run", *SMALL)
    model = contramix.load("run").model_
    assert len(model.spec.columns[0].mean) == 6
    run.done("embed", "run", "t.csv", "--out", "z.npy")
    loaded = contramix.load("run").transform(table.drop(columns="y"))
    np.testing.assert_allclose(loaded, np.load("z.npy"), atol=1e-5)
    run.done("fit", "run", "t.csv", "--target", "y", "--out", "model")
    run.done("predict", "model", "t.csv", "--out", "p.csv")


def test_named_columns_become_one_vector_next_to_others():
    table = pd.DataFrame(X, columns=[f"v{n}" for n in range(6)])
    overrides = {"table.embedding": ["v1", "v2", "v5"], "encoder.width": 8}
    encoder = contramix.ContrastiveEncoder("npair", epochs=1, random_state=0, overrides=overrides).fit(table)
    assert encoder.model_.spec.kinds == {"numeric": ["v0", "v3", "v4"], "embedding": ["vector"]}
    for names, message in ((["v9"], "there is no column 'v9'"), (["v1", "name"], "'name' holds no numbers")):
        overrides = {"table.embedding": names}
        with pytest.raises(InputError, match=message):
            contramix.ContrastiveEncoder("npair", epochs=1, overrides=overrides).fit(table.assign(name="a"))


def test_the_default_predictor_of_vectors_blends_them_with_three_representations():
    y = np.where(X[:, 0] > 0, "a", "b").astype(object)
    y[40:] = -1
    model = contramix.ContrastiveClassifier(epochs=1, random_state=0, overrides={"table.embedding": ["*"]}).fit(X, y)
    found = model.model_
    assert [other.recipe.name for other in (found, *found.others)] == ["npair", "imix-npair", "dacl-plus"]
    assert {part.kind for part in found.blend.parts} == {"linear"}
    assert len(found.blend.parts) == 4


def test_only_the_columns_that_are_kept_are_inputs():
    table = pd.DataFrame(X, columns=[f"v{n}" for n in range(6)]).assign(name="a")
    overrides = {"table.keep": ["v1", "v4"], "encoder.width": 8}
    encoder = contramix.ContrastiveEncoder("npair", epochs=1, random_state=0, overrides=overrides).fit(table)
    assert encoder.model_.spec.kinds == {"numeric": ["v1", "v4"]}
    assert [column.name for column in encoder.model_.spec.left_out] == ["v0", "v2", "v3", "v5", "name"]
    with pytest.raises(InputError, match=r"table.keep: there is no column 'v9'"):
        contramix.ContrastiveEncoder("npair", epochs=1, overrides={"table.keep": ["v9"]}).fit(table)
