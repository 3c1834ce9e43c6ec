"""Test that the encoder follows scikit-learn's API and gives the same model for any container of the data."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import contramix
from contramix import ContrastiveEncoder, InputError, Recipe
from contramix.errors import ContramixWarning
from contramix.io.tables.reading import read
from contramix.runs.pretrain import pretrain_into
from contramix.runs.source import MemorySource
from contramix.training.checkpoint import to_bytes, unique_state

pytestmark = pytest.mark.filterwarnings("ignore::contramix.errors.ContramixWarning")


def quick(recipe="imix-npair", **settings):
    return ContrastiveEncoder(recipe, **({"epochs": 2, "random_state": 0} | settings))


def weights(encoder):
    return to_bytes(dict(unique_state(encoder.model_.encoder)), {})


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    n = 60
    return pd.DataFrame(
        {
            "amount": rng.normal(1000, 1, n),
            "count": rng.integers(0, 9, n),
            "member": rng.integers(0, 2, n).astype(bool),
            "colour": rng.choice(["red", "green", "blue"], n),
            "gap": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n), "D"),
        }
    )


@pytest.mark.parametrize("recipe", ["imix-npair", "dacl-plus"])
def test_scikit_learn_checks_pass_without_expected_failures(recipe):
    # In an interpreter of its own: one of the checks gives __init__ values of wrong types, and shapes and types
    # are checked in this one.
    code = f"""
import warnings
warnings.simplefilter("ignore")
from sklearn.utils.estimator_checks import check_estimator
from contramix import ContrastiveEncoder
for r in check_estimator(ContrastiveEncoder({recipe!r}, epochs=1), on_fail=None, on_skip=None):
    print(r["status"], r["check_name"], repr(r["exception"]))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = run.stdout.splitlines()
    assert len(lines) > 40
    assert [line for line in lines if not line.startswith("passed") and "check_array_api_input" not in line] == []


def test_any_container_and_file_train_the_same_bytes(frame, tmp_path):
    frame.to_parquet(tmp_path / "t.parquet", index=False)
    frame.to_csv(tmp_path / "t.csv", index=False)
    forms = {
        "polars": pl.from_pandas(frame),
        "arrow": pa.Table.from_pandas(frame, preserve_index=False),
        "shuffled index": frame.set_index(np.arange(len(frame))[::-1]),
        "parquet": tmp_path / "t.parquet",
        "csv": str(tmp_path / "t.csv"),
    }
    expected = weights(quick().fit(frame))
    for name, form in forms.items():
        assert weights(quick().fit(form)) == expected, name


def test_arrays_tensors_and_sparse_train_the_same_bytes():
    x = np.random.default_rng(0).normal(size=(50, 4)) + 1e4
    x[x < 1e4 - 1.5] = 0
    expected = weights(quick().fit(x))
    frame = pd.DataFrame(x, columns=list("abcd"))
    forms = [np.asfortranarray(x), torch.from_numpy(x), sparse.csr_matrix(x), x.tolist(), frame, pl.from_pandas(frame)]
    for form in forms:
        assert weights(quick().fit(form)) == expected, type(form)


def test_estimator_and_run_folder_meet(frame, tmp_path):
    frame.to_csv(tmp_path / "t.csv", index=False)
    recipe = Recipe.load("imix-npair", {"train.epochs": 2})
    outcome = pretrain_into(tmp_path / "run", MemorySource(read(tmp_path / "t.csv").table), recipe, seed=5)
    encoder = quick(random_state=5).fit(frame)
    assert weights(encoder) == to_bytes(dict(unique_state(outcome.model.encoder)), {})
    loaded = contramix.load(tmp_path / "run")
    np.testing.assert_array_equal(loaded.transform(frame), encoder.transform(frame))


def test_saved_and_loaded_model_gives_the_same(frame, tmp_path):
    encoder = quick().fit(frame)
    encoder.save(tmp_path / "model")
    assert not [p for p in (tmp_path / "model").iterdir() if b"\x80\x04" in p.read_bytes()[:4]]
    loaded = contramix.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.transform(frame), encoder.transform(frame))
    assert list(loaded.feature_names_in_) == list(frame.columns)
    assert loaded.recipe == encoder.model_.recipe
    loaded.partial_fit(frame)
    assert not np.array_equal(loaded.transform(frame), encoder.transform(frame))


