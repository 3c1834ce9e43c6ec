"""Test frozen features in memory and in a file, and recomputed statistics of BatchNorm."""

import gc
import resource
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from contramix.encoders.encoder import Inputs
from contramix.encoders.user_module import wrap
from contramix.errors import InputError, RunError
from contramix.evaluation import features
from contramix.evaluation.features import frozen_features, recalibrate_batch_norm
from contramix.evaluation.probes import linear
from contramix.evaluation.problem import PredictionProblem
from contramix.models.inference import embed
from contramix.models.task import Task


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    stages = OrderedDict(a=nn.Linear(5, 16), norm=nn.BatchNorm1d(16), act=nn.ReLU(), drop=nn.Dropout(0.5))
    return wrap(nn.Sequential(stages), Inputs((5,)))


@pytest.fixture
def x():
    return torch.randn(20_000, 5, generator=torch.Generator().manual_seed(1)) * 3 + 1


@pytest.fixture
def mapped(monkeypatch):
    monkeypatch.setattr(features, "IN_MEMORY", 1000)


def test_features_in_a_file_are_those_in_memory(encoder, x, mapped, tmp_path):
    expected = embed(encoder, x)
    z = frozen_features(encoder, x, tmp_path)
    assert isinstance(z, np.memmap)
    assert not isinstance(frozen_features(encoder, x[:10], tmp_path), np.memmap)
    assert np.array_equal(z, expected)
    assert np.array_equal(z[[3, 19_999]], expected[[3, 19_999]])
    assert encoder.training  # as it was


def test_the_file_has_no_name_and_goes_with_the_array(encoder, x, mapped, tmp_path):
    def maps():
        with open("/proc/self/maps") as file:
            return sum(str(tmp_path) in line for line in file)

    z = frozen_features(encoder, x, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert maps() == 1
    part = z[5:]
    del z
    gc.collect()
    assert float(part[0, 0]) == float(embed(encoder, x[5:6])[0, 0])
    del part
    gc.collect()
    assert maps() == 0


def test_probes_read_mapped_features(encoder, x, mapped, tmp_path):
    y = (x[:, 0] > 1).long().numpy()
    task, index = Task("classification", "y", ("no", "yes")), np.arange(1500)
    problem = PredictionProblem(task, index[:1000], y[:1000], index[1000:])
    z = frozen_features(encoder, x, tmp_path)
    assert np.array_equal(linear(problem, z).value, linear(problem, embed(encoder, x)).value)


def test_features_that_are_not_finite_name_their_row_and_leave_no_file(encoder, x, mapped, tmp_path):
    x[12_345, 2] = float("nan")
    with pytest.raises(InputError, match="row 12346: "):
        frozen_features(encoder, x, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert encoder.training


def test_full_and_unwritable_folders(encoder, x, mapped, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limits[1]))
    try:
        with pytest.raises(RunError, match=r"no space left .*1\.3 MB"):
            frozen_features(encoder, x, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="cannot be written"):
        frozen_features(encoder, x, "/dev/null/x")


def test_batchnorm_anew_is_the_clean_rows_statistics_in_a_copy(encoder, x):
    norm = encoder.stages["norm"]
    norm.running_mean.fill_(7.0)  # what noise left behind
    before = embed(encoder, x)
    made = recalibrate_batch_norm(encoder, x[:4000])  # one batch: the statistics are exact
    hidden = encoder.stages["a"](x[:4000])
    assert torch.allclose(made.stages["norm"].running_mean, hidden.mean(0), atol=1e-4)
    assert torch.allclose(made.stages["norm"].running_var, hidden.var(0), rtol=1e-3)
    assert torch.equal(made.stages["a"].weight, encoder.stages["a"].weight)
    assert np.array_equal(embed(encoder, x), before)  # the model itself is as it was
    assert not np.allclose(embed(made, x), before)
    assert made.stages["norm"].momentum == norm.momentum
