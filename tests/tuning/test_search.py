"""Test that a search is reproducible, can be resumed, and learns nothing from held-out rows."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest

from contramix.errors import InputError, RunError
from contramix.evaluation.problem import Predictions
from contramix.recipe import Recipe
from contramix.runs.folder import lock_folder
from contramix.runs.pretrain import pretrain_into
from contramix.runs.source import MemorySource
from contramix.runtime.signals import Interrupted
from contramix.training.checkpoint import unique_state
from contramix.training.reporter import SILENT, Reporter
from contramix.tuning import scorers, search, trainer
from contramix.tuning.result import TuningResult
from contramix.tuning.scorers import HoldoutSplit, LabeledScorer
from contramix.tuning.search import SearchSettings, tune
from contramix.tuning.trainer import Trainer

ROWS = 120
RECIPE = Recipe.load(
    "imix-npair",
    {
        "noise.kind": "drop",
        "noise.rate": 0.2,
        "method.temperature": 0.1,
        "encoder.width": 4,
        "encoder.depth": 1,
        "train.batch_size": 32,
    },
)


def table(rows=ROWS):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, rows)
    x = rng.normal(size=(rows, 3)) + y[:, None]
    return pa.table(
        {
            "a": x[:, 0],
            "b": x[:, 1],
            "c": x[:, 2],
            "y": pa.array(["no" if c == 0 else "yes" for c in y], pa.large_string()),
        }
    )


def nearest_centre(problem, z):
    """A probe that costs nothing."""
    centres = np.stack([z[problem.train[problem.y == c]].mean(0) for c in range(2)])
    return Predictions(np.square(z[problem.test][:, None] - centres).sum(2).argmin(1))


def quick(out, rows=None, probe=nearest_centre, **how):
    """A search that trains: two steps a trial, two draws of labels, a probe that costs nothing."""
    recipe, reporter = how.pop("recipe", RECIPE), how.pop("reporter", SILENT)
    how = {"target": "y", "trials": 3, "steps": 2, "fresh_splits": 2, "labels_per_class": 8} | how
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scorers, "DRAWS", 2)
        patched.setitem(scorers.PROBES, "linear", probe)
        rows = table() if rows is None else rows
        return tune(out, rows, recipe, SearchSettings(**how), device="cpu", reporter=reporter)


def tried(result):
    """What was tried and how it scored; not how long it took."""
    return [(t.number, t.settings, t.score, t.reason) for t in result.trials]


class Uninterrupted(NamedTuple):
    """An uninterrupted search of three trials, the best of them not the first, its folder and its seed."""

    result: TuningResult
    out: Path
    seed: int


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    for seed in range(20):
        out = tmp_path_factory.mktemp("whole") / "search"
        result = quick(out, seed=seed)
        if result.best.number:
            return Uninterrupted(result, out, seed)
    return pytest.fail("in 20 searches no setting was better than the first")


@pytest.fixture
def planted(monkeypatch):
    """Scores that are a function of the settings and the split, without training; and what was asked for."""
    asked = []

    def plant(function):
        def score(self, recipe, split, title, reporter):
            asked.append((recipe, split))
            found = function(recipe, split)
            return np.asarray(found) if np.ndim(found) else np.full(24, found) + 1e-3 * np.arange(24)

        monkeypatch.setattr(Trainer, "score", score)
        return asked

    return plant


def test_the_first_trial_is_the_recipe_as_it_is(whole, planted, tmp_path):
    assert whole.result.default.settings["noise.rate"] == RECIPE.noise.rate
    asked = planted(lambda recipe, split: 0.5)
    quick(tmp_path / "s", trials=2)
    assert asked[0][0] == RECIPE
    assert asked[1][0] != RECIPE


def test_the_recipe_written_loads_trains_and_is_the_one_kept(whole, tmp_path):
    result, out = whole.result, whole.out
    written = Recipe.load(out / "recipe.toml")
    assert written == result.tuned_recipe
    assert written.name == "imix-npair-tuned"
    assert written.train == RECIPE.train
    short = Recipe.load(written, {"train.epochs": 1})
    assert pretrain_into(tmp_path / "run", MemorySource(table(), "y"), short).model.recipe == short
    report = json.loads((out / "report.json").read_text())
    assert sorted(t["number"] for t in report["trials"]) == [0, 1, 2]
    ranked = [t["score"] for t in report["trials"]]
    assert ranked == sorted(ranked, reverse=True)
    assert report["verdict"]["text"] in (out / "recipe.toml").read_text()


def test_same_seed_same_search_other_seed_another(whole, tmp_path):
    assert tried(quick(tmp_path / "same", seed=whole.seed)) == tried(whole.result)
    assert tried(quick(tmp_path / "other", trials=2, seed=whole.seed + 1))[1] != tried(whole.result)[1]


def test_asking_for_more_trials_goes_on(whole, tmp_path):
    first = quick(tmp_path / "s", trials=1, seed=whole.seed)
    assert len(first.trials) == 1
    assert tried(quick(tmp_path / "s", seed=whole.seed)) == tried(whole.result)


def test_a_finished_search_is_told_again_without_training(whole, monkeypatch):
    result, out = whole.result, whole.out
    monkeypatch.setattr(Trainer, "score", lambda *_: pytest.fail("must not train"))
    again = quick(out, seed=whole.seed)
    assert tried(again) == tried(result)
    assert again.confirmation == result.confirmation


KILLED = """
import sys, time
from pathlib import Path
from typing import NamedTuple
sys.path.insert(0, {here!r})
import torch
torch.set_num_threads(1)
from test_search import quick
from contramix.training.reporter import Reporter
class Waiting(Reporter):
    def steps(self, title, plan, start, steps):
        for step in steps:
            yield step
            if title == {title!r}:
                Path({mark!r}).touch()
                time.sleep(60)
