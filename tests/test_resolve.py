"""Test the one rule by which the domain of data is found, for estimators and for the command line."""

import numpy as np
import pandas as pd
import pytest

from contramix import ContrastiveEncoder, Recipe
from contramix.errors import InputError
from contramix.recipe import resolve

CLIPS = {"audio.sample_rate_hz": 1000, "audio.seconds": 0.4, "audio.mels": 8, "encoder.width": 2}
WAVEFORMS = np.random.default_rng(0).normal(0, 0.1, (16, 400)).astype(np.float32)
REVIEWS = pd.DataFrame({"review": ["good and cheap", "bad", "not good", "cheap"] * 4, "stars": [4, 1, 2, 3] * 4})


def fit(recipe, overrides, X):
    return ContrastiveEncoder(recipe, epochs=1, batch_size=8, random_state=0, overrides=overrides).fit(X)


@pytest.mark.parametrize(
    ("X", "domain"),
    [
        (WAVEFORMS, "table"),
        (REVIEWS, "table"),
        (np.zeros((4, 8, 8, 3), np.uint8), "image"),
        (np.zeros((4, 8, 8), np.uint8), "image"),
        (np.zeros((4, 2, 8)), "series"),
        (["a text", "another"], "text"),
    ],
)
def test_the_domain_is_the_one_that_recognizes_the_data(X, domain):
    assert resolve("npair", None, X) == Recipe.load("npair", domain=domain)


def test_what_is_stated_comes_first():
    assert resolve("npair", {"domain": "audio"}, WAVEFORMS).domain == "audio"
    assert resolve("npair", None, WAVEFORMS, "audio").domain == "audio"
    assert resolve("npair", CLIPS | {"domain": "audio"}, WAVEFORMS).audio.mels == 8
    assert resolve("npair", {"domain": "audio"}, WAVEFORMS, "audio").domain == "audio"
    with pytest.raises(InputError, match="for domain 'image', and the data are 'audio'"):
        resolve("npair", {"domain": "image"}, WAVEFORMS, "audio")


def test_a_recipe_object_states_its_domain():
    recipe = Recipe.load("npair", CLIPS, "audio")
    assert resolve(recipe, None, WAVEFORMS) == recipe
    assert fit(recipe, None, WAVEFORMS).model_.spec.domain == "audio"


@pytest.mark.parametrize(
    ("overrides", "X", "domain", "section"),
    [
        (CLIPS, WAVEFORMS, "table", "audio"),
        ({"text.column": "review"}, REVIEWS, "table", "text"),
        ({"series.length": 8}, np.zeros((16, 8, 8), np.uint8), "image", "series"),
    ],
    ids=["audio", "text", "series"],
)
def test_the_settings_of_a_domain_do_not_choose_it(overrides, X, domain, section):
    with pytest.raises(InputError, match=f"a setting for domain '{section}', and the data are '{domain}'"):
        fit("npair", overrides, X)


def test_a_recipe_file_for_another_domain_needs_the_domain_to_be_stated(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(Recipe.load("npair", CLIPS, "audio").to_toml())
    with pytest.raises(InputError, match="is for domain 'audio', and the data are 'table'"):
        fit(path, None, WAVEFORMS)
    assert fit(path, {"domain": "audio"}, WAVEFORMS).model_.spec.domain == "audio"


def test_an_unknown_domain_is_named():
    with pytest.raises(InputError, match=r"`domain` 'txt' is not known; did you mean 'text'\?"):
        fit("npair", {"domain": "txt"}, WAVEFORMS)
