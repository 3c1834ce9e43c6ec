"""Test that health measurements do not change training, and that a resumed run writes the same log."""

import json
import math

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch import nn

from contramix.errors import ContramixWarning, RunError
from contramix.models.pretraining import Fit, learn_spec
from contramix.monitoring import representation_measures
from contramix.monitoring.health import MAX_READINGS, Health, Reading, reading_steps
from contramix.recipe import Recipe
from contramix.runs.log import read_log
from contramix.runs.pretrain import RunOptions, pretrain_into
from contramix.runs.source import MemorySource
from contramix.training import checkpoint
from contramix.training.loop import Plan
from contramix.training.reporter import Reporter

ROWS = 96


def table(rows=ROWS):
    rng = np.random.default_rng(0)
    return pa.table(
        {
            **{f"x{n}": rng.normal(size=rows) for n in range(4)},
            "colour": pa.array([["red", "green", "blue"][n % 3] for n in range(rows)], pa.large_string()),
        }
    )


class Noisy(nn.Module):
    """Dropout, BatchNorm, and a draw from the global generator in evaluation mode too."""

    def __init__(self, width):
        super().__init__()
        self.first = nn.Sequential(nn.Linear(width, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3))
        self.second = nn.Linear(16, 8)

    def forward(self, x):
        return self.second(self.first(x)) + 1e-3 * torch.randn(8)


def begin(recipe, module=False, seed=0, **settings):
    small = {"train.epochs": 2, "train.batch_size": 16, "encoder.width": 16, "encoder.depth": 2}
    chosen = Recipe.load(recipe, small | settings)
    spec, _ = learn_spec(table(), chosen)
    x = spec.tensorize(table())
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return Fit.begin(chosen, spec, x, seed, "cpu", Noisy(x.shape[1]) if module else None)


def everything(fit) -> bytes:
    tensors = {f"w.{n}": t for n, t in fit.state.objective.state_dict().items()}
    for number, entries in fit.state.optimizer.state_dict()["state"].items():
        tensors |= {f"o.{number}.{n}": t for n, t in entries.items() if isinstance(t, torch.Tensor)}
    return checkpoint.to_bytes(tensors, {})


CUT = {"noise": {"kind": "gaussian", "cut": "layer1"}, "imix.cut": ["layer1", "output"]}


@pytest.mark.parametrize("module", [False, True])
@pytest.mark.parametrize(
    ("recipe", "settings"),
    [
        ("imix-npair", {}),
        ("imix-moco", {"method.queue": 50}),
        ("imix-byol", {}),
        ("simsiam", {}),
        ("simclr-dacl", {}),
        ("scarf", {}),
        ("imix-moco", {"method.queue": 50, **CUT}),
    ],
)
def test_training_is_the_same_to_the_last_bit_with_and_without_readings(recipe, settings, module):
    if module and settings.keys() & CUT.keys():
        pytest.skip("has no stage layer1")
    ends = []
    for read in (False, True):
        fit = begin(recipe, module, **settings)
        health = Health(fit, pa.chunked_array([[n % 2 for n in range(ROWS)]]))
        for step in fit.steps():
            if read and step.step in (1, 2, 7, 12):
                modes, state = [m.training for m in fit.state.objective.modules()], torch.get_rng_state()
                before = everything(fit)
                reading = health.read(step)
                assert everything(fit) == before
                assert health.read(step) == reading, "a reading is a function of the state"
                assert [m.training for m in fit.state.objective.modules()] == modes
                assert torch.equal(torch.get_rng_state(), state)
        ends.append(everything(fit))
    assert ends[0] == ends[1]


def test_a_reading_is_what_the_parts_say():
    fit = begin("npair")
    health = Health(fit, pa.chunked_array([[n % 2 for n in range(ROWS)]]))
    *_, last = fit.steps()
    reading = health.read(last)
    with torch.no_grad():
        z = fit.encoder.eval()(fit.x)
    found = reading.health
    assert found["effective_rank"] == pytest.approx(representation_measures.rankme(z), abs=1e-5)
    assert found["feature_std"] == pytest.approx(representation_measures.feature_std(z), abs=1e-5)
    assert found["knn"] == pytest.approx(representation_measures.knn_score(z, torch.arange(ROWS) % 2), abs=1e-5)
    assert found["dead_share"] == representation_measures.dead_units(z).double().mean()
    assert 0 < found["alignment"] < 2
    assert -4 < found["uniformity"] < 0
    assert 0 < found["view_cosine_input"] < 1
    assert reading.bounds["chance"] == pytest.approx(math.log(16), abs=1e-6)
    assert 0 < reading.bounds["floor"] < reading.loss
    assert json.loads(json.dumps(reading.line(), allow_nan=False)).keys() == {"floor", "chance", "health"}


