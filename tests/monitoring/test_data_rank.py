"""Compare the effective rank of data with closed forms, and test that it does not change a run."""

import math

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch import nn

from contramix import ContrastiveEncoder
from contramix.encoders.encoder import Encoder
from contramix.models.pretraining import Fit, learn_spec
from contramix.monitoring import data_rank
from contramix.monitoring.data_rank import describe_data_rank, eigenvalue_effective_rank, second_moment
from contramix.recipe import Recipe
from contramix.samples.graphs import Graphs
from contramix.samples.samples import StreamedSamples

ENCODER = Encoder({"only": nn.Identity()}, width=3)


def rows(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(300, 7), (5, 40)])
def test_is_the_entropy_of_the_eigenvalues(shape):
    x = rows(*shape) * torch.arange(1, shape[1] + 1) + 0.5
    values = np.linalg.eigvalsh((x.double().T @ x.double() / len(x)).numpy()).clip(1e-300)
    share = values / values.sum()
    assert eigenvalue_effective_rank(x) == pytest.approx(math.exp(-(share * np.log(share)).sum()), rel=1e-6)


def test_of_known_eigenvalues():
    # Second moment diag(4, 1, 1): shares 2/3, 1/6, 1/6.
    x = 3**0.5 * torch.diag(torch.tensor([2.0, 1.0, 1.0]))
    assert torch.allclose(second_moment(x), torch.diag(torch.tensor([4.0, 1.0, 1.0])))
    assert eigenvalue_effective_rank(x) == pytest.approx(1.5 ** (2 / 3) * 6 ** (1 / 3), rel=1e-6)
    assert eigenvalue_effective_rank(torch.zeros(4, 3)) == 1
    assert eigenvalue_effective_rank(torch.ones(4, 3)) == pytest.approx(1)  # not centred: the mean is a direction
    assert eigenvalue_effective_rank(7 * x) == pytest.approx(eigenvalue_effective_rank(x))


def test_counts_the_directions_of_a_subspace():
    inner = torch.linalg.qr(rows(500, 6)).Q
    assert eigenvalue_effective_rank(inner @ torch.linalg.qr(rows(40, 6, 1)).Q.T) == pytest.approx(6, rel=1e-4)


def table(n=400):
    made = np.random.default_rng(0).normal(size=(n, 3))
    words = pa.array([f"level {i % 60}" for i in range(n)], pa.large_string())
    return pa.table({"a": made[:, 0], "b": made[:, 1], "c": made[:, 2], "again": 2 * made[:, 0], "town": words})


def begun(overrides=()):
    recipe = Recipe.load(
        "imix-npair", {"train.epochs": 1, "encoder.width": 8, "table.onehot_levels": 8, **dict(overrides)}
    )
    spec, _ = learn_spec(table(), recipe)
    return Fit.begin(recipe, spec, spec.tensorize(table()), 0, "cpu")


def test_of_a_table_leaves_codes_out_and_tells_of_columns_that_say_the_same():
    fit = begun()
    assert bool(fit.spec.layout().code.any())
    found = data_rank.data_rank(fit.encoder, fit.x, fit.spec.layout())
    # Eigenvalues 2, 1, 1 but for the sample: exp(1.04) = 2.83 of four columns of numbers.
    assert found["dimension"] == 4
    assert found["effective_rank"] == pytest.approx(2.83, abs=0.05)
    assert found["rows"] == 400


def test_a_fit_draws_the_same_and_its_model_tells(monkeypatch):
    overrides = {"train.epochs": 1, "encoder.width": 8, "table.onehot_levels": 8}

    def fitted():
        return ContrastiveEncoder("imix-npair", overrides=overrides, random_state=0, device="cpu").fit(table()).model_

    state = torch.get_rng_state()
    model = fitted()
    assert torch.equal(torch.get_rng_state(), state)
    fit = begun()
    assert model.facts["data_rank"] == data_rank.data_rank(fit.encoder, fit.x, fit.spec.layout())
    monkeypatch.setattr("contramix.estimators.pretraining.data_rank", lambda *_: None)
    plain = fitted()
    assert plain.facts["data_rank"] is None
    assert all(
        torch.equal(a, b) for a, b in zip(model.encoder.state_dict().values(), plain.encoder.state_dict().values())
    )


def test_streamed_rows_are_sampled_and_few_are_read(monkeypatch):
    monkeypatch.setattr(data_rank, "ROWS", 64)
    x, read = rows(5000, 6), []

    def decode(index):
        read.append(index)
        return x[index]

    streamed = StreamedSamples((5000, 6), torch.float32, decode, "rows")
    found = data_rank.data_rank(ENCODER, streamed)
    assert found == data_rank.data_rank(ENCODER, x)
    index = torch.cat(read)
    assert len(index) == len(index.unique()) == 64
    assert int(index.max()) > 4000


def test_large_pictures_are_averaged_and_what_is_no_vector_is_left_alone(monkeypatch):
    large = rows(50, 3 * 16).reshape(50, 3, 4, 4).repeat_interleave(20, 2).repeat_interleave(20, 3)  # 80 x 80
    monkeypatch.setattr(data_rank, "MAX_SIDE", 4)
    found = data_rank.data_rank(ENCODER, large)
    assert found["dimension"] == 48
    assert found["effective_rank"] == pytest.approx(eigenvalue_effective_rank(rows(50, 48)), abs=0.06)
    monkeypatch.setattr(data_rank, "MAX_DIMENSION", 47)
    assert data_rank.data_rank(ENCODER, large) is None
    assert data_rank.data_rank(ENCODER, torch.ones(4, 3, dtype=torch.int32)) is None
    assert data_rank.data_rank(ENCODER, Graphs.__new__(Graphs)) is None
    assert data_rank.data_rank(ENCODER, torch.full((4, 3), torch.nan)) is None


def test_in_words_says_what_the_rows_can_show():
    told = describe_data_rank({"effective_rank": 12.5, "dimension": 50, "rows": 1024})
    assert "about 12.5 of 50 directions" in told
    assert "0.50 of that with Gaussian noise" in told
    assert "rows show" not in told
    assert "as far as 1,024 rows show" in describe_data_rank({"effective_rank": 30.0, "dimension": 3072, "rows": 1024})
