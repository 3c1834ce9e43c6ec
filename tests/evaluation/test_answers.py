"""Test the answers to the three questions on constructed scores."""

import numpy as np
import pytest

from contramix.evaluation.answers import compare_with_best_baseline, describe_coverage, find_best, write_answers
from contramix.evaluation.scoring import Score
from contramix.evaluation.verdict import derive_verdicts
from contramix.models.labeled_records import LabelBudget

ROWS = np.arange(2000)


def score(name, mean, *, labels=None, probe="linear", draws=20, rng=None, spread=0.01):
    rng = rng or np.random.default_rng(sum(map(ord, name)))
    per_row = [(rng.random(2000) < mean + spread * rng.normal()).astype(float) for _ in range(draws)]
    kind = "pretrained" if name.startswith("m") else "baseline"
    return Score(name, kind, probe, labels and LabelBudget(labels), per_row, [ROWS] * draws)


def answers(scores, recipes=("m",)):
    against = compare_with_best_baseline(scores, recipes, "linear")
    return write_answers(find_best(scores), against, derive_verdicts(scores, recipes)).split("\n")


def test_trees_that_win_by_12_points_are_recommended_though_training_helped():
    scores = [score("raw", 0.59), score("untrained", 0.58), score("m", 0.63), score("trees", 0.75, probe="trees")]
    lines = answers(scores)
    assert [line for line in lines if not line.startswith(" ")] == [
        "What should I use?",
        "Does pre-training add anything to the best model without it?",
        "Is it the training?",
    ]
    assert lines[1].startswith("  all labels:  trees, 74.5 %;")
    assert "next m (linear), +1" in lines[1]
    assert "more than noise" not in lines[1]
    assert lines[3].startswith("  m:  all labels: no, -1")
    assert lines[3].endswith("against trees")
    assert lines[5].startswith("  m:  all labels: yes, +")
    assert lines[5].endswith("against raw")


def test_rocket_that_is_a_little_better_is_named_with_few_labels():
    scores = [score("raw", 0.7), score("m", 0.9), score("rocket", 0.8, probe="rocket")]
    scores += [score(name, mean, labels=5, probe=probe) for name, mean, probe in (
        ("raw", 0.6, "linear"), ("m", 0.943, "linear"), ("rocket", 0.949, "rocket"),
    )]  # fmt: skip
    all_labels, few = find_best(scores)
    assert (all_labels.name, all_labels.clear) == ("m", True)
    assert (few.labels, few.name, few.runner_up) == (LabelBudget(5), "rocket", "m")
    found = {a.labels and a.labels.number: a for a in compare_with_best_baseline(scores, ["m"], "linear")}
    assert (found[None].baseline, found[None].outcome) == ("rocket", "helped")
    assert (found[5].baseline, found[5].outcome) != ("rocket", "helped")
    assert "5 labels per class:  rocket, 9" in answers(scores)[2]


def test_no_difference_is_said():
    scores = [score(name, 0.7, spread=0.02) for name in ("raw", "untrained", "m")]
    lines = answers(scores)
    assert lines[1].endswith(", not more than noise")
    assert "not clear" in lines[3]
    assert "not clear" in lines[5]


def test_chance_and_a_pre_trained_baseline():
    """Gaussian noise is pre-training too, so it is no baseline without pre-training, but it can be the best."""
    scores = [score("raw", 0.5), score("chance", 0.5, probe="chance"), score("gaussian", 0.8), score("m", 0.5)]
    assert find_best(scores)[0].name == "gaussian"
    assert compare_with_best_baseline(scores, ["m"], "linear")[0].baseline in ("raw", "chance")


@pytest.mark.parametrize("baselines", [2, 10])
def test_the_choice_of_the_best_baseline_makes_no_false_claims(baselines):
    """All are equally good: the best is clear, or a recipe is said to differ, at most once in 20 times."""
    best = differs = 0
    names = [f"b{n}" for n in range(baselines)]
    for seed in range(200):
        rng = np.random.default_rng(seed)
        rows = 0.3 * rng.normal(size=(baselines + 2, 200))
        scores = [
            Score(name, "pretrained" if name[0] == "m" else "baseline", "linear", None, list(each), [ROWS[:200]] * 20)
            for name, each in zip((*names, "m1", "m2"), rows[:, None] + 0.02 * rng.normal(size=(baselines + 2, 20, 1)))
        ]
        best += find_best(scores)[0].clear
        found = compare_with_best_baseline(scores, ["m1", "m2"], "linear")
        differs += any(a.outcome != "no difference" for a in found)
    assert best <= 10
    assert differs <= 10


def test_coverage_names_what_varied():
    assert describe_coverage([score("raw", 0.5), score("raw", 0.5, labels=5)]) == [
        "intervals with all labels cover test rows",
        "intervals with 5 labels per class cover draws of labels and test rows",
    ]
