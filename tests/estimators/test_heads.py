"""Test the heads of the classifier and the regressor that leave encoders frozen."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

import contramix
from contramix import ContrastiveClassifier, ContrastiveEncoder, ContrastiveRegressor, InputError
from contramix.models.fine_tuned import FineTunedModel
from contramix.predictors import few_labels, trees
from contramix.predictors.blend_model import BlendModel

pytestmark = pytest.mark.filterwarnings("ignore::contramix.errors.ContramixWarning")
QUICK = {"epochs": 2, "random_state": 0, "overrides": {"encoder.width": 16, "encoder.depth": 2}}


@pytest.fixture(autouse=True)
def small_forests(monkeypatch):
    monkeypatch.setattr(trees, "MODELS", {name: (make, 10, 5) for name, (make, _, _) in trees.MODELS.items()})


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "amount": rng.normal(1000, 1, 200),
            "color": rng.choice(["red", "green", "blue"], 200),
            "gap": np.where(rng.random(200) < 0.2, np.nan, rng.normal(size=200)),
        }
    )


@pytest.fixture
def y(frame):
    return np.where((frame["amount"] > 1000) | (frame["color"] == "red"), "yes", "no")


@pytest.fixture
def few(y):
    """Labels of every fourth row."""
    return np.where(np.arange(len(y)) % 4 == 0, y, None)


@pytest.mark.parametrize("head", ["auto", "linear"])
def test_few_labels_are_learned_and_survive_a_folder(frame, y, few, head, tmp_path):
    model = ContrastiveClassifier(head=head, **QUICK).fit(frame, few)
    assert isinstance(model.model_, BlendModel)
    unlabeled = np.equal(few, None)
    assert model.score(frame[unlabeled], y[unlabeled]) > (0.85 if head == "auto" else 0.6)
    np.testing.assert_allclose(model.predict_proba(frame).sum(1), 1)
    model.save(tmp_path)
    loaded = contramix.load(tmp_path)
    assert isinstance(loaded, ContrastiveClassifier)
    assert loaded.classes_.tolist() == ["no", "yes"]
    np.testing.assert_array_equal(loaded.predict_proba(frame), model.predict_proba(frame))
    np.testing.assert_array_equal(loaded.transform(frame), model.transform(frame))
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and p.read_bytes()[:1] == b"\x80"]


def test_the_default_of_a_table_has_two_encodings_and_five_plain_parts(frame, few):
    model = ContrastiveClassifier(**QUICK).fit(frame, few).model_
    assert model.recipe.name == "npair"
    assert [other.recipe.data.numeric for other in (model, *model.others)] == ["standard", "quantile"]
    assert list(model.raw) == ["raw", "raw-quantile"]
    assert len(model.blend.parts) == 9
    assert model.blend.weights.sum() == pytest.approx(1)
    assert model.facts["blend"]["labelled_rows"] == 50


def test_a_named_recipe_and_a_fitted_encoder_are_the_only_encoder(frame, few, tmp_path):
    named = ContrastiveClassifier("imix-npair", **QUICK).fit(frame, few).model_
    encoder = ContrastiveEncoder("imix-npair", **QUICK).fit(frame)
    encoder.save(tmp_path)
    for given in (encoder, tmp_path):
        model = ContrastiveClassifier(pretrained=given, random_state=0).fit(frame, few).model_
        assert model.others == ()
        assert list(model.raw) == ["raw", "raw-quantile"]
        np.testing.assert_array_equal(model.scores(table(frame)), named.scores(table(frame)))


def table(frame):
    return contramix.estimators.pretraining.to_arrow(frame)


def test_a_quantity_keeps_its_unit(tmp_path):
    x = np.random.default_rng(0).normal(size=(300, 4))
    truth = 5e5 + 2000 * x[:, 0] - 1000 * x[:, 3]
    y = np.where(np.arange(300) % 3 == 0, truth, np.nan)
    model = ContrastiveRegressor(**QUICK).fit(x, y)
    unknown = np.isnan(y)
    assert model.score(x[unknown], truth[unknown]) > 0.7
    model.save(tmp_path)
    loaded = contramix.load(tmp_path)
    assert isinstance(loaded, ContrastiveRegressor)
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
    assert clone(model).get_params() == model.get_params()


def test_class_weights_apply_to_every_part(frame):
    y = np.where(np.arange(200) % 10 == 0, "rare", "often")
    frame = frame.assign(gap=0.0, color="red", amount=np.arange(200) // 10 % 2)  # nothing tells them apart
    shares = [
        ContrastiveClassifier(class_weight=weight, **QUICK).fit(frame, y).predict_proba(frame)[:, 1].mean()
        for weight in (None, "balanced", {"rare": 3.0})
    ]
    np.testing.assert_allclose(shares, [0.1, 0.5, 0.25], atol=0.05)


@pytest.mark.parametrize(("undecided", "head"), [("fine_tune", BlendModel), ("fit_few_labels", FineTunedModel)])
def test_with_many_labels_held_out_rows_decide_between_a_blend_and_fine_tuning(monkeypatch, frame, y, undecided, head):
    monkeypatch.setattr(few_labels, "FEW_ROWS", 100)
    rows = []

    def one_half(encoder, x, *others, **settings):
        rows.append(len(x))
        return SimpleNamespace(scores=lambda x: np.full((len(x), 2), 0.5))

    monkeypatch.setattr(few_labels, undecided, one_half)
    model = ContrastiveClassifier(**QUICK).fit(frame, y)
    assert rows == [200 if undecided == "fit_few_labels" else 160]
    assert type(model.model_) is head
    assert model.score(frame, y) > 0.8


def test_images_have_linear_models_on_pixels(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 60, (60, 8, 8, 3), dtype=np.uint8)
    y = np.arange(60) % 2
    images[y == 1, :4] += 90
    model = ContrastiveClassifier(epochs=1, random_state=0, overrides={"encoder.width": 4}).fit(images, y)
    assert [part.kind for part in model.model_.blend.parts] == ["least-squares", "linear", "linear", "least-squares"]
    assert model.score(images, y) == 1
    model.save(tmp_path)
    np.testing.assert_array_equal(contramix.load(tmp_path).predict_proba(images), model.predict_proba(images))


def test_an_own_module_stays_frozen(tmp_path):
    def build():
        return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3))

    x = np.random.default_rng(0).normal(size=(80, 4))
    y = (x[:, 0] > 0).astype(int)
    model = ContrastiveClassifier(encoder=build(), epochs=1, random_state=0).fit(x, y)
    model.save(tmp_path)
    loaded = contramix.load(tmp_path, encoder=build())
    np.testing.assert_array_equal(loaded.predict_proba(x), model.predict_proba(x))


def test_damaged_folders_are_refused(frame, few, tmp_path):
    ContrastiveClassifier(**QUICK).fit(frame, few).save(tmp_path)
    for name in ("blend.safetensors", "raw.spec.json", "encoder-1/model.safetensors"):
        whole = (tmp_path / name).read_bytes()
        for content in (whole[:-1] + bytes([whole[-1] ^ 1]), whole[:-5], b""):
            (tmp_path / name).write_bytes(content)
            with pytest.raises(InputError):
                contramix.load(tmp_path)
        (tmp_path / name).unlink()
        with pytest.raises(InputError, match="not a whole model"):
            contramix.load(tmp_path)
        (tmp_path / name).write_bytes(whole)
    assert contramix.load(tmp_path).predict(frame).shape == (200,)


def test_predict_writes_the_predictions_of_a_blend(frame, few, tmp_path):
    ContrastiveClassifier(**QUICK).fit(frame, few).save(tmp_path / "model")
    frame.to_csv(tmp_path / "rows.csv", index=False)
    line = [sys.executable, "-m", "contramix", "predict", "model", "rows.csv", "--out", "out.csv", "--quiet"]
    subprocess.run(line, cwd=tmp_path, check=True)
    found = pd.read_csv(tmp_path / "out.csv")
    assert found.columns.tolist() == ["prediction", "p_no", "p_yes"]
    expected = contramix.load(tmp_path / "model").predict(frame)
    assert found["prediction"].tolist() == expected.tolist()


def test_one_row_is_predicted_as_among_others(frame, few):
    model = ContrastiveClassifier("npair", **QUICK).fit(frame, few)
    np.testing.assert_allclose(model.predict_proba(frame.iloc[:1]), model.predict_proba(frame)[:1], rtol=1e-6)


def test_an_unknown_head_is_an_error(frame, few):
    model = ContrastiveClassifier(**QUICK).set_params(head="tree")
    with pytest.raises(InputError, match="head='tree': not known"):
        model.fit(frame, few)


@pytest.mark.parametrize("head", ["auto", "finetune"])
def test_class_prior_adjusts_probabilities_and_is_saved(frame, y, few, head, tmp_path):
    finetune = {"epochs": 5} if head == "finetune" else None
    plain = ContrastiveClassifier("npair", head=head, finetune=finetune, **QUICK).fit(frame, few)
    rare = clone(plain).set_params(class_prior={"yes": 0.05, "no": 0.95}).fit(frame, few)
    shares = np.unique(y[::4], return_counts=True)[1] / 50
    odds = plain.predict_proba(frame) / shares * [0.95, 0.05]
    np.testing.assert_allclose(rare.predict_proba(frame), odds / odds.sum(1, keepdims=True), rtol=1e-4, atol=1e-7)
    rare.save(tmp_path)
    np.testing.assert_array_equal(contramix.load(tmp_path).predict_proba(frame), rare.predict_proba(frame))


def test_class_prior_can_be_estimated_from_unlabeled_rows():
    """Half of the labeled rows are of the class that only a tenth of all rows are of."""
    rng = np.random.default_rng(0)
    y = (np.arange(1000) % 10 == 0).astype(int)
    x = rng.normal(size=(1000, 3)) + 3 * y[:, None]
    labels = np.full(1000, -1)
    for label in (0, 1):
        labels[np.flatnonzero(y == label)[:20]] = label
    model = ContrastiveClassifier("npair", class_prior="estimate", **QUICK).fit(x, labels)
    np.testing.assert_allclose(model.model_.prior, [0.9, 0.1], atol=0.06)  # 0.5 each among the labeled rows
    assert model.predict_proba(x)[:, 1].mean() == pytest.approx(0.1, abs=0.06)
    with pytest.raises(InputError, match="needs rows without labels"):
        model.fit(x, y)
    with pytest.raises(InputError, match="sum to 1"):
        model.set_params(class_prior={0: 0.5, 1: 0.6}).fit(x, labels)
    with pytest.raises(InputError, match="the share of '1' is missing"):
        model.set_params(class_prior={0: 1.0}).fit(x, labels)
    with pytest.raises(InputError, match="no class is called '2'"):
        model.set_params(class_prior={0: 0.5, 1: 0.3, 2: 0.2}).fit(x, labels)
    with pytest.raises(InputError, match="give 'estimate'"):
        model.set_params(class_prior="guess").fit(x, labels)
