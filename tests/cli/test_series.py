"""Test all commands on time series in .ts files, tables and arrays, and the estimators on them."""

import importlib
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import contramix
from contramix import ContrastiveClassifier, ContrastiveEncoder, ContrastiveRegressor
from contramix.domains import DOMAINS
from contramix.domains.series.settings import SeriesSettings
from contramix.errors import ContramixWarning
from contramix.io.options import ReadOptions
from contramix.recipe import Recipe
from contramix.runs.pretrain import RunOptions, pretrain_into
from contramix.runs.source import MemorySource
from contramix.training.reporter import Reporter

TINY = ("--epochs", "1", "--set", "encoder.width=2", "--set", "train.batch_size=16")
PROBED = ("--seeds", "1", "--probes", "linear", "--baselines", "raw,rocket", "--labels-per-class", "")
SMALL = {"encoder.width": 4}


pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture(autouse=True)
def _few_kernels(monkeypatch):
    monkeypatch.setattr(importlib.import_module("contramix.predictors.domain_features"), "KERNELS", 100)


def waves(n: int, seed: int, channels: int = 1, varying: bool = False) -> tuple[list[np.ndarray], list[str]]:
    """Slow waves and fast ones, with noise."""
    draw = np.random.default_rng(seed)
    series, labels = [], []
    for number in range(n):
        steps = int(draw.integers(12, 31)) if varying else 30
        phase = draw.uniform(0, 6, (channels, 1))
        x = np.sin((0.3, 1.2)[number % 2] * np.arange(steps) + phase) + 0.1 * draw.normal(size=(channels, steps))
        series.append(5 + 2 * x)
        labels.append("sf"[number % 2])
    return series, labels


def ts(series, labels) -> str:
    lines = [":".join(",".join(f"{v:.4f}" for v in row) for row in one) for one in series]
    head = f"@problemName waves\n@univariate {str(len(series[0]) == 1).lower()}\n@classLabel true s f\n@data\n"
    return head + "".join(f"{line}:{label}\n" for line, label in zip(lines, labels))


def folder(channels: int = 1, varying: bool = False) -> Path:
    """A problem of 32 series to learn from and 24 to be scored on, of which labels and shapes are swapped: a probe that
    has learned everything gets nothing right there, and only there."""
    place = Path("waves")
    place.mkdir()
    series, labels = waves(32, 0, channels, varying)
    (place / "waves_TRAIN.ts").write_text(ts(series, labels))
    series, labels = waves(24, 1, channels, varying)
    (place / "waves_TEST.ts").write_text(ts(series, ["sf"[label == "s"] for label in labels]))
    return place


@pytest.mark.parametrize(("channels", "varying"), [(1, False), (3, True)])
def test_the_whole_circle(run, channels, varying):
    data = folder(channels, varying)
    made = json.loads(run.done("pretrain", data, "--out", "run", "--recipe", "dacl", *TINY, "--json").out)
    assert (made["rows"], made["records"], made["columns"]) == (32, "series", 1)
    assert made["form"] == (f"{channels} channels x up to 30 steps" if varying else "1 channel x 30 steps")
    run.done("embed", "run", data, "--out", "z.parquet")
    table = pq.read_table("z.parquet")
    assert table.column_names[:4] == ["file", "label", "part", "e0"]
    assert table.column("part").to_pylist() == ["train"] * 32 + ["test"] * 24
    report = json.loads(run.done("evaluate", "run", data, *PROBED, "--json").out)
    assert next(row["mean"] for row in report["rows"] if row["name"] == "rocket") < 0.2  # labels are swapped there
    assert report["labelled"] == {"training": 32, "test": 24}
    assert Path("run/report.html").stat().st_size > 1000
    assert "series" in run.done("info", "run").out
    run.done("report", "run", data)
    run.done("finetune", "run", data, "--out", "model", "--epochs", "2")
    run.done("predict", "model", data, "--out", "p.csv")
    assert len(pd.read_csv("p.csv")) == 56


def test_compare_and_resume(run):
    data = folder()
    again = ("compare", data, "--out", "c", "--recipes", "dacl,imix-npair", *TINY, *PROBED, "--json")
    report = json.loads(run.done(*again).out)
    assert {row["name"] for row in report["rows"]} == {"raw", "rocket", "dacl", "imix-npair"}
    assert {row["name"] for row in json.loads(run.done(*again).out)["rows"]} == {row["name"] for row in report["rows"]}
    assert "already" in run.done("pretrain", data, "--out", "c/dacl/seed0", "--recipe", "dacl", *TINY).out


