"""Test the advice after a comparison."""

import numpy as np

from contramix.evaluation.advice import advise
from contramix.evaluation.scoring import Score
from contramix.evaluation.verdict import derive_verdicts
from contramix.models.task import Task

CLASSES = Task("classification", "y", ("0", "1"))


def score(name, kind, mean, probe="linear"):
    hits = (np.arange(200) < 200 * mean).astype(float)
    return Score(name, kind, probe, None, [hits], [np.arange(200)])


def advice(scores, y=(0, 1)):
    return advise(CLASSES, np.repeat(y, 10), "accuracy", scores, derive_verdicts(scores, ["m"]))


def test_nothing_is_advised_where_the_model_is_best():
    assert advice([score("m", "pretrained", 0.9), score("raw", "baseline", 0.5)]) == []


def test_a_better_baseline_is_no_advice_but_an_answer():
    """The block of answers names the best; the advice says what to try."""
    found = advice([score("m", "pretrained", 0.6), score("raw", "baseline", 0.6), score("trees", "baseline", 0.8)])
    assert len(found) == 1
    assert "contramix tune" in found[0]


def test_gaussian_noise_that_does_as_well_is_named():
    scores = [score("m", "pretrained", 0.9), score("raw", "baseline", 0.5), score("gaussian", "baseline", 0.9)]
    assert advice(scores)[-1].startswith("Gaussian noise instead of m does no worse (90.0 %)")


def test_fine_tuning_that_is_better_is_named():
    scores = [score("m", "pretrained", 0.8), score("raw", "baseline", 0.5)]
    scores += [score("m", "pretrained", 0.9, "finetune"), score("supervised", "baseline", 0.85, "finetune")]
    assert advice(scores) == [
        "Training all weights on the labels reaches 90.0 % (85.0 % from scratch): see 'contramix finetune'."
    ]
