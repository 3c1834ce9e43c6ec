"""Test that semi-supervised estimators follow scikit-learn's API, learn from few labels, and can be saved."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import contramix
from contramix import ContrastiveClassifier, ContrastiveEncoder, ContrastiveRegressor, InputError
from contramix.estimators.classifier import is_labeled
from contramix.models.fine_tuned import FineTunedModel
from contramix.training.checkpoint import to_bytes, unique_state

pytestmark = pytest.mark.filterwarnings("ignore::contramix.errors.ContramixWarning")
SMALL = {"encoder.width": 32, "encoder.depth": 2}
QUICK = {"epochs": 1, "random_state": 0, "overrides": SMALL, "head": "finetune", "finetune": {"epochs": 20, "lr": 5e-3}}


def classifier(**settings):
    return ContrastiveClassifier(**(QUICK | settings))


def regressor(**settings):
    return ContrastiveRegressor(**(QUICK | settings))


def weights(model):
    return to_bytes(dict(unique_state(model.model_.network)), {})


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    n = 200
    return pd.DataFrame(
        {
            "amount": rng.normal(1000, 1, n),
            "colour": rng.choice(["red", "green", "blue"], n),
            "gap": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
        }
    )


@pytest.fixture
def y(frame):
    return ((frame["amount"] > 1000) | (frame["colour"] == "red")).astype(int).to_numpy()


@pytest.fixture
def few(y):
    """Labels of every fourth row."""
    return np.where(np.arange(len(y)) % 4 == 0, y, -1)


@pytest.mark.parametrize("name", ["ContrastiveClassifier", "ContrastiveRegressor"])
def test_scikit_learn_checks_pass_without_expected_failures(name):
    # In an interpreter of its own: shapes and types are checked in this one.
    code = f"""
import warnings
warnings.simplefilter("ignore")
from sklearn.utils.estimator_checks import check_estimator
from contramix import {name}
small = {{"encoder.width": 32, "encoder.depth": 2}}
model = {name}(epochs=1, overrides=small, head="finetune", finetune={{"epochs": 10, "lr": 2e-2}})
for r in check_estimator(model, on_fail=None, on_skip=None):
    print(r["status"], r["check_name"], repr(r["exception"]))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = run.stdout.splitlines()
    assert len(lines) > 50
    assert [line for line in lines if not line.startswith("passed") and "check_array_api_input" not in line] == []


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([0, -1, 2], [True, False, True]),
        ([-1, 1, 1, -1], [True] * 4),
        ([-1.0, 1.0], [True] * 2),
        ([-1, 1, 2], [False, True, True]),
        ([-1, 0], [False, True]),
        ([-1, -1], [False] * 2),
        (np.array(["a", -1, "b", None, float("nan")], object), [True, False, True, False, False]),
        (["a", -1], [True, False]),
        ([0.0, float("nan"), 1.0], [True, False, True]),
        ([True, False], [True, True]),
        (pd.Series(["a", None, "b"]), [True, False, True]),
    ],
)
def test_which_rows_have_a_label(y, expected):
    assert is_labeled(np.asarray(y)).tolist() == expected


def test_few_labels_are_learned_and_rows_without_one_count_for_pre_training(frame, y, few):
    model = classifier(finetune={"lr": 5e-3}).fit(frame, few)
    assert model.score(frame[few == -1], y[few == -1]) > 0.85
    assert model.model_.facts["rows"] == 200
    assert model.model_.facts["finetuning"]["labelled_rows"] == 50
    alone = classifier(finetune={"lr": 5e-3}).fit(frame[few != -1], y[few != -1])
    assert alone.model_.facts["rows"] == 50
    assert weights(alone) != weights(model)


def test_what_marks_a_row_as_unlabeled_changes_nothing(frame, y, few):
    expected = weights(classifier().fit(frame, few))
    none = np.where(few == -1, None, few.astype(object))
    assert weights(classifier().fit(frame, none)) == expected
    assert weights(classifier().fit(frame, np.where(few == -1, np.nan, few))) == expected
    words = np.where(few == -1, -1, np.array(["no", "yes"], object)[few])
    for form in (words, words.astype(str)):
        named = classifier().fit(frame, form)
        assert weights(named) == expected
        assert named.classes_.tolist() == ["no", "yes"]


