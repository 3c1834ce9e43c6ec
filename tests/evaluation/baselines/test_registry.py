"""Test the list of baselines."""

from contramix.domains import DOMAINS
from contramix.evaluation.baselines import BASELINES
from contramix.evaluation.verdict import describe_baseline
from contramix.recipe import Recipe


def test_baselines_are_listed_by_their_names_in_order():
    assert [baseline.name for baseline in BASELINES.values()] == list(BASELINES)
    assert list(BASELINES)[:3] == ["raw", "pca", "untrained"]
    assert list(BASELINES)[-2:] == ["gaussian", "supervised"]


def test_every_domain_names_known_baselines():
    for domain in DOMAINS.values():
        assert set(domain.baselines) <= set(BASELINES)


def test_a_baseline_has_a_phrase_for_sentences():
    assert describe_baseline("trees") == "extremely randomized trees on raw features"
    assert describe_baseline("other") == "features of other"


def test_only_the_gaussian_baseline_is_pre_trained():
    pretrained = {name: baseline.recipe for name, baseline in BASELINES.items() if baseline.recipe is not None}
    assert list(pretrained) == ["gaussian"]
    recipe = Recipe.load("imix-npair", {"encoder.width": 64})
    assert pretrained["gaussian"](recipe).encoder == recipe.encoder
