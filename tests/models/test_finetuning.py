"""Test that fine-tuning changes all weights of a copy, keeps the best ones, and learns a learnable target."""

import copy

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_class_weight

from contramix.encoders.encoder import Inputs
from contramix.encoders.mlp import MLP
from contramix.encoders.user_module import wrap
from contramix.errors import InputError, RunError
from contramix.models import finetuning
from contramix.models.finetune_settings import FineTune
from contramix.models.finetuning import FineTunedNetwork, class_weights, fine_tune
from contramix.models.task import Task
from contramix.training.reporter import Reporter

TWO, THREE = Task("classification", "y", ("a", "b")), Task("classification", "y", ("a", "b", "c"))
QUANTITY = Task("regression", "y")
QUICK = FineTune(epochs=5)


@pytest.fixture
def encoder():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return MLP(depth=2, width=32).build(Inputs((6,)))


def rows(n, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, 6)).astype(np.float32))


def sides(x):
    return (x[:, 0] * x[:, 1] > 0).numpy().astype(np.int64)


def state(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_all_weights_move_and_the_given_encoder_is_untouched(encoder):
    encoder.requires_grad_(False)
    before = state(encoder)
    x = rows(80)
    tuned = fine_tune(encoder, x, sides(x), TWO, QUICK)
    assert same(state(encoder), before)
    assert encoder.training
    assert not any(p.requires_grad for p in encoder.parameters())
    moved = {name: not torch.equal(p, before[name]) for name, p in tuned.encoder.named_parameters()}
    assert all(moved.values()), moved
    assert len(moved) == 8


def test_few_rows_leave_the_statistics_and_many_do_not(encoder, monkeypatch):
    x = rows(80)
    statistics = [name for name in state(encoder) if "running" in name]
    assert len(statistics) == 4
    for least, kept in ((1000, True), (80, False)):
        monkeypatch.setattr(finetuning, "MIN_BATCH_NORM_ROWS", least)
        tuned = state(fine_tune(encoder, x, sides(x), TWO, QUICK).encoder)
        assert [torch.equal(tuned[name], state(encoder)[name]) for name in statistics] == [kept] * 4


def test_the_seed_decides_all_and_nothing_else_does(encoder):
    x = rows(90)
    settings = FineTune(epochs=3, batch_size=16)
    dropping = wrap(torch.nn.Sequential(encoder, torch.nn.Dropout(0.5)), Inputs((6,)))
    first = state(fine_tune(dropping, x, sides(x), TWO, settings, seed=3))
    torch.manual_seed(99)
    before = torch.get_rng_state()
    assert same(state(fine_tune(dropping, x, sides(x), TWO, settings, seed=3)), first)
    assert torch.equal(torch.get_rng_state(), before), "the global state is left alone"
    assert not same(state(fine_tune(dropping, x, sides(x), TWO, settings, seed=4)), first)


@pytest.mark.parametrize("how", [None, "balanced", {"b": 3.0}])
def test_class_weights_are_scikit_learns(how):
    y = np.random.default_rng(0).choice(3, 100, p=[0.7, 0.2, 0.1])
    expected = compute_class_weight({1: 3.0} if how == {"b": 3.0} else how, classes=np.arange(3), y=y)
    found = class_weights(y, THREE, how)
    np.testing.assert_allclose(np.ones(3) if found is None else found, expected, rtol=1e-15)


def test_class_weights_of_absent_and_unknown_classes():
    np.testing.assert_array_equal(class_weights(np.array([0, 0, 2, 2, 2, 2]), THREE, "balanced"), [1.5, 1, 0.75])
    with pytest.raises(InputError, match=r"no class 'd'.*a, b, c"):
        class_weights(np.array([0, 1]), THREE, {"d": 2.0})


def test_class_weights_act_as_in_a_weighted_logistic_regression(encoder):
    # Rows that are all alike: only shares of the classes can be learned, and balanced ones are equal.
    x, y = torch.ones(200, 6), (np.arange(200) % 10 == 0).astype(np.int64)
    for weight, share in ((None, 0.1), ("balanced", 0.5), ({"b": 3.0}, 0.25)):
        scores = fine_tune(encoder, x, y, TWO, FineTune(class_weight=weight)).scores(x[:1])
        assert scores[0, 1] == pytest.approx(share, abs=0.01), weight


def test_the_best_weights_on_held_out_rows_are_kept(encoder, monkeypatch):
    looks = []
    score = FineTunedNetwork.score

    def seen(self, x, y, weight=None):
        looks.append((score(self, x, y, weight), state(self), x, y))
        return looks[-1][0]

    monkeypatch.setattr(FineTunedNetwork, "score", seen)
    x = rows(1200)
    y = np.where(np.random.default_rng(0).random(1200) < 0.3, 1 - sides(x), sides(x))
    plan_seen = []

    class Seeing(Reporter):
        def steps(self, title, plan, start, steps):
            plan_seen.append(plan)
            yield from steps

    settings = FineTune(batch_size=64, epochs=30, patience=6, lr=1e-2, schedule="constant")
    tuned = fine_tune(encoder, x, y, TWO, settings, reporter=Seeing())
    scores = [found for found, *_ in looks]
    last_best = len(scores) - 1 - int(np.argmax(scores[::-1]))
    assert tuned.facts["validation_score"] == max(scores)
    assert same(state(tuned), looks[last_best][1]), "the last of equals"
    first_best = scores.index(max(scores))
    assert len(scores) == first_best + 1 + settings.patience, "it stopped when its patience had run out"
    assert tuned.facts["steps"] < plan_seen[0].steps
    held_x, held_y = looks[0][2:]
    assert len(held_y) == 240
    assert (tuned.scores(held_x).argmax(1) == held_y).mean() == max(scores)
    assert abs(np.mean(held_y) - np.mean(y)) < 0.005, "stratified"


def test_held_out_rows_train_nothing(encoder, monkeypatch):
    held = []
    # The weights of the last step are kept.
    monkeypatch.setattr(FineTunedNetwork, "score", lambda self, x, y, weight=None: held.append(x) or 0.0)
    x = rows(1000)
    y = sides(x)
    first = fine_tune(encoder, x, y, TWO, FineTune(epochs=2))
    is_held = (x[:, None] == held[0][None]).all(2).any(1)
    assert int(is_held.sum()) == 200
    spoiled = torch.where(is_held[:, None], x.flip(0) * 3, x)
    assert same(state(fine_tune(encoder, spoiled, y, TWO, FineTune(epochs=2))), state(first))
    assert not same(state(fine_tune(encoder, x.flip(0) * 3, y, TWO, FineTune(epochs=2))), state(first))


def test_without_a_share_nothing_is_held_out(encoder):
    x = rows(1000)
    tuned = fine_tune(encoder, x, sides(x), TWO, FineTune(epochs=1, validation_share=0))
    assert tuned.facts == {"labelled_rows": 1000, "held_out_rows": 0, "steps": 3}


def test_it_learns_what_a_linear_model_cannot(encoder):
    x, test = rows(400), rows(500, seed=1)
    tuned = fine_tune(encoder, x, sides(x), TWO, FineTune(lr=3e-3))
    plain = LogisticRegression().fit(x.numpy(), sides(x)).score(test.numpy(), sides(test))
    assert plain < 0.6
    assert tuned.score(test, sides(test)) > 0.85


def test_quantities_are_learned_in_any_unit(encoder):
    x, test = rows(200), rows(500, seed=1)

    def truth(x):
        return (3 * x[:, 0] - x[:, 2]).double().numpy()

    tuned = fine_tune(encoder, x, truth(x), QUANTITY)
    assert tuned.score(test, truth(test)) > 0.8
    other = fine_tune(encoder, x, 1e6 * truth(x) + 4e9, QUANTITY)
    np.testing.assert_allclose(other.scores(test), 1e6 * tuned.scores(test) + 4e9, atol=2e4)


@pytest.mark.parametrize("y", [[0, 1], [0, 0, 1, 1], [0, 0, 0, 0, 0, 1], [1, 1, 1], [0, 1, 2, 0, 1]])
@pytest.mark.parametrize("normalise_from", [0, 3000])
def test_a_handful_of_rows_is_learned_by_heart(encoder, monkeypatch, y, normalise_from):
    monkeypatch.setattr(finetuning, "MIN_BATCH_NORM_ROWS", normalise_from)
    x = rows(len(y)) * 3
    tuned = fine_tune(encoder, x, np.array(y), THREE, FineTune(lr=5e-3))
    assert np.isfinite(tuned.scores(x)).all()
    assert normalise_from == 0 or (tuned.scores(x).argmax(1) == y).all()


@pytest.mark.parametrize("n", [257, 513])
def test_no_batch_of_one_row_is_left_over(encoder, monkeypatch, n):
    monkeypatch.setattr(finetuning, "MIN_BATCH_NORM_ROWS", 0)
    x = rows(n)
    fine_tune(encoder, x, sides(x), TWO, FineTune(epochs=2, validation_share=0))
    assert FineTune(batch_size=n - 1).plan(n).steps_per_epoch == 1


def test_too_few_rows_and_batches_of_one_are_refused(encoder):
    with pytest.raises(InputError, match="at least 2 labeled rows; there is 1"):
        fine_tune(encoder, rows(1), np.array([0]), TWO)
    with pytest.raises(InputError, match="batch_size is 1"):
        fine_tune(encoder, rows(8), np.arange(8) % 2, TWO, FineTune(batch_size=1))


def test_a_loss_that_is_not_finite_stops_the_run(encoder):
    x = rows(64)
    with pytest.raises(RunError, match=r"not finite at step \d+ .*lower lr"):
        fine_tune(encoder, x, sides(x), TWO, FineTune(lr=1e15))


def test_a_class_with_one_row_among_many_can_be_held_out_or_not(encoder):
    x, y = rows(1000), np.zeros(1000, np.int64)
    y[::2], y[7] = 1, 2
    assert fine_tune(encoder, x, y, THREE, FineTune(epochs=1)).facts["held_out_rows"] == 200


def test_scores_do_not_depend_on_batches_nor_on_the_mode(encoder):
    x = rows(300)
    tuned = fine_tune(encoder, x, sides(x), TWO, QUICK)
    whole = tuned.scores(x)
    np.testing.assert_allclose(whole.sum(1), 1, rtol=1e-12)
    np.testing.assert_allclose(tuned.scores(x, batch_size=7), whole, rtol=1e-4)
    tuned.train()
    np.testing.assert_array_equal(tuned.scores(x), whole)
    assert tuned.training
    order = torch.randperm(300, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(tuned.scores(x[order]), whole[order.numpy()], rtol=1e-4)


def test_budgets():
    assert FineTune().plan(140) == (140, 1, 200)
    assert FineTune().plan(2100) == (256, 8, 50)
    batch, steps, epochs = FineTune().plan(12096)
    assert (batch, steps) == (256, 47)
    assert 1000 <= steps * epochs < 1047
    assert FineTune(epochs=3, batch_size=10).plan(35) == (10, 3, 3)
    assert [FineTune().with_learning_rate(n).lr for n in (140, 12096)] == [5e-4, 1e-3]
    assert FineTune(lr=0.1).with_learning_rate(140).lr == 0.1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"lrr": 1}, "did you mean 'lr'"),
        ({"lr": -1}, "above 0"),
        ({"lr": "fast"}, "above 0"),
        ({"epochs": 0}, "whole number"),
        ({"class_weight": "equal"}, "'balanced'"),
        ({"class_weight": {"a": 0}}, "above 0"),
        ({"validation_share": 0.9}, "0.5"),
        ({"optimizer": "adam"}, "adamw"),
    ],
)
def test_wrong_settings_are_named(given, told):
    with pytest.raises(InputError, match=told) as caught:
        FineTune.from_dict(given)
    assert next(iter(given)) in str(caught.value)


def test_it_starts_from_the_weights_that_are_given(encoder):
    x, test = rows(40), rows(500, seed=1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        knowing = fine_tune(encoder, rows(2000, seed=2), sides(rows(2000, seed=2)), TWO, FineTune(lr=5e-3)).encoder
    scratch = fine_tune(encoder, x, sides(x), TWO).score(test, sides(test))
    begun = fine_tune(copy.deepcopy(knowing), x, sides(x), TWO).score(test, sides(test))
    assert begun > scratch + 0.1