def test_floor_and_chance_of_several_losses_are_their_sums():
    one, two = (Health(fit).read(next(fit.steps())).bounds for fit in (begin("simclr"), begin("simclr-dacl")))
    for name in ("floor", "chance"):
        assert two[name] == pytest.approx(2 * one[name], abs=1e-5)


@pytest.mark.parametrize(
    ("labels", "scored"),
    [
        (["a", "b"] * (ROWS // 2), True),
        ([None, *["a", "b"] * (ROWS // 2 - 1), None], True),
        ([n / 7 for n in range(ROWS)], True),
        ([f"id {n}" for n in range(ROWS)], False),
        (["a"] * ROWS, False),
        (pa.nulls(ROWS, pa.large_string()), False),
        ([None] * (ROWS - 1) + [1.5], False),
    ],
)
def test_a_target_gives_a_neighbours_score_where_it_can_be_predicted(labels, scored):
    fit = begin("npair")
    column = pa.chunked_array([pa.array(labels)])
    reading = Health(fit, column).read(next(fit.steps()))
    assert ("knn" in reading.health) == scored


def test_readings_are_spread_over_a_run():
    assert reading_steps(Plan(1, 1, 1)) == {1}
    assert len(reading_steps(Plan(512, 29, 104))) == MAX_READINGS + 1
    for steps, epochs in ((3, 1), (29, 7), (29, 104), (5000, 1), (1, 100)):
        plan = Plan(512, steps, epochs)
        found = sorted(reading_steps(plan))
        assert found[-1] == plan.steps
        assert 1 <= found[0] <= steps
        assert max(b - a for a, b in zip([0, *found], found)) <= max(plan.steps / 5, 1) + 1
        assert len(found) <= 21


class StopError(Exception):
    pass


@pytest.mark.parametrize("recipe", ["imix-moco", "imix-byol"])
def test_a_resumed_runs_log_is_an_uninterrupted_ones(tmp_path, recipe):
    def go(folder, stop=None):
        class Stopping(Reporter):
            def steps(self, title, plan, start, steps):
                for step in steps:
                    if step.step == stop:
                        raise StopError
                    yield step

        small = {"train.epochs": 3, "train.batch_size": 16, "encoder.width": 8, "encoder.depth": 1}
        chosen = Recipe.load(recipe, small | ({"method.queue": 64} if recipe == "imix-moco" else {}))
        rows = table().append_column("y", pa.array([n % 3 for n in range(ROWS)]))
        return pretrain_into(
            folder, MemorySource(rows, "y"), chosen, options=RunOptions(checkpoint_seconds=0.0), reporter=Stopping()
        )

    whole = go(tmp_path / "whole")
    for stop in (9, 14):
        with pytest.raises(StopError):
            go(tmp_path / "part", stop)
    resumed = go(tmp_path / "part")
    assert resumed.resumed_from is not None

    def lines(name):
        return [{k: v for k, v in line.items() if k != "seconds"} for line in read_log(tmp_path / name)]

    assert lines("whole") == lines("part")
    read = [line for line in lines("whole") if "health" in line]
    assert [line["step"] for line in read] == sorted(reading_steps(Plan(16, 6, 3)))
    assert all({"floor", "chance"} <= line.keys() and "knn" in line["health"] for line in read)
    for outcome in (whole, resumed):
        assert outcome.model.facts["health"] == Reading.from_line(read[-1]).flat()
        assert outcome.model.facts["alarms"] == []


def test_a_method_that_knows_no_bounds_is_read_without_them(monkeypatch):
    from contramix.methods.method import Method
    from contramix.methods.npair import NPairMethod

    monkeypatch.setattr(NPairMethod, "bounds", Method.bounds)
    fit = begin("npair")
    reading = Health(fit).read(next(fit.steps()))
    assert reading.bounds == {}
    assert reading.line().keys() == {"health"}


def test_representations_that_are_not_finite_stop_the_run():
    fit = begin("npair")
    step = next(fit.steps())
    with torch.no_grad():
        next(fit.encoder.parameters())[0, 0] = torch.inf
    with pytest.raises(RunError, match=r"not finite after step 1; lower train\.lr"):
        Health(fit).read(step)


def test_warnings_are_not_part_of_reading(recwarn):
    fit = begin("imix-npair")
    Health(fit).read(next(fit.steps()))
    assert not [w for w in recwarn if issubclass(w.category, ContramixWarning)]
