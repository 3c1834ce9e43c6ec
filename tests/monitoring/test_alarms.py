"""Test that each planted failure raises its alarm during training, and that healthy runs raise none."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from contramix import ContrastiveEncoder
from contramix.cli import main
from contramix.errors import ContramixWarning
from contramix.io.tables.reading import read
from contramix.models.pretraining import Fit, learn_spec
from contramix.monitoring.alarms import ALARMS, Alarms, RunFacts, advice_from_log
from contramix.monitoring.health import MONITORED_ROWS, Health, Reading
from contramix.recipe import Recipe
from contramix.runs.log import read_log
from contramix.runs.pretrain import RunOptions, pretrain_into
from contramix.runs.source import MemorySource
from contramix.runtime.randomness import Key
from contramix.training.reporter import Reporter

ROWS, COLUMNS = 400, 12
TABLES = Path(__file__).parents[2] / "runs" / "tables"
TARGETS = {"adult": "income", "bank": "y", "credit": "default.payment.next.month", "covtype": "cover_type"}
EASY = {"noise": {"kind": "mixup", "alpha": 0.9}}
HARD = {"noise": {"kind": "mixup", "operators": ["binary"], "keep_prob": 0.1}}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(ROWS, 4)) @ rng.normal(size=(4, COLUMNS)) + 0.5 * rng.normal(size=(ROWS, COLUMNS))


class Planted(nn.Module):
    """A small network whose output's units are kept (1), or the same for all rows (0)."""

    def __init__(self, kept, norm=True, constant=0.3):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(COLUMNS, 16), nn.BatchNorm1d(16) if norm else nn.Identity(), nn.ReLU())
        self.register_buffer("kept", torch.tensor(kept))
        self.constant = constant

    def forward(self, x):
        return self.inner(x) * self.kept + self.constant * (1 - self.kept)


def alarms_of(data, recipe, module=None, *, epochs, **settings):
    """The alarms that fitting raises by name, and the encoder."""
    small = {"train.batch_size": 64, "encoder.width": 32, "encoder.depth": 2}
    encoder = ContrastiveEncoder(recipe, epochs=epochs, random_state=0, overrides=small | settings, encoder=module)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        encoder.fit(data)
    told = [str(w.message) for w in caught if issubclass(w.category, ContramixWarning)]
    raised = encoder.model_.facts["alarms"]
    assert told == [f"step {a['step']}: {a['text']}" for a in raised], "each is warned of, once"
    return {a["name"]: a for a in raised}, encoder


@pytest.mark.parametrize("constant", [0.3, 0.0, 1e6])
def test_a_constant_output_is_collapse(data, constant):
    raised, encoder = alarms_of(data, "npair", Planted([0.0] * 16, constant=constant), epochs=8)
    assert raised.keys() == {"collapse"}
    assert raised["collapse"]["step"] == encoder.health_[0]["step"] == 6, "at the first reading, not at the end"
    assert "effective rank is 1.0 of 16" in raised["collapse"]["text"]
    assert "train.lr" in raised["collapse"]["text"]


def test_rows_that_differ_in_length_only_are_collapse_too(data):
    class Line(nn.Linear):
        def forward(self, x):
            return super().forward(x).relu().expand(-1, 16) + 0.01

    raised, _ = alarms_of(data, "npair", Line(COLUMNS, 1), epochs=8)
    assert raised.keys() == {"collapse"}


@pytest.mark.parametrize("norm", [False, True])
def test_a_dead_unit_is_told_of(data, norm):
    raised, _ = alarms_of(data, "npair", Planted([1.0] * 15 + [0.0], norm), epochs=20)
    assert raised.keys() == {"dead_units"}
    assert "1 of the 16 units of the representation is dead" in raised["dead_units"]["text"]
    assert raised["dead_units"]["step"] < 20 * 6, "while training, not at the end"


def test_a_unit_that_relu_has_shut_is_dead(data):
    fit = small_fit(data, "imix-npair")
    norm = fit.encoder.stages["layer2"][1]
    with torch.no_grad():
        norm.weight[3], norm.bias[3] = 1e-3, -1.0
    assert list(steps_until_alarm(fit)) == ["dead_units"]


@pytest.mark.parametrize("outlier", [False, True])
def test_a_unit_that_answers_to_few_rows_is_not_dead(outlier):
    class Rare(nn.Linear):
        """Its last unit answers to values beyond those of ordinary rows."""

        def forward(self, x):
            return torch.cat([super().forward(x), (x[:, :1] - 8).relu()], 1)

    rows = np.random.default_rng(0).normal(size=(2500, COLUMNS))
    if outlier:
        sample = torch.randperm(len(rows), generator=Key(0).at("health").generator())[:MONITORED_ROWS]
        rows[min(set(range(len(rows))) - set(sample.tolist())), 0] = 50.0
    raised, _ = alarms_of(rows, "npair", Rare(COLUMNS, 15), epochs=1)
    assert raised.keys() == (set() if outlier else {"dead_units"})