@pytest.mark.parametrize("labels", [["no", "yes"], [False, True], [3, 7], [0.5, 1.5], [-1, 1]])
def test_classes_come_back_as_they_were_given_also_from_a_folder(frame, y, labels, tmp_path):
    labels = np.array(labels)
    if labels.dtype.kind == "f":
        labels = labels.astype(object).astype(str)  # scikit-learn takes fractions for quantities
    model = classifier().fit(frame, labels[y])
    model.save(tmp_path)
    loaded = contramix.load(tmp_path)
    assert isinstance(loaded, ContrastiveClassifier)
    for each in (model, loaded):
        assert each.classes_.tolist() == labels.tolist()
        assert each.classes_.dtype.kind == labels.dtype.kind
        assert set(each.predict(frame).tolist()) <= set(labels.tolist())
    np.testing.assert_array_equal(loaded.predict_proba(frame), model.predict_proba(frame))
    np.testing.assert_array_equal(loaded.transform(frame), model.transform(frame))
    assert list(loaded.feature_names_in_) == list(frame.columns)
    assert not [p for p in tmp_path.iterdir() if p.read_bytes()[:1] == b"\x80"]


def test_a_fine_tuned_model_is_an_encoder_too(frame, few, tmp_path):
    model = classifier().fit(frame, few)
    model.save(tmp_path)
    np.testing.assert_array_equal(
        contramix.Pretrained.load(tmp_path).embed(contramix.estimators.pretraining.to_arrow(frame)),
        model.transform(frame),
    )


def test_damaged_folders_are_refused(frame, few, tmp_path):
    classifier().fit(frame, few).save(tmp_path)
    whole = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    head, config = whole["head.safetensors"], json.loads(whole["config.json"])
    flipped = head[:-1] + bytes([head[-1] ^ 1])

    def changed(**values):
        return json.dumps({**config, "predicts": {**config["predicts"], **values}}).encode()

    for name, content, told in (
        ("head.safetensors", flipped, "checksum"),
        ("head.safetensors", head[:-5], "not a whole safetensors file"),
        ("head.safetensors", b"", "not a whole"),
        ("model.safetensors", head, "another architecture"),
        ("config.json", changed(classes=["a", "b", "c"], labels=[0, 1, 2], shares=None), "another architecture"),
        ("config.json", changed(labels=[0]), "classes"),
        ("config.json", changed(mean="x"), "not what training on labels writes"),
        ("config.json", json.dumps({**config, "predicts": 3}).encode(), "not what training on labels writes"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=told):
            contramix.load(tmp_path)
        (tmp_path / name).write_bytes(whole[name])
    (tmp_path / "head.safetensors").unlink()
    with pytest.raises(InputError, match=r"head\.safetensors"):
        contramix.load(tmp_path)


def test_an_encoder_predicts_nothing(frame, tmp_path):
    ContrastiveEncoder(epochs=1, overrides=SMALL).fit(frame).save(tmp_path)
    assert isinstance(contramix.load(tmp_path), ContrastiveEncoder)
    with pytest.raises(InputError, match=r"predicts nothing yet.*contramix fit"):
        FineTunedModel.load(tmp_path)


def test_from_a_fitted_encoder_without_pre_training_again(frame, few, tmp_path):
    encoder = ContrastiveEncoder(epochs=3, overrides=SMALL, random_state=5).fit(frame)
    before = to_bytes(dict(unique_state(encoder.model_.encoder)), {})
    encoder.save(tmp_path)
    models = [classifier(pretrained=p).fit(frame, few) for p in (encoder, encoder.model_, tmp_path, str(tmp_path))]
    assert len({weights(model) for model in models}) == 1
    assert not hasattr(models[0], "loss_curve_")
    assert to_bytes(dict(unique_state(encoder.model_.encoder)), {}) == before
    # The same as to pre-train and fine-tune in one go.
    whole = classifier(recipe="imix-npair", epochs=3, random_state=5).fit(frame, few)
    assert weights(classifier(random_state=5, pretrained=encoder).fit(frame, few)) == weights(whole)


def test_an_own_module_is_fine_tuned(tmp_path):
    def build():
        return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3))

    x = np.random.default_rng(0).normal(size=(80, 4))
    y = (x[:, 0] > 0).astype(int)
    model = classifier(encoder=build(), overrides=None).fit(x, y)
    model.save(tmp_path)
    loaded = contramix.load(tmp_path, encoder=build())
    np.testing.assert_array_equal(loaded.predict_proba(x), model.predict_proba(x))
    assert model.transform(x).shape == (80, 3)


