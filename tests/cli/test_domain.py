"""Test how the command line finds the domain of its data: by the rule of the estimators."""

import json
from pathlib import Path

import pytest

REVIEWS = "review,y\n" + "".join(f"{word} {word}s {n},{n % 2}\n" for n, word in enumerate(["good", "bad", "dear"] * 8))
SMALL = ("--epochs", "1", "--set", "encoder.layers=1", "--set", "encoder.heads=1", "--set", "encoder.width=8")


@pytest.mark.parametrize("stated", [("--domain", "text"), ("--set", "domain=text")])
def test_a_domain_is_stated_by_its_option_or_as_a_setting(here, run, stated):
    Path("reviews.csv").write_text(REVIEWS)
    run.done("pretrain", "reviews.csv", "--out", "run", "--target", "y", *stated, *SMALL)
    assert json.loads(Path("run/spec.json").read_text())["domain"] == "text"


def test_the_settings_of_a_domain_do_not_choose_it(here, run):
    Path("reviews.csv").write_text(REVIEWS)
    result = run.refused("pretrain", "reviews.csv", "--out", "run", "--set", "text.column=review")
    result.says("text.column", "domain 'text'", "the data are 'table'", "--domain")
    run.refused("pretrain", "reviews.csv", "--out", "run", "--domain", "txt").says("'txt' is not known", "'text'")


def test_a_printed_recipe_is_complete(here, run):
    printed = run.done("recipes", "dacl", "--domain", "image").out
    Path("mine.toml").write_text(printed)
    assert "extends" not in printed
    settings = json.loads(run.done("recipes", "mine.toml", "--json").out)
    assert settings == json.loads(run.done("recipes", "dacl", "--domain", "image", "--json").out)
    listed = json.loads(run.done("recipes", "--json").out)["domains"]
    assert all("_defaults" not in recipes for recipes in listed.values())
    run.refused("recipes", "_defaults").says("unknown recipe '_defaults'")
