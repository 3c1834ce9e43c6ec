"""Test that streamed images train the same model, byte for byte, as images in memory."""

import numpy as np
import pytest
import torch

from contramix.domains.image.reading import read
from contramix.evaluation.compare import compare_recipes
from contramix.evaluation.features import frozen_features
from contramix.evaluation.labeled_table import LabeledTable
from contramix.evaluation.protocol import Protocol
from contramix.io.options import ReadOptions
from contramix.models.pretraining import Fit, learn_spec
from contramix.monitoring.health import Health
from contramix.recipe import Recipe
from contramix.samples.samples import StreamedSamples
from contramix.training import checkpoint

Image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
SMALL = {"encoder.width": 2, "train.batch_size": 8, "train.epochs": 2, "train.warmup_epochs": 0.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("images")
    draw = np.random.default_rng(0)
    for part, count in (("train", 24), ("test", 8)):
        for n in range(count):
            where = place / part / "ab"[n % 2]
            where.mkdir(parents=True, exist_ok=True)
            pixels = draw.integers(0, 128, (12, 12, 3), dtype=np.uint8) + np.uint8(100 * (n % 2))
            Image.fromarray(pixels).save(where / f"{n}.png")
    return place


@pytest.fixture(params=[2**30, 1], ids=["memory", "streamed"])
def reading(request, folder):
    return read(folder, ReadOptions(), recipe().data, in_memory_bytes=request.param)


def recipe(name="imix-npair"):
    return Recipe.load(name, SMALL, "image")


def trained(reading):
    spec, _ = learn_spec(reading.training, recipe(), reading.target)
    fit = Fit.begin(recipe(), spec, spec.tensorize(reading.training), seed=0)
    health = Health(fit, reading.training.column("label"))
    read_off = [health.read(step).flat() for step in fit.steps() if step.step in health.due]
    return fit, read_off


def test_the_same_weights_readings_and_representations(folder):
    both = [read(folder, ReadOptions(), recipe().data, in_memory_bytes=most) for most in (2**30, 1)]
    (here, seen), (there, seen_there) = (trained(reading) for reading in both)
    assert isinstance(here.x, torch.Tensor)
    assert isinstance(there.x, StreamedSamples)
    assert here.spec == there.spec
    mine, theirs = (dict(checkpoint.unique_state(fit.state.objective)) for fit in (here, there))
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    assert seen == seen_there
    encoders = here.finish().encoder, there.finish().encoder
    assert np.array_equal(frozen_features(encoders[0], here.x), frozen_features(encoders[1], there.x))


def test_a_comparison_runs_from_either(reading, tmp_path):
    found = compare_recipes(
        tmp_path / "runs",
        LabeledTable(reading.training, "label", reading.test),
        [recipe("dacl")],
        Protocol(
            labels_per_class=(),
            seeds=1,
            probes=("linear", "finetune"),
            baselines=("raw", "untrained", "gaussian", "supervised"),
            repeat_few=False,
        ),
    )
    names = {(score.name, score.probe) for score in found.scores}
    assert {("raw", "linear"), ("gaussian", "linear"), ("dacl", "linear"), ("dacl", "finetune")} <= names
    assert all(np.isfinite(score.mean) for score in found.scores)
