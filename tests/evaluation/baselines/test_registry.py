"""Test the list of baselines."""

import pytest

from contramix.cli.evaluation_options import parse_baselines
from contramix.domains import DOMAINS
from contramix.errors import InputError
from contramix.evaluation.baselines import BASELINES
from contramix.evaluation.verdict import describe_baseline
from contramix.recipe import Recipe


def test_baselines_are_listed_by_their_names_in_order():
    assert [baseline.name for baseline in BASELINES.values()] == list(BASELINES)
    assert list(BASELINES)[:4] == ["chance", "raw", "frozen", "raw-quantile"]
    assert list(BASELINES)[-2:] == ["gaussian", "supervised"]


def test_every_domain_names_baselines_that_suit_it_and_need_no_training_of_a_network():
    for name, domain in DOMAINS.items():
        assert all(BASELINES[baseline].suits(name) for baseline in domain.baselines)
        assert {"chance", "raw"} <= set(domain.baselines)
        assert not {"gaussian", "supervised"} & set(domain.baselines)


def test_all_baselines_are_those_that_suit_the_domain():
    every = parse_baselines("all", "table")
    assert {"raw-quantile", "gaussian", "supervised"} <= set(every)
    assert not {"tfidf", "wl", "rocket"} & set(every)
    with pytest.raises(InputError, match="--baselines tfidf: not known"):
        parse_baselines("tfidf", "table")


def test_a_baseline_has_a_phrase_for_sentences():
    assert describe_baseline("trees") == "extremely randomized trees on raw features"
    assert describe_baseline("other") == "features of other"


def test_only_the_gaussian_baseline_is_pre_trained():
    pretrained = {name: baseline.recipe for name, baseline in BASELINES.items() if baseline.recipe is not None}
    assert list(pretrained) == ["gaussian"]
    recipe = Recipe.load("imix-npair", {"encoder.width": 64})
    assert pretrained["gaussian"](recipe).encoder == recipe.encoder
