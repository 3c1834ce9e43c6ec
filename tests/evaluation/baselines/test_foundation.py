"""Test the baselines of foundation models with fake packages of the same interface, which fit linear models."""

import sys

import numpy as np
import pyarrow as pa
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression

from contramix.evaluation.baselines import BaselineInputs, make_baselines, note_unavailable
from contramix.evaluation.problem import PredictionProblem
from contramix.models.labeled_records import prepare_labeled_records
from contramix.models.pretraining import learn_spec
from contramix.recipe import Recipe

FAKE = """
from pathlib import Path
from sklearn.linear_model import LinearRegression, LogisticRegression


class _Fake:
    def __init__(self, *, model_path, device, random_state, {setting}):
        assert Path(model_path).exists() and device == "cpu"

    def fit(self, x, y):
        assert len(x) <= 1000
        return self.made().fit(x, y)


class {prefix}Classifier(_Fake):
    made = LogisticRegression


class {prefix}Regressor(_Fake):
    made = LinearRegression
"""


def inputs_of(y):
    x = np.random.default_rng(0).normal(size=len(y))
    table = pa.table({"a": x, "b": x + 3.0 * np.arange(len(y)), "y": y})
    recipe = Recipe.load("npair")
    spec, _ = learn_spec(table, recipe, "y")
    return BaselineInputs(prepare_labeled_records(spec, table, "y"), recipe, ("linear",), torch.device("cpu"))


def problem_of(inputs, train, test):
    return PredictionProblem(inputs.data.task, train, inputs.data.y[train], test)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install fakes of both packages without weights; yield a function that adds weights."""
    for package, prefix, setting in (
        ("tabpfn", "TabPFN", "ignore_pretraining_limits"),
        ("tabicl", "TabICL", "allow_auto_download"),
    ):
        (tmp_path / f"{package}.py").write_text(FAKE.format(prefix=prefix, setting=setting))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("TABPFN_MODEL_CACHE_DIR", str(tmp_path / "pfn"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))

    def add_weights(*kinds):
        for kind in kinds:
            for path in (
                f"pfn/tabpfn-v2-{kind}.ckpt",
                f"hub/models--jingang--TabICL/snapshots/1/tabicl-{kind}-v2.ckpt",
            ):
                (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / path).touch()

    yield add_weights
    for package in ("tabpfn", "tabicl"):
        sys.modules.pop(package, None)


def test_what_is_not_installed_is_named_in_one_note():
    inputs = inputs_of(np.arange(40) % 2)
    assert make_baselines(inputs, ["tabpfn", "tabicl"]) == []
    assert note_unavailable(inputs, ["raw", "tabpfn", "tabicl"]) == [
        "optional baselines that were not run: tabpfn (not installed), tabicl (not installed)"
    ]
    assert note_unavailable(inputs, ["raw"]) == []


def test_without_weights_nothing_is_run(installed, tmp_path):
    inputs = inputs_of(np.arange(40) % 2)
    installed("regressor")
    assert make_baselines(inputs, ["tabpfn", "tabicl"]) == []
    (note,) = note_unavailable(inputs, ["tabpfn", "tabicl"])
    assert f"tabpfn (no weights of a classifier in {tmp_path / 'pfn'})" in note


def test_models_with_weights_predict(installed):
    installed("classifier", "regressor")
    train, test = np.arange(0, 200, 2), np.arange(1, 200, 2)
    inputs = inputs_of(np.arange(200) // 50)
    expected = LogisticRegression().fit(inputs.raw[train], inputs.data.y[train]).predict_proba(inputs.raw[test])
    for candidate in make_baselines(inputs, ["tabpfn", "tabicl"]):
        guessed = candidate.predict(problem_of(inputs, train, test))
        assert_allclose(guessed.score, expected)
        assert guessed.chosen == ""
    inputs = inputs_of(np.linspace(0, 1, 200))
    names = []
    for candidate in make_baselines(inputs, ["tabpfn", "tabicl"]):
        guessed = candidate.predict(problem_of(inputs, train, test))
        assert_allclose(guessed.value, inputs.data.y[test], atol=0.02)
        names.append(candidate.name)
    assert names == ["tabpfn", "tabicl"]


def test_rows_are_limited_and_the_result_says_so(installed):
    installed("classifier")
    inputs = inputs_of(np.arange(1500) % 2)
    (candidate,) = make_baselines(inputs, ["tabicl"])
    assert candidate.predict(problem_of(inputs, np.arange(1400), np.arange(1400, 1500))).chosen == "1,000 of 1,400 rows"


def test_tabpfn_takes_ten_classes(installed):
    installed("classifier")
    inputs = inputs_of(np.arange(110) % 11)
    assert [candidate.name for candidate in make_baselines(inputs, ["tabpfn", "tabicl"])] == ["tabicl"]
    assert note_unavailable(inputs, ["tabpfn"]) == [
        "optional baselines that were not run: tabpfn (takes at most 10 classes)"
    ]