def small_fit(data, recipe, **settings):
    from contramix.io.tables.frames import to_arrow

    small = {"train.epochs": 20, "train.batch_size": 64, "encoder.width": 32, "encoder.depth": 2}
    chosen = Recipe.load(recipe, small | settings)
    table = to_arrow(data)
    spec, _ = learn_spec(table, chosen)
    return Fit.begin(chosen, spec, spec.tensorize(table), 0, "cpu")


def steps_until_alarm(fit):
    """Alarms by name, and the step at which each arose."""
    health, alarms = Health(fit), Alarms(fit)
    for step in fit.steps():
        if step.step in health.due:
            for alarm in alarms.update(health.read(step)):
                assert alarm.step == step.step
    assert len({alarm.name for alarm in alarms.raised}) == len(alarms.raised)
    return {alarm.name: alarm.step for alarm in alarms.raised}


@pytest.mark.parametrize("recipe", ["npair", "moco", "byol", "simclr"])
def test_identical_views_are_a_shortcut(data, recipe):
    raised, _ = alarms_of(data, recipe, epochs=5, noise={"kind": "none"})
    assert raised.keys() == {"too_easy"}
    assert "cosine 1.000" in raised["too_easy"]["text"]
    assert "noise.rate" in raised["too_easy"]["text"]


def test_linear_mixup_that_keeps_nine_tenths_is_too_easy_and_half_is_not(data):
    raised, encoder = alarms_of(data, "dacl", epochs=5, **EASY)
    assert raised.keys() == {"too_easy"}
    assert encoder.health_[0]["view_cosine_input"] == pytest.approx(0.996, abs=0.002)
    assert not alarms_of(data, "dacl", epochs=5)[0]


def test_keeping_a_tenth_is_too_hard(data):
    raised, encoder = alarms_of(data, "dacl", epochs=5, **HARD)
    assert raised.keys() == {"too_hard"}
    assert encoder.health_[0]["view_cosine_input"] == pytest.approx(0.01, abs=0.05)
    assert "noise.keep_prob up" in raised["too_hard"]["text"]


def test_views_of_different_rows_teach_nothing(data):
    nothing = {"noise": {"kind": "mixup", "operators": ["binary"], "keep_prob": 0.0}}
    raised, _ = alarms_of(data, "npair", epochs=20, **nothing)
    assert raised.keys() == {"too_hard", "no_learning"}
    assert raised["no_learning"]["step"] == 120
    assert "not below chance" in raised["no_learning"]["text"]


def test_identical_views_are_no_shortcut_where_imix_or_dropout_makes_queries_differ(data):
    assert not alarms_of(data, "imix-moco", epochs=5, noise={"kind": "none"})[0], "as published for CovType"
    dropping = nn.Sequential(Planted([1.0] * 16), nn.Dropout(0.2))
    assert not alarms_of(data, "npair", dropping, epochs=5, noise={"kind": "none"})[0]


@pytest.mark.parametrize("recipe", ["imix-npair", "imix-byol", "dacl-plus", "scarf", "gaussian", "simsiam"])
def test_healthy_runs_of_a_small_table_raise_none(data, recipe):
    raised, encoder = alarms_of(data, recipe, epochs=20)
    assert not raised
    assert [r["step"] for r in encoder.health_] == sorted({6, 24, 48, 72, 96, 120})
    assert encoder.model_.facts["health"] == encoder.health_[-1]


@pytest.mark.parametrize("rows", [8, 20, 60])
def test_few_rows_and_steps_raise_none(data, rows):
    for recipe in ("imix-npair", "dacl-plus"):
        for epochs in (1, 3):
            assert not alarms_of(data[:rows], recipe, epochs=epochs, **{"train.batch_size": min(rows, 16)})[0]


@pytest.mark.parametrize("recipe", ["imix-npair", "dacl-plus"])
@pytest.mark.parametrize("name", TARGETS)
def test_healthy_runs_of_real_tables_raise_none(name, recipe):
    path = TABLES / f"{name}-train.parquet"
    if not path.exists():
        pytest.skip("needs the tables that bench/data/make_parquet_tables.py makes")
    table = read(path).table.slice(0, 2000)
    chosen = Recipe.load(recipe, {"train.epochs": 8, "train.batch_size": 128, "encoder.width": 32})
    spec, _ = learn_spec(table, chosen, TARGETS[name])
    assert not steps_until_alarm(Fit.begin(chosen, spec, spec.tensorize(table), 0, "cpu"))


