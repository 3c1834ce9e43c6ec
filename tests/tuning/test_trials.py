"""Test the file that stores the trials of a search."""

import pytest

from contramix.errors import InputError
from contramix.recipe import Recipe
from contramix.tuning.trials import Trials

pytest.importorskip("optuna", reason="optuna is not installed")
RECIPE = Recipe.load("imix-npair")


def test_finished_trials_are_stored_and_interrupted_ones_are_not(tmp_path):
    trials = Trials(tmp_path / "study.db")
    trials.tell(trials.ask(0, {}), {"a": 1}, 0.5, 1.234)
    trials.tell(trials.ask(0, {}), {"a": 2}, None, 2.0, "it diverged")
    trials.ask(0, {})  # not told: the process may have been killed
    again = Trials(tmp_path / "study.db").finished()
    assert [tuple(trial) for trial in again] == [
        (0, {"a": 1}, 0.5, 1.23, ""),
        (1, {"a": 2}, None, 2.0, "it diverged"),
    ]


def test_a_file_belongs_to_one_search(tmp_path):
    trials = Trials(tmp_path / "study.db")
    trials.claim(RECIPE, {"seed": "0"})
    trials.claim(RECIPE, {"seed": "0"})
    with pytest.raises(InputError, match=r"other settings \(seed: 1 and 0\)"):
        trials.claim(RECIPE, {"seed": "1"})
