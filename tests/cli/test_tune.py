"""Test `contramix tune` from the command line."""

import json
import sys

import pytest

from contramix.recipe import Recipe

QUICK = ("--steps", "2", "--fresh", "2", "--set", "encoder.depth=1", "--set", "encoder.width=8")


@pytest.fixture
def people(here, t):
    (here / "people.csv").write_text(t.text(t.people(100)))
    return here


def test_prints_what_it_tried_and_writes_a_recipe_that_trains(people, run):
    arguments = ("tune", "people.csv", "--target", "y", "--out", "s", "--trials", "2", *QUICK)
    first = run.done(*arguments, "--json")
    found = json.loads(first.out)
    assert [t["number"] for t in found["trials"]].count(0) == 1
    assert len(found["trials"]) == 2
    assert found["verdict"]["outcome"] in ("helped", "no difference", "hurt")
    first.says("note: trial 0 of 2: 0.", "the recipe as it is", "note: trial 1 of 2: ")
    again = run.done(*arguments, "--quiet")
    assert again.err == ""
    for word in ("best first", "the recipe as it is", found["verdict"]["text"].split(" (")[0]):
        assert word in again.out
    run.done("pretrain", "people.csv", "--recipe", "s/recipe.toml", "--target", "y", "--out", "r", "--epochs", "1")
    assert Recipe.load(people / "r" / "recipe.toml").name == "imix-npair-tuned"


def test_needs_no_target(people, run):
    found = json.loads(run.done("tune", "people.csv", "--out", "s", "--trials", "1", "--json", *QUICK).out)
    assert found["score"] == "effective rank (RankMe)"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--score", "labels"), "--score labels needs --target"),
        (("--score", "nothing"), "--score nothing: not known"),
        (("--target", "why"), "no column 'why' to predict"),
        (("--search", "temprature"), "did you mean 'temperature'"),
        (("--recipe", "dacl", "--search", "alpha"), "dacl has no i-Mix's weight law"),
        (("--target", "y", "--metric", "r2"), "--metric r2: no metric for classification"),
        (("--set", "imix.cut=layer9"), "the encoder has no stage 'layer9'"),
        (("--test", "people.csv"), "No such option"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_written(people, run, arguments, told):
    run.refused("tune", "people.csv", "--out", "s", *arguments).says(told)


def test_without_optuna_it_says_what_to_install(people, run, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    result = run.refused("tune", "people.csv", "--target", "y", "--out", "s", *QUICK)
    result.says("error: tune needs an extra: pip install 'contramix[tune]'")
