"""Test that the search space contains the recipe itself, and that every sampled recipe can be trained."""

import optuna
import pytest

from contramix.encoders.encoder import Inputs
from contramix.errors import InputError
from contramix.recipe import Recipe
from contramix.recipes import shipped
from contramix.training.objective import Objective
from contramix.tuning.space import DIMENSIONS, choose, dimensions

INPUTS = Inputs((5,))
SMALL = {"encoder.width": 4}


def recipe(name, **overrides):
    return Recipe.load(name, {**SMALL, **overrides})


def cuts_of(recipe):
    return recipe.encoder.build(INPUTS).cuts


@pytest.fixture
def drawing():
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))


@pytest.mark.parametrize("name", shipped())
def test_without_a_trial_the_settings_are_the_recipes_own(name):
    there = recipe(name)
    own = choose(there, dimensions(there), cuts_of(there))
    assert own.settings
    assert Recipe.load(there, own.settings) == there


@pytest.mark.parametrize("name", shipped())
def test_the_recipe_as_it_is_can_be_enqueued_and_is_what_comes_out(name, drawing):
    there = recipe(name)
    own = choose(there, dimensions(there), cuts_of(there))
    drawing.enqueue_trial(own.drawn)
    assert Recipe.load(there, choose(there, dimensions(there), cuts_of(there), drawing.ask()).settings) == there


@pytest.mark.parametrize(
    "there",
    [
        recipe("imix-npair", **{"method.temperature": 7.5, "noise.rate": 0.01, "imix.alpha": 300.0}),
        recipe("imix-npair", **{"noise.kind": "inputmix", "imix.cut": ("layer1", "layer3")}),
        recipe("dacl", **{"noise.operators": ["geometric", "binary"], "noise.cut": "layer2"}),
        recipe("dacl", **{"noise.alpha": 1.0, "encoder.width": 1}),
    ],
)
def test_ranges_hold_unusual_values_of_the_recipe(there, drawing):
    own = choose(there, dimensions(there), cuts_of(there))
    drawing.enqueue_trial(own.drawn)
    assert Recipe.load(there, choose(there, dimensions(there), cuts_of(there), drawing.ask()).settings) == there


@pytest.mark.parametrize("name", ["imix-npair", "imix-byol", "dacl-plus", "simclr-dacl", "imix-covtype-npair"])
def test_whatever_is_drawn_makes_an_objective(name, drawing):
    there, kinds = recipe(name, **{"encoder.width": 2}), set()
    for _ in range(25):
        settings = choose(there, dimensions(there), cuts_of(there), drawing.ask()).settings
        drawn = Recipe.load(there, settings)
        Objective(drawn.encoder.build(INPUTS), drawn, drawn.extra)
        kinds.add(settings["noise.kind"])
        assert drawn.train == there.train
        assert drawn.method.projector == there.method.projector
    assert kinds >= {"drop", "marginal", "gaussian", "mixup"}
    assert ("none" in kinds) == (there.imix is not None)


def test_queries_are_never_mixed_before_the_noise(drawing):
    there = recipe("imix-npair", **{"noise.cut": "layer2", "imix.cut": "layer3"})
    seen = set()
    for _ in range(30):
        drawn = Recipe.load(there, choose(there, ["noise", "cut"], cuts_of(there), drawing.ask()).settings)
        assert drawn.noise.cut == ("layer2",)
        seen |= set(drawn.imix.cut)
    assert seen == {"layer2", "layer3", "layer4"}


def test_numbers_drawn_are_short_and_only_what_is_searched_changes(drawing):
    there = recipe("imix-npair")
    for _ in range(10):
        settings = choose(there, ["temperature"], cuts_of(there), drawing.ask()).settings
        assert settings.keys() == {"method.temperature"}
        value = settings["method.temperature"]
        assert value == float(f"{value:.3g}")
        assert 0.05 <= value <= 2.0


def test_settings_of_a_noise_belong_to_its_kind(drawing):
    there = recipe("imix-npair")
    for _ in range(30):
        settings = choose(there, ["noise"], cuts_of(there), drawing.ask()).settings
        allowed = {
            "none": set(),
            "drop": {"rate"},
            "marginal": {"rate", "views"},
            "gaussian": {"std"},
            "mixup": {"operators", "alpha", "keep_prob"},
        }[settings["noise.kind"]]
        drawn = {name.removeprefix("noise.") for name in settings} - {"kind", "cut"}
        assert drawn <= allowed
        assert ("keep_prob" in drawn) == ("binary" in str(settings.get("noise.operators")))


def test_dimensions_that_are_not_there_are_refused():
    assert dimensions(recipe("imix-npair")) == list(DIMENSIONS)
    assert dimensions(recipe("simsiam")) == ["noise", "width", "cut"]
    assert dimensions(recipe("dacl"), ["cut", "noise"]) == ["noise", "cut"]
    with pytest.raises(InputError, match="dacl has no i-Mix's weight law; it has noise, temperature"):
        dimensions(recipe("dacl"), ["alpha"])
    with pytest.raises(InputError, match=r"temprature: not known; did you mean 'temperature'\?"):
        dimensions(recipe("dacl"), ["temprature"])
    with pytest.raises(InputError, match="nothing to search"):
        dimensions(recipe("dacl"), [])
