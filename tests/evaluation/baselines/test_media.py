"""Test the baselines of images and audio, and the principal components that images share with all data."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from contramix.domains import DOMAINS
from contramix.errors import InputError
from contramix.evaluation.baselines import BaselineInputs, make_baselines
from contramix.evaluation.baselines.pca import pca
from contramix.evaluation.probes.linear import linear
from contramix.evaluation.problem import PredictionProblem
from contramix.models.labeled_records import LabeledRecords
from contramix.models.pretraining import learn_spec
from contramix.models.task import Task
from contramix.recipe import Recipe

TASK = Task("classification", "y", ("a", "b"))
Y = np.tile([0, 1], 30)
PROBLEM = PredictionProblem(TASK, np.arange(40), Y[:40], np.arange(40, 60), training_rows=np.arange(40))


def inputs_of(domain, values, **changes):
    """Return the inputs of baselines for an array of records."""
    recipe = Recipe.load("npair", {"domain": domain, **changes})
    table = DOMAINS[domain].from_values(values, recipe.data).table
    spec, _ = learn_spec(table, recipe)
    data = LabeledRecords(TASK, spec, spec.tensorize(table), Y, None, None)
    return BaselineInputs(data, recipe, ("linear",), torch.device("cpu"))


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 200, (60, 4, 4, 1), dtype=np.uint8)
    pixels[:, 0, 0, 0] += (40 * Y).astype(np.uint8)
    return inputs_of("image", pixels)


def test_pixels_is_a_linear_model_on_rotated_pixels(images):
    (candidate,) = make_baselines(images, ["pixels"])
    expected = linear(PROBLEM, images.raw, one_scale=True)  # all 16 components: a rotation, which changes nothing
    assert_allclose(candidate.predict(PROBLEM).score, expected.score, atol=1e-3)


def test_components_are_those_of_training_rows(images):
    raw, train = images.raw, np.arange(40)
    plain = PCA(3).fit(raw[train]).transform(raw)
    assert_allclose(np.abs(pca(raw, train, 3, standardize=False)), np.abs(plain), atol=1e-4)
    scaled = StandardScaler().fit(raw[train]).transform(raw)
    assert_allclose(np.abs(pca(raw, train, 3)), np.abs(PCA(3).fit(scaled[train]).transform(scaled)), atol=1e-3)


def test_linear_probe_of_pca_keeps_the_sizes_of_components(images):
    (candidate,) = make_baselines(images, ["pca"])
    z = pca(images.raw, PROBLEM.train, 10**6)
    assert_allclose(candidate.predict(PROBLEM).score, linear(PROBLEM, z, one_scale=True).score)
    assert np.abs(candidate.predict(PROBLEM).score - linear(PROBLEM, z).score).max() > 0.01


def test_logmel_is_statistics_over_time_of_each_band():
    clips = np.random.default_rng(0).integers(-3000, 3000, (60, 4000), dtype=np.int16)
    clips[Y == 1] //= 50
    clips[Y == 1, :2000] *= 40
    inputs = inputs_of("audio", clips, **{"audio.sample_rate_hz": 8000, "audio.mels": 8})
    (candidate,) = make_baselines(inputs, ["logmel"])
    spectrogram = inputs.raw.reshape(60, 8, -1)
    z = np.concatenate([spectrogram.mean(2), spectrogram.std(2)], 1)
    guessed = candidate.predict(PROBLEM)
    assert_allclose(guessed.score, linear(PROBLEM, z).score, atol=1e-3)
    assert (guessed.value == Y[40:]).mean() > 0.9


def test_a_baseline_of_another_domain_is_refused(images):
    with pytest.raises(InputError, match="the baseline 'logmel' is for the domain 'audio'"):
        make_baselines(images, ["raw", "logmel"])
