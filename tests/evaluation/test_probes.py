"""Compare probes with independent computations, and test that no setting is chosen on test rows."""

import sys

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, log_loss
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from torch.nn.functional import cross_entropy

from contramix.errors import InputError
from contramix.evaluation.candidates import probe_candidate
from contramix.evaluation.probes import PROBES, descent, published
from contramix.evaluation.probes.choosing import choose
from contramix.evaluation.probes.linear import STRENGTHS
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.evaluation.scoring import score_candidates
from contramix.evaluation.splits import make_splits
from contramix.models.labeled_records import LabelBudget
from contramix.models.task import Task
from contramix.predictors import feature_rows
from contramix.predictors.feature_rows import FeatureRows, FeatureScale
from contramix.predictors.regressions import Logistic
from contramix.predictors.regressions import Ridge as OurRidge
from contramix.runtime.randomness import Key

CLASSES = Task("classification", "y", ("0", "1", "2"))
QUANTITY = Task("regression", "y")
TRAIN, TEST = np.arange(300), np.arange(300, 400)
STEPWISE = {"sgd": published.SGD, "lars": published.LARS, "adam": published.ADAM}
FAMILIES = [name for name in PROBES if not name.startswith(("sgd-", "lars-"))]
"""The others are the same code at other rates and lengths."""