def test_an_archive_of_several_problems(run):
    data = folder()
    with zipfile.ZipFile("all.zip", "w") as archive:
        for file in data.iterdir():
            archive.write(file, f"waves/{file.name}")
        archive.writestr("other/other.ts", "@data\n1,2\n3,4\n")
    run.refused("pretrain", "all.zip", "--out", "run", *TINY).says("other, waves", "--set series.problem=NAME")
    chosen = ("--set", "series.problem=waves")
    run.done("pretrain", "all.zip", "--out", "run", *TINY, *chosen).says("the 32 series of the training part, of 56")
    run.done("embed", "run", "all.zip", "--out", "z.npy")
    run.done("embed", "run", data, "--out", "same.npy")
    np.testing.assert_array_equal(np.load("z.npy"), np.load("same.npy"))
    # The only problem of another name is read by a trained model.
    run.done("embed", "run", data / "waves_TEST.ts", "--out", "test.npy")
    np.testing.assert_array_equal(np.load("z.npy")[32:], np.load("test.npy"))


def test_tables_long_and_wide_and_arrays_give_the_same_numbers(run):
    series, labels = waves(40, 0)
    series = [one.astype(np.float32) for one in series]
    np.savez("x.npz", X=np.stack(series), y=np.array(labels))
    wide = pd.DataFrame(np.stack(series)[:, 0], columns=[f"t{n}" for n in range(30)]).assign(code=np.arange(40) % 2)
    wide.to_parquet("wide.parquet")
    long = pd.DataFrame(
        {
            "id": np.repeat(np.arange(40), 30),
            "t": np.tile(np.arange(30), 40),
            "x": np.concatenate(series, 1)[0],
            "y": np.repeat(labels, 30),
        }
    )
    long.to_parquet("long.parquet")
    how = ("--domain", "series", *TINY)
    by_id = ("--set", "series.id=id", "--set", "series.time=t")
    run.done("pretrain", "x.npz", "--out", "a", *how)
    run.done("pretrain", "wide.parquet", "--out", "b", "--target", "code", *how).says(
        "a series of 30 steps, the columns t0, t1"
    )
    run.done("pretrain", "long.parquet", "--out", "c", "--target", "y", *how, *by_id).says(
        "the channels are the columns x"
    )
    for model, data in (("a", "x.npz"), ("b", "wide.parquet"), ("c", "long.parquet")):
        run.done("embed", model, data, "--out", f"{model}.npy")
    np.testing.assert_array_equal(np.load("a.npy"), np.load("b.npy"))
    np.testing.assert_array_equal(np.load("a.npy"), np.load("c.npy"))
    run.done("evaluate", "b", "wide.parquet", "--target", "code", *PROBED)
    run.done("embed", "c", "long.parquet", "--out", "z.csv")
    assert list(pd.read_csv("z.csv").columns[:3]) == ["id", "y", "e0"]


def test_a_target_never_becomes_a_step(run):
    """A code that is the label itself: as a step it would be in every view."""
    pd.DataFrame(np.random.default_rng(0).normal(size=(40, 6))).assign(y=np.arange(40) % 2).to_csv("w.csv", index=False)
    run.done("pretrain", "w.csv", "--out", "run", "--domain", "series", "--target", "y", *TINY)
    spec = json.loads(Path("run/spec.json").read_text())
    assert (spec["steps"], spec["columns"], spec["target"]) == (6, ["0", "1", "2", "3", "4", "5"], "y")
    run.done("pretrain", "w.csv", "--out", "all", "--domain", "series", *TINY)
    assert json.loads(Path("all/spec.json").read_text())["steps"] == 7
    run.refused("evaluate", "all", "w.csv", "--target", "y", *PROBED).says("there is no column 'y'")


