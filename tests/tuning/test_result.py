"""Test the result of a search."""

from contramix.recipe import Recipe
from contramix.tuning.result import Confirmation, TuningResult
from contramix.tuning.scorers import LabelFreeScorer
from contramix.tuning.trials import Trial

RECIPE = Recipe.load("imix-npair")


def result(*scores, **more):
    trials = [Trial(n, {"noise.rate": n / 10}, score, 1.0, "") for n, score in enumerate(scores)]
    return TuningResult(RECIPE, LabelFreeScorer("rankme", 100), trials, 10, **more)


def test_trials_are_ranked_with_failed_ones_last():
    assert [trial.number for trial in result(2.0, None, 3.0, 2.0).ranked] == [2, 0, 3, 1]


def test_the_best_trial_is_written_if_it_is_better_on_fresh_splits():
    better, worse = (Confirmation(1.0, 1.0 - d, d, (d - 1, d + 1), 5) for d in (0.5, -0.5))
    assert result(2.0, 3.0, confirmation=better).written.number == 1
    assert result(2.0, 3.0, confirmation=worse).written.number == 0
    assert result(2.0, 3.0, unconfirmed="it diverged").written.number == 0


def test_outcome_is_told_by_the_interval():
    assert [Confirmation(0, 0, 0, ends, 2).outcome for ends in ((0.1, 1), (-1, 1), (-1, -0.1))] == [
        "helped",
        "no difference",
        "hurt",
    ]


def test_json_names_the_changed_settings_of_each_trial():
    found = result(2.0, 3.0).as_json()
    assert found["trials"][0]["changes"] == {"noise.rate": 0.1}
    assert (found["default"], found["written"]) == (2.0, 1)
