"""Test `contramix evaluate` and `contramix compare` from the command line."""

import json
import shutil
from pathlib import Path

import pytest

PLAIN = ["chance", "raw", "raw-quantile", "pca", "untrained", "trees", "forest", "boosting", "blend"]
NAMES = [*PLAIN, "gaussian", "supervised"]
ONE = ("--probes", "linear", "--baselines", "raw", "--draws", "2")
FEW = ("--set", "encoder.depth=1", "--set", "encoder.width=8", "--epochs", "2")


@pytest.fixture
def rows(here, t):
    """A table whose label hangs on its age, and test rows of the same kind."""
    for name, seed in (("rows.csv", 0), ("test.csv", 1)):
        table = t.people(60, seed)
        Path(name).write_text(t.text(t.column(table, "y", lambda n, table=table: "ab"[float(table[n + 1][0]) > 40])))


def test_evaluate_has_every_baseline_and_writes_both_reports(rows, run):
    run.done("pretrain", "rows.csv", "--target", "y", "--out", "run", *run.small)
    same = ("evaluate", "run", "rows.csv", "--target", "y", "--test", "test.csv", "--draws", "2", "--json")
    told = json.loads(run.done(*same, "--baselines", "all", "--probes", "linear,knn,finetune").out)
    cells = {(r["name"], r["probe"], r["labels_per_class"]): r for r in told["rows"]}
    assert list(dict.fromkeys(r["name"] for r in told["rows"])) == [*NAMES, "imix-npair"]
    assert {probe for name, probe, _ in cells if name == "imix-npair"} == {"linear", "knn", "finetune"}
    assert {k[0] for k in cells if k[2] == 20} == {*NAMES, "imix-npair"}
    for row in cells.values():
        assert row["n"] == 2, "draws of few labels, and resamples of the 60 labeled rows"
        low, high = row["interval"]
        assert low <= row["mean"] <= high
        assert row["metrics"].keys() == {
            "accuracy", "balanced_accuracy", "auroc", "average_precision", "log_loss", "calibration_error",
        }  # fmt: skip
        assert row["metrics"]["auroc"] == pytest.approx(row["mean"], abs=1e-5)
    assert cells["imix-npair", "linear", None]["chosen"][0].startswith("C = ")
    assert cells["supervised", "finetune", None]["kind"] == "baseline"
    verdict = told["verdict"]
    assert verdict["against"] in ("raw", "untrained")
    assert [c["labels_per_class"] for c in verdict["comparisons"]] == [None, 20]
    assert json.loads(Path("run/report.json").read_text()) == told
    assert verdict["text"].split(":")[0] in Path("run/report.html").read_text()
    quick = ("--probes", "linear", "--baselines", "gaussian", "--labels-per-class", "")
    again = json.loads(run.done(*same, *quick).out)
    assert {row["name"] for row in again["rows"]} == {"raw", "gaussian", "imix-npair"}, "raw is what it is held against"
    for row in again["rows"]:
        assert row["each"] == cells[row["name"], "linear", None]["each"]
    assert len(list(Path("run/baselines").iterdir())) == 1, "the Gaussian baseline was taken as it was"


def test_papers_protocols_metrics_and_peeking(rows, run):
    run.done("pretrain", "rows.csv", "--target", "y", "--out", "run", *run.small)
    ask = ("evaluate", "run", "rows.csv", "--target", "y", "--test", "test.csv", "--seeds", "1", "--json")
    ask += ("--baselines", "raw", "--labels-per-class", "")
    told = json.loads(run.done(*ask, "--metric", "auroc", "--probes", "least-squares,linear").out)
    assert told["metric"] == "auroc"
    assert {r["probe"] for r in told["rows"]} == {"least-squares", "linear"}
    assert "least-squares probe" in told["verdict"]["text"]
    for row in told["rows"]:
        assert row["mean"] == pytest.approx(row["metrics"]["auroc"], abs=1e-5)
    peeking = json.loads(run.done(*ask, "--probes", "linear", "--pick-on-test").out)
    assert "picked on test rows" in peeking["verdict"]["text"]
    assert any("too optimistic" in note for note in peeking["notes"])
    with_bn = json.loads(run.done(*ask, "--probes", "linear", "--recalibrate-bn").out)
    assert [r["name"] for r in with_bn["rows"]] == ["raw", "imix-npair", "imix-npair, BatchNorm anew"]
    run.refused(*ask, "--metric", "rmse").says("--metric rmse")
    run.refused(*ask, "--probes", "lineer").says("--probes lineer", "did you mean 'linear'")
    run.refused(*ask, "--baselines", "tree").says("--baselines tree", "did you mean 'trees'")