def test_series_that_cannot_be_used_are_named(run):
    text = ts(*waves(20, 0)) + ":s\n?,?,?:f\n"
    Path("x.ts").write_text(text)
    made = run.done("pretrain", "x.ts", "--out", "run", *TINY, "--json")
    assert json.loads(made.out)["bad_files"] == [
        {"file": "x.ts, line 25", "reason": "has no steps"},
        {"file": "x.ts, line 26", "reason": "has no values"},
    ]
    made.says("x.ts, line 25: has no steps; left out")
    run.refused("pretrain", "x.ts", "--out", "other", *TINY, "--on-bad-files", "fail").says("line 25: has no steps")
    Path("long.ts").write_text(ts([np.ones((1, 40)), np.ones((1, 10))], ["s", "f"]))
    run.done("embed", "run", "long.ts", "--out", "z.npy").says("1 series are longer than 30 steps and are truncated")
    assert np.isfinite(np.load("z.npy")).all()


def test_an_unfinished_run_goes_on_to_the_same_model():
    reading = DOMAINS["series"].read(folder(2, True), ReadOptions(), SeriesSettings())
    small = {"train.batch_size": 8, "encoder.width": 2, "train.epochs": 4}
    recipe = Recipe.load("imix-moco", small, "series")

    source, options = MemorySource.from_records(reading), RunOptions(checkpoint_seconds=0.0)

    class Stopping(Reporter):
        def steps(self, title, plan, start, steps):
            for step in steps:
                yield step
                if step.step == 7:
                    raise KeyboardInterrupt

    pretrain_into(Path("whole"), source, recipe)
    with pytest.raises(KeyboardInterrupt):
        pretrain_into(Path("halves"), source, recipe, options=options, reporter=Stopping())
    outcome = pretrain_into(Path("halves"), source, recipe)
    assert outcome.resumed_from in (6, 7)
    models = [Path(name, "model.safetensors").read_bytes() for name in ("whole", "halves")]
    assert models[0] == models[1]


@pytest.mark.parametrize("varying", [False, True])
@pytest.mark.filterwarnings("ignore::contramix.errors.ContramixWarning")
def test_the_encoder(varying, tmp_path):
    series, _ = waves(24, 0, 2, varying)
    x = series if varying else np.stack(series)
    encoder = ContrastiveEncoder("imix-npair", epochs=2, random_state=0, overrides=SMALL)
    z = encoder.fit_transform(x)
    assert z.shape == (24, 32)
    assert np.isfinite(z).all()
    encoder.save(tmp_path / "model")
    again = contramix.load(tmp_path / "model")
    np.testing.assert_allclose(again.transform(x), z, rtol=1e-4, atol=1e-5)
    # Alone, without the padding of the others, and in a shorter form than any training series of one length.
    np.testing.assert_allclose(again.transform([series[3]]), z[3:4], rtol=1e-4, atol=1e-5)
    assert np.isfinite(again.transform([series[0][:, :5], series[1]])).all()
    with pytest.raises(ValueError, match="row 2: has no steps"):
        again.transform([series[0], series[1][:, :0]])


@pytest.mark.filterwarnings("ignore::contramix.errors.ContramixWarning")
def test_the_classifier_and_the_regressor():
    series, labels = waves(60, 0, 1, True)
    model = ContrastiveClassifier("npair", epochs=10, random_state=0, overrides={"encoder.width": 8})
    model.fit(series, labels)
    fresh, truth = waves(40, 5, 1, True)
    assert (model.predict(fresh) == truth).mean() > 0.9
    speed = np.array([0.0 if label == "s" else 1.0 for label in labels])
    regressor = ContrastiveRegressor(pretrained=model.model_, random_state=0).fit(series, speed + 0.001)
    assert np.corrcoef(regressor.predict(fresh), [label == "f" for label in truth])[0, 1] > 0.7


def test_gaps_are_told_of_when_fitting():
    x = np.random.default_rng(0).normal(size=(16, 1, 9))
    x[2, 0, 4] = np.nan
    with pytest.warns(ContramixWarning, match="1 missing values in 1 series are filled"):
        ContrastiveEncoder("dacl", epochs=1, random_state=0, overrides=SMALL).fit(x)


def test_a_module_of_the_users():
    from torch import nn

    class Sums(nn.Module):
        def __init__(self):
            super().__init__()
            self.convolution = nn.Conv1d(2, 8, 3, padding=1)

        def forward(self, x, mask):
            return (self.convolution(x).relu() * mask[:, None]).sum(2)

    for varying in (False, True):
        series, _ = waves(24, 0, 2, varying)
        for recipe in ("dacl", "imix-npair"):
            encoder = ContrastiveEncoder(recipe, epochs=1, random_state=0, encoder=Sums())
            assert np.isfinite(encoder.fit_transform(series)).all()