def test_class_weights_by_label_and_by_name(frame):
    y = np.where(np.arange(200) % 10 == 0, "rare", "often")
    frame = frame.assign(gap=0.0, colour="red", amount=np.arange(200) // 10 % 2)  # nothing tells them apart
    shares = [
        classifier(class_weight=weight, finetune={"lr": 5e-3}).fit(frame, y).predict_proba(frame)[:, 1].mean()
        for weight in (None, "balanced", {"rare": 3.0})
    ]
    np.testing.assert_allclose(shares, [0.1, 0.5, 0.25], atol=0.02)


def test_a_quantity_that_is_known_of_few_rows(tmp_path):
    x = np.random.default_rng(0).normal(size=(300, 4))
    truth = 5e5 + 2000 * x[:, 0] - 1000 * x[:, 3]
    y = np.where(np.arange(300) % 3 == 0, truth, np.nan)
    model = regressor(finetune={"lr": 5e-3}).fit(x, y)
    unknown = np.isnan(y)
    assert model.score(x[unknown], truth[unknown]) > 0.7
    model.save(tmp_path)
    loaded = contramix.load(tmp_path)
    assert isinstance(loaded, ContrastiveRegressor)
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
    with pytest.raises(InputError, match=r"infinity \(row 3\)"):
        regressor().fit(x, np.where(np.arange(300) == 2, np.inf, truth))
    for head in ("auto", "finetune"):
        with pytest.raises(InputError, match="labeled rows"):
            regressor(head=head).fit(x, np.full(300, np.nan))


def test_containers_agree_and_pickles_and_clones(frame, few):
    model = classifier().fit(frame, few)
    expected = model.predict_proba(frame)
    for form in (pl.from_pandas(frame), frame.set_index(np.arange(200)[::-1])):
        np.testing.assert_array_equal(classifier().fit(form, few).predict_proba(form), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(frame), expected)
    assert clone(model).get_params() == model.get_params()
    order = np.random.default_rng(1).permutation(200)
    np.testing.assert_allclose(model.predict_proba(frame.iloc[order]), expected[order], rtol=1e-4)


def test_names_that_are_no_text_are_none():
    x = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)))
    y = (x[0] > 0).astype(int)
    np.testing.assert_array_equal(classifier().fit(x, y).predict(x), classifier().fit(x.to_numpy(), y).predict(x))


def test_grid_search_over_fine_tuning(frame, y):
    search = GridSearchCV(
        classifier(), {"finetune": [{"epochs": 1}, {"epochs": 60, "lr": 5e-3}]}, cv=2, error_score="raise"
    ).fit(frame, y)
    assert search.best_params_["finetune"]["epochs"] == 60


@pytest.mark.parametrize(
    ("change", "settings", "told"),
    [
        (lambda y: np.full(len(y), -1), {}, "y has 0 class"),
        (lambda y: np.where(y == 1, 3, -1), {}, "at least 2 classes"),
        (lambda y: y[:-1], {}, "inconsistent numbers of samples"),
        (lambda y: y + 0.25, {}, "continuous"),
        (lambda y: np.where(y == 1, "yes", y.astype(object)), {}, "mixes text labels"),
        (lambda y: y, {"finetune": {"rate": 3}}, "unknown setting 'rate'"),
        (lambda y: y, {"class_weight": {"rare": 2}}, "no class 'rare'"),
        (lambda y: y, {"head": "linear"}, "set head='finetune' with them"),
        (lambda y: y, {"pretrained": "nowhere"}, "nowhere"),
        (lambda y: y, {"pretrained": ContrastiveEncoder()}, "not fitted"),
    ],
)
def test_what_cannot_be_fitted_is_a_value_error(frame, y, change, settings, told):
    with pytest.raises(ValueError, match=told):
        classifier(**settings).fit(frame, change(y))


def test_rows_that_do_not_fit_the_given_encoder(frame, y):
    encoder = ContrastiveEncoder(epochs=1, overrides=SMALL).fit(frame)
    with pytest.raises(InputError, match="missing column 'colour'"):
        classifier(pretrained=encoder).fit(frame.drop(columns="colour"), y)