def test_fine_tuning_is_held_against_training_from_scratch(rows, run):
    run.done("pretrain", "rows.csv", "--target", "y", "--out", "run", *run.small)
    ask = ("evaluate", "run", "rows.csv", "--target", "y", "--test", "test.csv", "--seeds", "1", "--json")
    told = json.loads(run.done(*ask, "--baselines", "trees", "--labels-per-class", "", "--probes", "finetune").out)
    assert {row["name"] for row in told["rows"]} == {"trees", "supervised", "imix-npair"}
    assert told["verdict"]["against"] == "supervised"


def test_compare_goes_on_where_it_was(rows, run):
    ask = ("compare", "rows.csv", "--target", "y", "--test", "test.csv", "--recipes", "npair,imix-npair", *FEW)
    ask += ("--seeds", "2", "--labels-per-class", "5", "--probes", "linear")
    ask += ("--baselines", "raw,untrained,gaussian", "--json")
    told = json.loads(run.done(*ask).out)
    assert list(dict.fromkeys(r["name"] for r in told["rows"])) == [
        *("raw", "untrained", "gaussian", "npair", "imix-npair")
    ]
    assert {v["recipe"] for v in told["verdicts"]} == {"npair", "imix-npair"}
    assert told["verdicts"][0]["confidence"] == pytest.approx(1 - 0.05 / 4)
    place = Path("rows-compare")
    assert sorted(p.parent.name for p in place.glob("*/*/DONE")) == [*["seed0"] * 3, *["seed1"] * 3]
    assert json.loads((place / "report.json").read_text()) == told
    assert (place / "report.html").stat().st_size < 4_000_000
    shutil.rmtree(place / "npair" / "seed1")
    kept = (place / "imix-npair/seed0/DONE").stat().st_mtime_ns
    again = json.loads(run.done(*ask).out)
    assert (place / "imix-npair/seed0/DONE").stat().st_mtime_ns == kept
    assert [r["mean"] for r in again["rows"]] == [r["mean"] for r in told["rows"]]
    shown = run.done(*ask[:-1]).out
    assert "Is it the training?\n  imix-npair" in shown or "Is it the training?\n  npair" in shown
    assert "rows-compare" in shown


def test_wrong_calls_of_compare(rows, run):
    run.refused("compare", "rows.csv").says("--target")
    run.refused("compare", "rows.csv", "--target", "yy").says("'yy'", "did you mean 'y'")
    run.refused("compare", "rows.csv", "--target", "y", "--recipes", "imix").says("imix")
    run.refused("compare", "rows.csv", "--target", "y", "--recipes", "npair,npair").says("different names")
    run.refused("compare", "rows.csv", "--target", "y", "--recipes", ",").says("--recipes")


def test_rows_without_a_target_serve_pre_training(rows, run, t):
    """Most of 60 rows have no label, and 20 more come from another file: each recipe is pre-trained once on all 80."""
    table = t.people(60, 0)
    Path("rows.csv").write_text(t.text(t.column(table, "y", lambda n: "ab"[n // 2 % 2] if n % 2 else "")))
    Path("more.csv").write_text(t.text(t.column(t.people(20, 5), "y", None)))
    ask = ("compare", "rows.csv", "--target", "y", "--recipes", "npair,imix-npair", *FEW, *ONE, "--json")
    told = json.loads(run.done(*ask, "--labels-per-class", "2", "--unlabeled", "more.csv").out)
    assert any("50 of 80 rows have no 'y'" in note for note in told["notes"])
    assert any("only 30 rows are labeled" in note for note in told["notes"])
    assert told["labelled"] == {"training": 30, "test": None}
    assert {(r["labels_per_class"], r["n"]) for r in told["rows"]} == {(None, 5), (2, 2)}
    runs = sorted(Path("rows-compare").glob("*/*/DONE"))
    assert [done.parent.parent.name for done in runs] == ["imix-npair", "npair"], "recipes x seeds"
    assert json.loads((runs[0].parent / "config.json").read_text())["data_rank"]["rows"] == 80
    run.done("evaluate", runs[0].parent, "rows.csv", "--target", "y", "--test", "test.csv", *ONE)
    Path("test.csv").write_text(t.text(t.column(t.people(40, 1), "y", lambda n: "ab"[n % 2] if n > 9 else "")))
    told = json.loads(
        run.done("evaluate", runs[0].parent, "rows.csv", "--target", "y", "--test", "test.csv", *ONE, "--json").out
    )
    assert any("10 of 40 test rows have no 'y'" in note for note in told["notes"])
    assert any("30 labeled rows are fixed" in note for note in told["notes"])
    Path("less.csv").write_text(t.text(t.column(t.people(20, 5), "age", None)))
    run.refused(*ask, "--unlabeled", "less.csv").says("less.csv", "missing column 'age'")