@pytest.fixture
def blobs():
    """Features of 400 records, far from zero and of unequal scales, and classes that they tell in part."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 400)
    z = (rng.normal(size=(400, 6)) + 1.2 * np.eye(3, 6)[y]) * [1, 2, 3, 0.5, 1, 7] + [0, 1, 2, 0, 0, 30]
    return z.astype(np.float32), y


@pytest.fixture(params=["held", "streamed"])
def reading(request, monkeypatch):
    """Rows as they are read where they fit into memory, and where they do not."""
    if request.param == "streamed":
        stream(monkeypatch, 64)


def stream(monkeypatch, block):
    monkeypatch.setattr(feature_rows, "HELD", 0)
    for module in (feature_rows, descent):
        monkeypatch.setattr(module, "BLOCK", block)


@pytest.fixture
def brief(monkeypatch):
    """Gradient steps for a tenth of their epochs, where it does not matter how far they get."""
    for name, how in STEPWISE.items():
        monkeypatch.setattr(published, name.upper(), how._replace(epochs=how.epochs // 10))


def problem(y, task=CLASSES, **more):
    return PredictionProblem(task, TRAIN, y[TRAIN], TEST, **more)


def scaled(z):
    scale = FeatureScale.learn(z, TRAIN)
    return scale.rows(TRAIN), scale.rows(TEST)


def by_hand(z):
    mean, scale = z[TRAIN].mean(0, dtype=float), z[TRAIN].std(0, dtype=float)
    return (z[TRAIN] - mean) / scale, (z[TEST] - mean) / scale


@pytest.mark.parametrize("strength", [1e-3, 0.1, 10.0])
@pytest.mark.parametrize("count", [2, 3])
def test_logistic_has_scikit_learns_optimum(blobs, reading, strength, count):
    z, y = blobs
    y = y % count
    fit, validation = scaled(z)
    ours = Logistic(CLASSES, fit, y[TRAIN]).fit(strength, 1e-6).predict(validation)
    a, b = by_hand(z)
    theirs = LogisticRegression(C=strength, tol=1e-9, max_iter=5000).fit(a, y[TRAIN]).predict_proba(b)
    np.testing.assert_allclose(ours.score[:, :count], theirs, atol=1e-4)
    assert not ours.score[:, count:].any()


def test_logistic_goes_on_from_another_fit(blobs):
    z, y = blobs
    fit, validation = scaled(z)
    first = Logistic(CLASSES, fit, y[TRAIN]).fit(0.1, 1e-5)
    again = Logistic(CLASSES, fit, y[TRAIN]).fit(0.1, 1e-5, first)
    np.testing.assert_allclose(again.weight, first.weight, atol=1e-3)
    other = Logistic(CLASSES, fit, y[TRAIN] % 2).fit(0.1, 1e-5, first)  # of other classes: begins anew
    assert other.predict(validation).score[:, 2].max() == 0


def test_linear_is_the_logistic_regression_that_held_out_rows_choose(blobs, reading):
    z, y = blobs
    found = PROBES["linear"](problem(y), z)
    held, all_rows = [], (z - z[TRAIN].mean(0)) / z[TRAIN].std(0)
    for c in STRENGTHS:
        losses = []
        for part in problem(y).validation_splits():
            model = LogisticRegression(C=c, tol=1e-6, max_iter=5000).fit(all_rows[part.train], part.train_y)
            losses.append(log_loss(part.validation_y, model.predict_proba(all_rows[part.validation])))
        held.append(np.mean(losses))
    chosen = float(found.chosen.removeprefix("C = "))
    assert held[STRENGTHS.index(chosen)] <= min(held) + 1e-3
    a, b = by_hand(z)
    theirs = LogisticRegression(C=chosen, tol=1e-9, max_iter=5000).fit(a, y[TRAIN])
    np.testing.assert_allclose(found.score, theirs.predict_proba(b), atol=5e-3)
    assert (found.value == theirs.predict(b)).mean() > 0.98


@pytest.mark.parametrize("strength", STRENGTHS)
def test_ridge_is_scikit_learns(blobs, reading, strength):
    z, _ = blobs
    y = z @ np.arange(6.0) + np.random.default_rng(1).normal(size=len(z))
    fit, validation = scaled(z)
    a, b = by_hand(z)
    theirs = Ridge(alpha=1 / strength).fit(a, y[TRAIN]).predict(b)
    ours = OurRidge(QUANTITY, fit, y[TRAIN]).fit(strength).predict(validation).value
    np.testing.assert_allclose(ours, theirs, atol=1e-3 * y.std())
    chosen = float(PROBES["linear"](problem(y, QUANTITY), z).chosen.removeprefix("C = "))
    assert chosen in STRENGTHS


@pytest.mark.parametrize("k", [1, 5, 20])
def test_knn_is_scikit_learns(blobs, reading, monkeypatch, k):
    z, y = blobs
    monkeypatch.setattr(sys.modules["contramix.evaluation.probes.knn"], "NEIGHBORS", (k,))
    a, b = by_hand(z)
    mine, theirs = PROBES["knn"](problem(y), z), KNeighborsClassifier(k).fit(a, y[TRAIN])
    np.testing.assert_allclose(mine.score, theirs.predict_proba(b), atol=1e-9)
    assert mine.chosen == f"k = {k}"
    t = z[:, 0].astype(float)
    np.testing.assert_allclose(
        PROBES["knn"](problem(t, QUANTITY), z).value, KNeighborsRegressor(k).fit(a, t[TRAIN]).predict(b), rtol=1e-6
    )


def test_least_squares_is_the_pseudo_inverse(blobs, reading):
    z, y = blobs
    z = np.concatenate([z, z[:, :1] * 2], 1)  # rank-deficient: the shortest solution
    weight = np.linalg.pinv(z[TRAIN].astype(float), rcond=1e-6) @ np.eye(3)[y[TRAIN]]
    found = PROBES["least-squares"](problem(y), z)
    np.testing.assert_allclose(found.score, z[TEST] @ weight, atol=1e-5)
    assert np.array_equal(found.value, (z[TEST] @ weight).argmax(1))
    t = 100 + z @ np.arange(7.0)
    expected = np.linalg.lstsq(z[TRAIN].astype(float), t[TRAIN] - t[TRAIN].mean())[0]
    np.testing.assert_allclose(
        PROBES["least-squares"](problem(t, QUANTITY), z).value, z[TEST] @ expected + t[TRAIN].mean(), rtol=1e-4
    )


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("sgd-256", ((1.0, 3.0, 5.0, 10.0, 30.0, 50.0, 70.0), 100, 256, (80, 90, 95), 0.2)),
        ("sgd-imagenet", ((30.0,), 100, 256, (60, 80), 0.1)),
        ("lars-images", ((1.0,), 200, 256)),
        ("lars-imagenet", ((1.6,), 90, 4096)),
    ],
)
def test_published_variants(name, settings, blobs):
    how = PROBES[name].__self__
    found = (how.rates, how.epochs, how.batch_size)
    if name.startswith("sgd"):
        found += (how.optimizer.decay_epochs, how.optimizer.decay)
    assert found == settings
    z, y = blobs
    quick = how._replace(epochs=1)  # its own loop is compared below
    assert np.asarray(quick.probe(problem(y), z).value).shape == (100,)


def literal(name, lr, z, y, key):
    """One learning rate, as the papers put it; optimisers written out. Returns logits of the test rows."""
    x, target = torch.from_numpy(z[TRAIN]).double(), torch.from_numpy(y[TRAIN])
    n = len(x)
    batch, epochs = {"sgd": (512, 100), "lars": (256, 200), "adam": (n, 100)}[name]
    batch = min(batch, n)
    w = (torch.randn(z.shape[1], 3, generator=key.at("weights").generator()) * 0.01).double().requires_grad_()
    b = torch.zeros(3).double().requires_grad_()
    first = {p: torch.zeros_like(p) for p in (w, b)}
    second = {p: torch.zeros_like(p) for p in (w, b)}
    total, t = epochs * (n // batch), 0
    for epoch in range(epochs):
        order = torch.randperm(n, generator=key.at("order", epoch).generator())
        for start in range(0, n - batch + 1, batch):
            at = order[start : start + batch]
            gradients = torch.autograd.grad(cross_entropy(x[at] @ w + b, target[at]), (w, b))
            for p, g in zip((w, b), gradients):
                with torch.no_grad():
                    if name == "sgd":
                        rate = lr * 0.2 ** ((epoch >= 80) + (epoch >= 90) + (epoch >= 95))
                        first[p] = 0.9 * first[p] + g
                        p -= rate * first[p]
                    elif name == "lars":
                        rate = lr * 0.5 * (1 + np.cos(np.pi * t / total))
                        trust = 0.001 * p.norm() / g.norm() if p.dim() > 1 else 1.0
                        first[p] = 0.9 * first[p] + trust * g
                        p -= rate * first[p]
                    else:
                        first[p] = 0.9 * first[p] + 0.1 * g
                        second[p] = 0.999 * second[p] + 0.001 * g * g
                        up, down = first[p] / (1 - 0.9 ** (t + 1)), second[p] / (1 - 0.999 ** (t + 1))
                        p -= lr * up / (down.sqrt() + 1e-8)
            t += 1
    return (torch.from_numpy(z[TEST]).double() @ w + b).log_softmax(1).detach().numpy()


@pytest.mark.parametrize("name", STEPWISE)
def test_grid_of_rates_is_one_literal_loop_a_rate(blobs, reading, name):
    z, y = blobs
    z = ((z - z.mean(0)) / z.std(0) / 3).astype(np.float32)  # at rates too high for the features rounding grows
    how, key = STEPWISE[name], Key(0).at("probe")
    rates = how.rates[:3]
    shares = how.train(rates, FeatureRows(z, TRAIN), y[TRAIN], 3, key).log_probabilities(FeatureRows(z, TEST))
    for rate, share in zip(rates, shares):
        np.testing.assert_allclose(share, literal(name, rate, z, y, key), atol=2e-3)
    found = how._replace(rates=rates).probe(problem(y), z)
    expected = shares[rates.index(float(found.chosen.removeprefix("lr = ")))]
    np.testing.assert_allclose(found.score, expected, atol=1e-3)


def test_several_batches_an_epoch_leave_out_the_last_and_reach_all(blobs, monkeypatch):
    z, y = blobs
    how, seen = published.SGD._replace(epochs=5, batch_size=70), []
    real = FeatureRows.__getitem__
    monkeypatch.setattr(FeatureRows, "__getitem__", lambda self, at: (seen.append(at), real(self, at))[1])
    how.train((1.0,), FeatureRows(z, TRAIN), y[TRAIN], 3, Key(0))
    assert [len(at) for at in seen] == [70] * 20
    for epoch in range(5):
        assert len(set(np.concatenate(seen[4 * epoch : 4 * epoch + 4]))) == 280
    assert len(set(np.concatenate(seen))) == 300


@pytest.mark.parametrize("name", FAMILIES)
def test_streamed_features_give_the_same_predictions(blobs, brief, monkeypatch, tmp_path, name):
    z, y = blobs
    z = z / 10
    held = PROBES[name](problem(y), z)
    np.save(tmp_path / "z.npy", z)
    stream(monkeypatch, 37)
    streamed = PROBES[name](problem(y), np.load(tmp_path / "z.npy", mmap_mode="r"))
    assert streamed.chosen == held.chosen
    np.testing.assert_allclose(streamed.score, held.score, atol=1e-2)
    assert (streamed.value == held.value).mean() > 0.98


@pytest.mark.parametrize("name", FAMILIES)
def test_permuted_test_labels_change_nothing(blobs, brief, name):
    z, y = blobs
    made = []

    def recorded(problem, z):
        made.append(PROBES[name](problem, z))
        return made[-1]

    wrong = y.copy()
    wrong[TEST] = np.random.default_rng(0).permutation(y[TEST])
    scores = []
    for labels in (y, wrong):
        candidate = probe_candidate(name, "baseline", lambda problem: z, name, recorded)
        parts = make_splits(CLASSES, labels, [0], TEST)
        scores += score_candidates(CLASSES, labels, [candidate], parts, (LabelBudget(5),), metric="accuracy")
    half = len(made) // 2
    for right, other in zip(made[:half], made[half:]):
        assert right.chosen == other.chosen
        assert np.array_equal(right.value, other.value)
        assert np.array_equal(right.score, other.score)
    assert scores[0].mean != scores[len(scores) // 2].mean  # the labels did change


@pytest.mark.parametrize("name", PROBES)
def test_other_test_rows_change_no_prediction(blobs, brief, name):
    z, y = blobs
    together = PROBES[name](problem(y), z)
    for row in (300, 333, 399):
        alone = PROBES[name](PredictionProblem(CLASSES, TRAIN, y[TRAIN], np.array([row])), z)
        assert alone.chosen == together.chosen
        np.testing.assert_allclose(alone.score[0], together.score[row - 300], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", PROBES)
def test_shuffled_labels_score_chance(blobs, name):
    z, y = blobs
    wrong = y.copy()
    wrong[TRAIN] = np.random.default_rng(0).permutation(y[TRAIN])
    assert accuracy_score(y[TEST], PROBES[name](problem(wrong), z).value) < 0.5


@pytest.mark.parametrize(("name", "scale"), [("linear", 1), ("knn", 1), ("sgd", 1), ("adam", 10)])
def test_peeking_at_test_rows_changes_the_choice_and_is_said(name, scale):
    # Half of the labels are noise, and the test rows are the training rows again: who may look memorises.
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    z = (rng.normal(size=(300, 300)) + 5 * np.eye(3, 300)[y]).astype(np.float32) / 30 * scale
    noisy = np.where(rng.random(300) < 0.5, rng.integers(0, 3, 300), y)
    y, z = np.concatenate([noisy, noisy[:100]]), np.concatenate([z, z[:100]])
    honest, peeked = PROBES[name](problem(y), z), PROBES[name](problem(y, test_targets=y[TEST]), z)
    assert peeked.chosen.endswith(" (picked on test rows)")
    assert "test" not in honest.chosen
    assert honest.chosen != peeked.chosen.removesuffix(" (picked on test rows)")
    assert accuracy_score(y[TEST], peeked.value) >= accuracy_score(y[TEST], honest.value)


def test_choice_is_the_best_mean_over_all_held_out_rows_and_the_first_of_equals(blobs):
    _, y = blobs
    asked = problem(y)
    right = {tuple(part.validation): part.validation_y for part in asked.validation_splits()}

    def predict(part):
        truth = Predictions(right[tuple(part.validation)])
        wrong = Predictions((truth.value + 1) % 3)
        yield wrong
        yield truth
        yield wrong
        yield truth

    assert choose(asked, "abcd", predict) == "b"
    assert choose(asked, "a", predict) == "a"
    tried = []

    def falling(part):
        for n in range(4):
            tried.append(n)
            truth = right[tuple(part.validation)]
            yield Predictions(np.where(np.arange(len(truth)) < (5, 9, 9, 8)[n], truth, (truth + 1) % 3))

    assert choose(asked, range(4), falling) == 1
    assert max(tried) == 3
    tried.clear()
    assert choose(asked, (0, 3, 1, 2), falling, stop_when_worse=True) == 3
    assert max(tried) == 3


@pytest.mark.parametrize("name", PROBES)
def test_few_rows_and_classes_without_any(blobs, name):
    z, y = blobs
    two = np.array([int((y == 0).argmax()), int((y == 2).argmax())])
    found = PROBES[name](PredictionProblem(CLASSES, two, y[two], TEST), z)
    assert found.score.shape == (100, 3)
    assert np.isfinite(found.score).all()
    assert set(found.value) <= {0, 1, 2}


@pytest.mark.parametrize("name", ["linear", "knn", "least-squares", "adam"])
def test_constant_features_are_harmless(blobs, name):
    _, y = blobs
    found = PROBES[name](problem(y), np.full((400, 6), 3.0, np.float32))
    assert np.isfinite(found.score).all()
    if name != "knn":
        assert len(set(found.value)) == 1


@pytest.mark.parametrize("name", ["linear", "knn"])
def test_features_that_are_not_finite_are_refused(blobs, name):
    z, y = blobs
    z[7, 2] = np.inf
    with pytest.raises(InputError, match="not finite"):
        PROBES[name](problem(y), z)


@pytest.mark.parametrize("name", STEPWISE)
def test_gradient_steps_are_for_classes(blobs, name):
    z, _ = blobs
    with pytest.raises(InputError, match="for a numeric target use linear, knn or least-squares"):
        PROBES[name](problem(z[:, 0].astype(float), QUANTITY), z)


def test_lars_without_its_extra(blobs, monkeypatch):
    z, y = blobs
    monkeypatch.setitem(sys.modules, "pytorch_optimizer", None)
    with pytest.raises(InputError, match=r"contramix\[lars\]"):
        PROBES["lars"](problem(y), z)


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_rows_are_read_as_numpy_would(reading, offset):
    rng = np.random.default_rng(0)
    z = (offset + rng.normal(size=(500, 4)) * [1, 10, 100, 0]).astype(np.float32)
    index, other = rng.permutation(500)[:300], np.array([3, 3, 499])
    learned = FeatureScale.learn(z, index)
    fit, rest = learned.rows(index), learned.rows(other)
    wide = z[index].astype(float)
    scale = np.where(wide.std(0) > 1e-8, wide.std(0), np.inf)
    np.testing.assert_allclose(fit[:], (wide - wide.mean(0)) / scale, atol=1e-3)
    np.testing.assert_allclose(rest[:], (z[other] - wide.mean(0)) / scale, atol=1e-3)
    blocks = list(fit.blocks())
    np.testing.assert_array_equal(np.concatenate([block for _, block in blocks]), fit[:])
    assert [part.start for part, _ in blocks] == list(range(0, 300, feature_rows.BLOCK))
    np.testing.assert_array_equal(FeatureRows(z, index)[np.array([5, 0])], z[index[[5, 0]]])
