"""Test the verdict: intervals in simple cases, few false claims, and planted effects."""

import numpy as np
import pytest
from scipy import stats

from contramix.evaluation.advice import advise
from contramix.evaluation.candidates import probe_candidate
from contramix.evaluation.problem import Predictions
from contramix.evaluation.scoring import Score, score_candidates
from contramix.evaluation.splits import make_splits
from contramix.evaluation.verdict import derive_verdicts, paired_difference
from contramix.models.labeled_records import LabelBudget
from contramix.models.task import Task

CLASSES = Task("classification", "y", ("0", "1", "2"))


def score(name, kind, per_row_scores, probe="linear", labels=None):
    rows = [np.arange(len(c)) for c in per_row_scores]
    return Score(
        name, kind, probe, labels and LabelBudget(labels), [np.asarray(c, float) for c in per_row_scores], rows
    )


def test_interval_of_one_seed_is_the_paired_t_interval_over_test_rows():
    rng = np.random.default_rng(0)
    a, b = rng.random(200) < 0.8, rng.random(200) < 0.7
    difference, (low, high) = paired_difference(score("m", "pretrained", [a]), score("raw", "baseline", [b]))
    expected = stats.ttest_rel(a.astype(float), b.astype(float)).confidence_interval(0.95)
    assert difference == pytest.approx(a.mean() - b.mean())
    assert (low, high) == pytest.approx((expected.low, expected.high))


def test_interval_with_no_row_noise_is_the_paired_t_interval_over_seeds():
    """Scores are equal on all rows; only seeds differ."""
    a, b = [0.8, 0.7, 0.75, 0.9], [0.7, 0.7, 0.6, 0.7]
    rows = [[np.full(50, s) for s in each] for each in (a, b)]
    difference, (low, high) = paired_difference(score("m", "pretrained", rows[0]), score("raw", "baseline", rows[1]))
    expected = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert (difference, low, high) == pytest.approx((np.mean(a) - np.mean(b), expected.low, expected.high))


@pytest.mark.parametrize("spread", [0.0, 0.01, 0.03])
@pytest.mark.parametrize("recipes", [1, 3, 5])
def test_chance_differences_are_called_nothing(recipes, spread):
    """None better than the references, whose levels differ from seed to seed as theirs: at least 95 of 100 times,
    none of them is said to help or hurt."""
    rng = np.random.default_rng(0)
    quiet = 0
    for _ in range(400):

        def draw():
            return [rng.random(300) < 0.7 + spread * rng.normal() for _ in range(3)]

        names = [f"m{n}" for n in range(recipes)]
        scores = [score(name, "pretrained", draw()) for name in names]
        scores += [score("raw", "baseline", draw()), score("untrained", "baseline", draw())]
        quiet += all(v.outcome == "no difference" for v in derive_verdicts(scores, names))
    assert quiet >= 380


@pytest.mark.parametrize(("shift", "outcome"), [(0.15, "helped"), (-0.15, "hurt")])
def test_planted_effects_are_found(shift, outcome):
    rng = np.random.default_rng(0)
    found = []
    for _ in range(100):
        model, raw = ([rng.random(2000) < p for _ in range(3)] for p in (0.7 + shift, 0.7))
        verdict = derive_verdicts([score("m", "pretrained", model), score("raw", "baseline", raw)], ["m"])[0]
        assert verdict.interval[0] < verdict.difference < verdict.interval[1]
        found.append(verdict.outcome)
    assert found.count(outcome) == 100


@pytest.mark.parametrize(("signal", "outcome", "least"), [(0.0, "no difference", 95), (1.0, "helped", 95)])
def test_whole_protocol_on_features_with_and_without_a_signal(signal, outcome, least):
    """100 data sets, through splits, a probe and the verdict. Without a signal all features are the same kind of noise;
    with one, the model's tell the classes apart and the references' do not."""

    def nearest_mean(problem, z):
        means = np.stack([z[problem.train[problem.y == label]].mean(0) for label in range(3)])
        return Predictions(((z[problem.test][:, None] - means) ** 2).sum(2).argmin(1))

    found = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 3, 240)
        z = {
            name: (rng.normal(size=(240, 4)) + strength * 1.5 * np.eye(3, 4)[y]).astype(np.float32)
            for name, strength in (("m", signal), ("raw", 0.0), ("untrained", 0.0))
        }
        rows = [
            probe_candidate(name, kind, lambda problem, name=name: z[name], "linear", nearest_mean)
            for name, kind in (("m", "pretrained"), ("raw", "baseline"), ("untrained", "baseline"))
        ]
        scores = score_candidates(CLASSES, y, rows, make_splits(CLASSES, y, range(5), None), metric="accuracy")
        found.append(derive_verdicts(scores, ["m"])[0].outcome)
    assert found.count(outcome) >= least