def test_own_module_is_trained_and_loaded(tmp_path):
    x = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)

    def build():
        return torch.nn.Sequential(
            torch.nn.Linear(6, 12), torch.nn.ReLU(), torch.nn.Dropout(0.2), torch.nn.Linear(12, 5)
        )

    torch.manual_seed(0)
    module = build()
    before = module[0].weight.detach().clone()
    encoder = quick("npair", encoder=module, overrides={"noise.rate": 0.4}).fit(x)
    assert encoder.transform(x).shape == (40, 5)
    assert torch.equal(module[0].weight, before), "the module that was given is not the one that is trained"
    encoder.save(tmp_path)
    with pytest.raises(InputError, match="encoder=module"):
        contramix.load(tmp_path)
    np.testing.assert_array_equal(contramix.load(tmp_path, encoder=build()).transform(x), encoder.transform(x))


def test_set_output_and_names(frame):
    encoder = quick().set_output(transform="pandas").fit(frame)
    z = encoder.transform(frame)
    assert isinstance(z, pd.DataFrame)
    assert list(z.columns) == list(encoder.get_feature_names_out())
    assert z.columns[0] == "contrastiveencoder0"
    assert isinstance(quick().set_output(transform="polars").fit_transform(frame), pl.DataFrame)


def test_pipeline_and_grid_search_over_overrides(frame):
    y = (frame["amount"] > 1000).astype(int)
    pipeline = make_pipeline(quick(epochs=1), LogisticRegression())
    grid = {"contrastiveencoder__overrides": [{"noise.rate": 0.1}, {"noise.rate": 0.5, "encoder.width": 32}]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(frame, y)
    assert search.best_estimator_.score(frame, y) > 0.5
    widths = [
        clone(pipeline).set_params(**p).fit(frame, y)[0].model_.encoder.width for p in search.cv_results_["params"]
    ]
    assert widths == [Recipe.load("imix-npair").encoder.width, 32]


def test_pickles_and_clones(frame):
    encoder = quick(overrides={"encoder.width": 16}).fit(frame)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(encoder)).transform(frame), encoder.transform(frame))
    assert clone(encoder).get_params() == encoder.get_params()


def test_partial_fit_goes_on_from_where_it_was(frame):
    encoder = quick().partial_fit(frame)
    first = encoder.transform(frame)
    encoder.partial_fit(frame.iloc[:30])
    second = encoder.transform(frame)
    assert not np.array_equal(first, second)
    twice = quick().partial_fit(frame).partial_fit(frame.iloc[:30])
    np.testing.assert_array_equal(twice.transform(frame), second)
    with pytest.raises(ValueError, match="feature"):
        encoder.partial_fit(frame[["amount"]])


def test_training_learns_something(frame):
    encoder = quick(epochs=60).fit(frame)
    assert len(encoder.loss_curve_) == 60
    assert encoder.loss_curve_[-1] < 0.8 * encoder.loss_curve_[0]


def test_extra_and_missing_columns_are_errors_as_in_scikit_learn(frame):
    encoder = quick().fit(frame)
    with pytest.raises(ValueError, match="count"):
        encoder.transform(frame.drop(columns="count"))
    with pytest.raises(ValueError, match="unseen"):
        encoder.transform(frame.assign(more=1))


def test_unseen_levels_and_missing_values_at_transform_are_fine(frame):
    encoder = quick().fit(frame)
    odd = frame.copy()
    odd.loc[0, "colour"] = "violet"
    odd.loc[1, ["amount", "colour", "when"]] = None
    assert np.isfinite(encoder.transform(odd)).all()


def test_left_out_columns_are_told(frame):
    with pytest.warns(ContramixWarning, match=r"'same'.*constant"):
        quick().fit(frame.assign(same=1))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"batch_size": 61}, "larger than the data: 60 rows"),
        ({"batch_size": 1}, "at least 2"),
        ({"epochs": 0}, "whole number"),
        ({"recipe": "imix-npar"}, "imix-npair"),
        ({"overrides": {"noise.ratee": 0.1}}, "rate"),
        ({"device": "gpu"}, "device"),
    ],
)
def test_wrong_settings_are_value_errors_that_name_them(frame, settings, told):
    with pytest.raises(InputError, match=told):
        quick(**settings).fit(frame)


def test_global_random_state_is_left_alone(frame):
    torch.manual_seed(3)
    np.random.seed(3)
    expected = torch.rand(3), np.random.rand(3)
    torch.manual_seed(3)
    np.random.seed(3)
    quick().fit(frame)
    assert torch.equal(torch.rand(3), expected[0])
    assert np.array_equal(np.random.rand(3), expected[1])