quick(Path({out!r}), reporter=Waiting(), seed={seed})
"""


def test_killed_inside_a_trial_and_inside_the_check_it_ends_as_if_it_had_not_been(whole, tmp_path):
    result, out = whole.result, tmp_path / "search"
    for number, title in enumerate(("trial 2", f"fresh split 2 of 2, trial {result.best.number}")):
        mark = tmp_path / f"mark{number}"
        code = KILLED.format(
            here=str(Path(__file__).parent), title=title, mark=str(mark), out=str(out), seed=whole.seed
        )
        process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "OMP_NUM_THREADS": "1"})
        while not mark.exists():
            assert process.poll() is None, "it must reach the place where it is to be killed"
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    resumed = quick(out, seed=whole.seed)
    assert tried(resumed) == tried(result)
    assert resumed.confirmation == result.confirmation
    with sqlite3.connect(out / "study.db") as book:
        states = [state for (state,) in book.execute("select state from trials order by number")]
    assert states == ["COMPLETE", "COMPLETE", "FAIL", "COMPLETE"], "the trial that was killed is struck out"


def test_ctrl_c_stops_behind_a_step_and_the_search_goes_on(whole, tmp_path):
    class Interrupting(Reporter):
        def steps(self, title, plan, start, steps):
            for step in steps:
                if title == "trial 1":
                    os.kill(os.getpid(), signal.SIGINT)
                yield step

    with pytest.raises(Interrupted, match="run the same command again") as stopped:
        quick(tmp_path / "s", reporter=Interrupting(), seed=whole.seed)
    assert stopped.value.exit_code == 130
    assert tried(quick(tmp_path / "s", seed=whole.seed)) == tried(whole.result)


def test_rows_held_out_reach_neither_columns_nor_pre_training_nor_probes(tmp_path, monkeypatch):
    rows, weights, learned, held = table(), [], [], np.arange(0, ROWS, 5)
    part = HoldoutSplit(0, np.setdiff1d(np.arange(ROWS), held), held)
    monkeypatch.setattr(LabeledScorer, "split", lambda self, seed: part)
    real_embed = trainer.embed

    def embed(encoder, x, *more):
        weights.append({name: tensor.detach().numpy().tobytes() for name, tensor in unique_state(encoder)})
        return real_embed(encoder, x, *more)

    def probe(problem, z):
        learned.append((z[problem.train].tobytes(), problem.y.tobytes()))
        return nearest_centre(problem, z)

    monkeypatch.setattr(trainer, "embed", embed)

    def outcome(rows, out):
        weights.clear()
        learned.clear()
        result = quick(out, rows, probe, trials=2, dimensions=["noise"])
        return list(weights), list(learned), result.default.score

    def planted(name, value):
        column = rows.column(name).to_pylist()
        return rows.set_column(
            rows.column_names.index(name),
            name,
            pa.array([value(v) if n in set(held) else v for n, v in enumerate(column)], rows[name].type),
        )

    plain = outcome(rows, tmp_path / "plain")
    assert len(plain[1]) >= 4
    garbage = outcome(planted("a", lambda v: 1e6 * v + 1e7), tmp_path / "garbage")
    missing = outcome(planted("b", lambda v: None), tmp_path / "missing")
    wrong = outcome(planted("y", lambda v: {"no": "yes", "yes": "no"}[v]), tmp_path / "wrong")
    # The second trial's settings follow the first one's score; the first one sees nothing of the rows held out.
    for other in (garbage, missing, wrong):
        assert other[0][0] == plain[0][0]
        assert other[1][:2] == plain[1][:2]
        assert other[2] != plain[2]
    assert wrong[2] == pytest.approx(1 - plain[2]), "of two classes each hit becomes a miss"


def test_what_diverges_is_written_down_and_not_fatal(planted, tmp_path):
    def score(recipe, split):
        if recipe.noise != RECIPE.noise:
            raise RunError("the loss is not finite at step 7")
        return 0.5

    planted(score)
    said = []

    class Notes(Reporter):
        def note(self, text):
            said.append(text)

    result = quick(tmp_path / "s", trials=6, dimensions=["noise"], reporter=Notes())
    assert [t.score is None for t in result.trials] == [False] + [True] * 5
    assert result.trials[3].reason == "the loss is not finite at step 7"
    assert "failed, the loss is not finite" in said[3]
    assert result.best.number == 0
    assert json.loads((tmp_path / "s" / "report.json").read_text())["trials"][-1]["score"] is None
    assert len(quick(tmp_path / "s", trials=7, dimensions=["noise"]).trials) == 7


def test_nothing_can_be_trained(planted, tmp_path):
    def score(recipe, split):
        raise RunError("it diverged")

    planted(score)
    with pytest.raises(RunError, match="none of 3 settings could be trained: it diverged"):
        quick(tmp_path / "s")


def test_only_the_recipe_as_it_is_cannot_be_trained(planted, tmp_path):
    def score(recipe, split):
        if recipe == RECIPE:
            raise RunError("it diverged")
        return 0.4

    planted(score)
    result = quick(tmp_path / "s")
    assert "could not be trained (it diverged)" in result.text
    assert result.written.number == 1


def test_a_winner_that_diverges_on_fresh_splits_is_not_written(planted, tmp_path):
    def score(recipe, split):
        if split == 2 and recipe != RECIPE:
            raise RunError("it diverged")
        return 0.25 if recipe == RECIPE else 0.5

    planted(score)
    result = quick(tmp_path / "s")
    assert (result.confirmation, result.written.number) == (None, 0)
    assert f"(trial {result.best.number} on split 2: it diverged); the recipe is written unchanged" in result.text


def test_no_setting_is_better_and_it_says_so(planted, tmp_path):
    asked = planted(lambda recipe, split: 0.9 if recipe == RECIPE else 0.5)
    result = quick(tmp_path / "s", trials=5)
    assert result.confirmation is None
    assert "None of 4 other settings scored better than the recipe as it is (0.9" in result.text
    assert all(split == 0 for _, split in asked)
    assert Recipe.load(tmp_path / "s" / "recipe.toml") == RECIPE.model_copy(update={"name": "imix-npair-tuned"})


def rows_of(mean, seed):
    """Hits and misses of 24 rows."""
    return (np.random.default_rng(seed).permutation(24) < 24 * mean).astype(float)


def test_a_flattered_winner_is_found_out_on_fresh_splits(planted, tmp_path):
    # Better in the search only: on fresh splits worse than the recipe as it is.
    def score(recipe, split):
        own = recipe == RECIPE
        return rows_of((0.5 if split == 0 else 0.75) if own else (0.9 if split == 0 else 0.25), split)

    planted(score)
    result = quick(tmp_path / "s", fresh_splits=5)
    assert result.best.number > 0
    assert result.confirmation.outcome == "hurt"
    assert result.written.number == 0
    assert result.tuned_recipe.noise == RECIPE.noise
    assert result.text.startswith("Tuning hurt: -0.500")
    assert "the unchanged recipe" in result.text


def test_a_true_gain_is_told_with_the_fresh_numbers(planted, tmp_path):
    planted(lambda recipe, split: rows_of(0.25 if recipe == RECIPE else (0.95 if split == 0 else 0.75), split))
    result = quick(tmp_path / "s", fresh_splits=5)
    assert result.confirmation.outcome == "helped"
    assert (result.confirmation.best, result.confirmation.default) == (0.75, 0.25)
    low, high = result.confirmation.interval
    assert 0 < low < 0.5 < high
    assert "0.750 compared with 0.250" in result.text
    assert result.written is result.best


def test_noise_is_called_no_difference(planted, tmp_path):
    rng = np.random.default_rng(0)
    planted(lambda recipe, split: (rng.random(24) < (0.1 if recipe == RECIPE and split == 0 else 0.5)).astype(float))
    outcomes = [quick(tmp_path / f"s{n}", trials=2, seed=n).confirmation for n in range(5)]
    assert [check.outcome for check in outcomes if check].count("no difference") >= 4


def test_fresh_splits_differ_in_rows_seeds_and_labels(planted, tmp_path):
    asked = planted(lambda recipe, split: 0.25 if recipe == RECIPE else 0.5)
    quick(tmp_path / "s", fresh_splits=3)
    assert sorted(split for _, split in asked) == [0, 0, 0, 1, 1, 2, 2, 3, 3]
    made = Trainer(table(), RECIPE, "y", LabeledScorer(table(), "y"), seed=0, steps=1, device="cpu")
    seeds = [made.seed(split) for split in range(4)]
    assert len(set(seeds)) == 4
    assert len({tuple(made.rows(split).split.held) for split in range(4)}) == 4


def test_another_search_is_not_gone_on_with(whole, planted):
    planted(lambda *_: pytest.fail("must not train"))
    out, changed = whole.out, table().set_column(0, "a", [np.zeros(ROWS)])
    before = (out / "recipe.toml").read_bytes()
    for how, told in (
        ({"recipe": Recipe.load(RECIPE, {"method.temperature": 0.3})}, r"method\.temperature: 0\.3 and 0\.1"),
        ({"seed": 44}, rf"settings \(seed: 44 and {whole.seed}\)"),
        ({"steps": 9}, r"settings \(steps: 9 and 2\)"),
        ({"dimensions": ["noise"]}, "search: noise and noise,temperature,alpha,width,cut"),
        ({"labels_per_class": 5}, "with 5 labels a class and balanced accuracy with 8"),
        ({"rows": changed}, "data: "),
    ):
        with pytest.raises(InputError, match=told):
            quick(out, **{"seed": whole.seed} | how)
    assert (out / "recipe.toml").read_bytes() == before


def test_folders_that_are_not_a_searchs_are_refused(tmp_path, planted):
    planted(lambda *_: pytest.fail("must not train"))
    run = tmp_path / "run"
    pretrain_into(run, MemorySource(table(), "y"), Recipe.load(RECIPE, {"train.epochs": 1}))
    files = {path.name for path in run.iterdir()}
    with pytest.raises(InputError, match="holds a run or a model"):
        quick(run)
    assert {path.name for path in run.iterdir()} == files
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.doc").touch()
    with pytest.raises(InputError, match="holds other files"):
        quick(other)
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / ".lock").touch()
    (damaged / "study.db").write_bytes(b"no database" * 100)
    with pytest.raises(InputError, match=r"study\.db: not a search"):
        quick(damaged)
    busy = tmp_path / "busy"
    busy.mkdir()
    with lock_folder(busy), pytest.raises(InputError, match="in use by another process"):
        quick(busy)


def test_the_books_hold_no_pickle(whole):
    with sqlite3.connect(whole.out / "study.db") as book:
        names = [name for (name,) in book.execute("select name from sqlite_master where type = 'table'")]
        assert "trials" in names
        for name in names:
            for row in book.execute(f"select * from {name}"):
                assert not any(isinstance(value, bytes) for value in row), name
    for path in (whole.out / "fresh").glob("*.npy"):
        np.load(path, allow_pickle=False)


def test_without_labels_what_rankme_cannot_judge_is_not_searched(tmp_path):
    result = quick(tmp_path / "s", target=None, trials=2)
    assert result.scorer.words == "effective rank (RankMe)"
    assert not {"method.temperature", "encoder.width", "imix.cut"} & set(result.trials[1].settings)
    assert {"noise.kind", "imix.alpha", "imix.fold"} <= set(result.trials[1].settings)


def test_a_trial_is_cut_short_and_needs_a_trial_at_all(tmp_path, monkeypatch):
    lengths, real = [], search.Trainer.begin

    def begin(self, recipe, split):
        fit = real(self, recipe, split)
        lengths.append((fit.plan.steps, fit.plan.batch_size))
        return fit

    monkeypatch.setattr(Trainer, "begin", begin)
    quick(tmp_path / "s", trials=1, steps=4)
    assert set(lengths) == {(6, 32)}, "whole epochs of 96 rows in batches of 32"
    for how in ({"trials": 0}, {"fresh_splits": 1}, {"steps": 0}):
        with pytest.raises(InputError, match="at least 1 trial, 1 step and 2 fresh"):
            quick(tmp_path / "t", **how)