def test_a_gain_far_beyond_its_spread_is_found_with_three_seeds_and_five_recipes():
    rng = np.random.default_rng(0)
    names = list("abcde")
    scores = [
        score(n, "pretrained", [rng.random(20_000) < 0.648 + 0.004 * rng.normal() for _ in range(3)]) for n in names
    ]
    scores += [score(n, "baseline", [rng.random(20_000) < 0.605] * 3) for n in ("raw", "untrained")]
    assert {v.outcome for v in derive_verdicts(scores, names)} == {"helped"}


def test_more_recipes_widen_the_intervals():
    rng = np.random.default_rng(0)
    scores = [score(name, "pretrained", [rng.random(300) < 0.75]) for name in "abc"]
    scores.append(score("raw", "baseline", [rng.random(300) < 0.7]))
    alone, three = derive_verdicts(scores, ["a"])[0], {v.recipe: v for v in derive_verdicts(scores, list("abc"))}["a"]
    assert alone.difference == three.difference
    assert np.diff(three.interval) > np.diff(alone.interval)
    assert (alone.confidence, three.confidence) == pytest.approx((0.95, 1 - 0.05 / 3))
    assert paired_difference(scores[0], scores[-1], three.confidence) == (three.difference, three.interval)


def test_the_better_reference_decides():
    """A random encoder that does as well is no reason to pre-train."""
    rng = np.random.default_rng(0)
    model = [rng.random(2000) < 0.8 for _ in range(3)]
    untrained = [rng.random(2000) < 0.8 for _ in range(3)]
    raw = [rng.random(2000) < 0.6 for _ in range(3)]
    scores = [score("m", "pretrained", model), score("raw", "baseline", raw), score("untrained", "baseline", untrained)]
    verdict = derive_verdicts(scores, ["m"])[0]
    assert (verdict.outcome, verdict.against) == ("no difference", "untrained")
    advice = advise(CLASSES, np.repeat([0, 1, 2], 10), "accuracy", scores, [verdict])
    assert any("as well without training" in sentence for sentence in advice)


def test_few_labels_have_their_own_comparison():
    rng = np.random.default_rng(0)
    cells = {("m", None): 0.7, ("raw", None): 0.7, ("m", 20): 0.6, ("raw", 20): 0.4}
    scores = [
        score(name, "pretrained" if name == "m" else "baseline", [rng.random(2000) < p for _ in range(3)], labels=k)
        for (name, k), p in cells.items()
    ]
    verdict = derive_verdicts(scores, ["m"])[0]
    assert [(c.labels and c.labels.number, c.outcome) for c in verdict.comparisons] == [
        (None, "no difference"),
        (20, "helped"),
    ]
    assert "With 20 labels per class it helped" in verdict.text
    advice = advise(CLASSES, np.repeat([0, 1, 2], 10), "accuracy", scores, [verdict])
    assert any("With 20 labels per class the representations help" in sentence for sentence in advice)


def test_verdict_says_when_a_plain_baseline_is_better():
    scores = [
        score("m", "pretrained", [[1, 1, 0, 1] * 50]),
        score("raw", "baseline", [[1, 0, 0, 1] * 50]),
        score("boosting", "baseline", [[1, 1, 1, 1] * 50], "boosting"),
    ]
    verdict = derive_verdicts(scores, ["m"])[0]
    assert verdict.outcome == "helped"
    assert "gradient-boosted trees on raw features reach 100.0 %, which is better" in verdict.text
    advice = advise(CLASSES, np.repeat([0, 1], [90, 10]), "accuracy", scores, [verdict])
    assert "90 % of the rows are of one class" in advice[-1]