def test_a_narrow_representation_is_not_collapse():
    def reading(**health):
        return Reading(9, 0, 1.0, {}, {"effective_rank": 1.0, "feature_std": 0.5, "dead_share": 0.0} | health)

    wide = RunFacts(steps=10, rows=100, width=64, mixes=False, drops=False, settled=0)
    collapse = ALARMS["collapse"]
    assert collapse(wide, [reading()])
    assert not collapse(wide, [reading(effective_rank=1.2)])
    assert not collapse(wide._replace(width=3), [reading()])
    assert not collapse(wide._replace(width=1), [reading(feature_std=0.0)])
    assert collapse(wide._replace(width=1), [reading(feature_std=0.0, dead_share=1.0)])


def test_dead_units_are_not_judged_before_batchnorm_has_settled():
    run = RunFacts(steps=100, rows=100, width=64, mixes=False, drops=False, settled=40)
    early, late = (Reading(step, 0, 1.0, {}, {"dead_share": 1 / 64}) for step in (39, 40))
    assert not ALARMS["dead_units"](run, [early])
    assert ALARMS["dead_units"](run._replace(settled=0), [early])
    assert ALARMS["dead_units"](run, [late])


def test_alarms_are_told_kept_and_not_told_again_when_a_run_is_resumed(data, tmp_path, capsys):
    path = tmp_path / "rows.csv"
    np.savetxt(path, data, delimiter=",", header=",".join(f"x{n}" for n in range(COLUMNS)), comments="")
    small = ["--epochs", "4", "--set", "train.batch_size=64", "--set", "encoder.width=16"]
    easy = ["--recipe", "npair", "--set", "noise.kind=none"]

    def call(*arguments):
        with pytest.raises(SystemExit) as end:
            main([*map(str, arguments)])
        assert end.value.code == 0
        return capsys.readouterr()

    shown = call("pretrain", path, "--out", tmp_path / "run", *small, *easy, "--json")
    facts = json.loads(shown.out)
    assert [a["name"] for a in facts["alarms"]] == ["too_easy"]
    assert f"note: step {facts['alarms'][0]['step']}: positives are too easy" in shown.err
    assert facts["health"]["step"] == 24
    told = call("info", tmp_path / "run")
    for words in ("positives are too easy", "health at step 24", "effective rank", "how many directions"):
        assert words in told.out
    assert json.loads(call("info", tmp_path / "run", "--json").out)["alarms"] == facts["alarms"]

    chosen = Recipe.load("npair", {"noise.kind": "none", "train.epochs": 4, "train.batch_size": 64})

    def go(told, stop):
        class Stopping(Reporter):
            def note(self, text):
                told.append(text)

            def steps(self, title, plan, start, steps):
                for step in steps:
                    if step.step == stop:
                        raise KeyboardInterrupt
                    yield step

        source, options = MemorySource(read(path).table), RunOptions(checkpoint_seconds=0.0)
        return pretrain_into(tmp_path / "part", source, chosen, options=options, reporter=Stopping())

    first, second = [], []
    with pytest.raises(KeyboardInterrupt):
        go(first, 20)
    outcome = go(second, None)
    assert len(first) == 1
    assert second == []
    assert [str(a["step"]) for a in outcome.model.facts["alarms"]] == [first[0].split()[1].rstrip(":")]
    assert len([line for line in read_log(tmp_path / "part") if "health" in line]) == 6


def test_advice_says_what_alarms_say_and_whether_the_loss_was_still_falling():
    rng = np.random.default_rng(0)
    step = np.arange(1, 501)

    def log(loss):
        return [{"step": int(s), "loss": float(value)} for s, value in zip(step, loss)]

    falling = 6 - 3 * (step / 500) + 0.1 * rng.normal(size=500)
    levelled = 3 + 3 * np.exp(-step / 30) + 0.1 * rng.normal(size=500)
    (words,) = advice_from_log(log(falling), [])
    assert 18 <= int(words.partition(" % of its total decrease")[0].rpartition(" ")[2]) <= 22
    assert "train.epochs" in words
    assert advice_from_log(log(levelled), []) == []
    alarm = {"name": "too_hard", "step": 3, "text": "positives are too hard: try something"}
    assert advice_from_log([], [alarm]) == ["Positives are too hard: try something."]
    assert advice_from_log([{"step": 1, "loss": 2.0}], []) == []
