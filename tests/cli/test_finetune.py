"""Test `contramix fit`, `finetune` and `predict`: from a run and a labeled file to predictions in a file."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import contramix
from contramix.io.tables.reading import read

LABELLED = ("finetune", "run", "people.csv", "--target", "y", "--out", "model")


def write(name: str, content: str) -> str:
    Path(name).write_text(content)
    return name


def cells(name: str) -> list[dict[str, str]]:
    with open(name, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def tuned(trained, tmp_path_factory, run) -> Path:
    """A folder with people.csv, the run, and a model fine-tuned from it; not to be changed."""
    folder = tmp_path_factory.mktemp("tuned")
    shutil.copytree(trained, folder, dirs_exist_ok=True)
    asked = (folder / "run", folder / "people.csv", "--target", "y", "--out", folder / "model")
    run.done("finetune", *asked, "--epochs", "3")
    return folder


@pytest.fixture
def model(here, tuned) -> Path:
    """A current folder with a copy of these."""
    shutil.copytree(tuned, here, dirs_exist_ok=True)
    return here


def test_a_model_is_trained_and_the_run_stays_as_it_was(finished, run):
    before = run.tree()
    result = run.done(*LABELLED, "--epochs", "3", "--set", "batch_size=16", "--json")
    facts = json.loads(result.out)
    assert facts["task"] == "classification"
    assert facts["classes"] == ["no", "yes"]
    assert (facts["labelled_rows"], facts["held_out_rows"], facts["steps"]) == (60, 0, 9)
    after = run.tree()
    assert {name: after[name] for name in before} == before
    run.done("info", "model")
    predicted = run.done("predict", "model", "people.csv", "--out", "p.csv", "--json")
    assert json.loads(predicted.out)["rows"] == 60
    hits = [row["prediction"] == truth["y"] for row, truth in zip(cells("p.csv"), cells("people.csv"), strict=True)]
    assert np.mean(hits) == pytest.approx(facts["training_score"])


def test_the_seed_decides_the_bytes(finished, run):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run.done(*LABELLED[:-1], name, "--epochs", "2", "--seed", seed)
    weights = [Path(name, "head.safetensors").read_bytes() for name in "abc"]
    assert weights[0] == weights[1] != weights[2]


def test_rows_without_a_target_are_left_out_and_change_nothing(finished, run, t):
    rows = t.people()
    write("gaps.csv", t.text(t.column(rows, "y", lambda n: "" if n % 3 == 0 else rows[n + 1][-1])))
    write("rest.csv", t.text([rows[0], *[row for n, row in enumerate(rows[1:]) if n % 3]]))
    for name in ("gaps", "rest"):
        result = run.done("finetune", "run", f"{name}.csv", "--target", "y", "--out", name, "--epochs", "2")
        assert ("20 of 60 rows have no 'y'" in result.err) == (name == "gaps")
    assert Path("gaps/head.safetensors").read_bytes() == Path("rest/head.safetensors").read_bytes()


def test_predictions_are_in_order_and_alike_in_both_formats(model, run):
    run.done("predict", "model", "people.csv", "--out", "p.csv", "--keep", "age", "--keep", "y")
    run.done("predict", "model", "people.csv", "--out", "p.parquet")
    told, table = cells("p.csv"), pq.read_table("p.parquet")
    assert list(told[0]) == ["age", "y", "prediction", "p_no", "p_yes"]
    assert table.column_names == ["prediction", "p_no", "p_yes"]
    assert [float(row["age"]) for row in told] == [float(row["age"]) for row in cells("people.csv")]
    assert [row["prediction"] for row in told] == table["prediction"].to_pylist()
    shares = np.array([table["p_no"].to_numpy(), table["p_yes"].to_numpy()])
    np.testing.assert_allclose(shares.sum(0), 1)
    assert table["prediction"].to_pylist() == np.array(["no", "yes"])[shares.argmax(0)].tolist()
    loaded = contramix.load("model")
    frame = read("people.csv").table.drop_columns(["y"])
    np.testing.assert_array_equal(loaded.predict_proba(frame), shares.T)


def test_rows_to_predict_need_no_target_and_their_order_is_theirs(model, run, t):
    rows = t.column(t.people(), "y", None)
    write("new.csv", t.text(rows))
    write("turned.csv", t.text([rows[0], *rows[:0:-1]]))
    for name in ("people", "new", "turned"):
        assert "note" not in run.done("predict", "model", f"{name}.csv", "--out", f"{name}.parquet").err
    first, turned = pq.read_table("new.parquet"), pq.read_table("turned.parquet")
    assert first.equals(pq.read_table("people.parquet"))
    np.testing.assert_allclose(turned["p_no"].to_numpy()[::-1], first["p_no"].to_numpy(), rtol=1e-5)


def test_a_fine_tuned_model_embeds(model, run):
    run.done("embed", "model", "people.csv", "--out", "tuned.npy")
    run.done("embed", "run", "people.csv", "--out", "before.npy")
    tuned, before = np.load("tuned.npy"), np.load("before.npy")
    assert tuned.shape == before.shape == (60, 8)
    assert not np.array_equal(tuned, before)


def test_quantities(finished, run, t):
    rows = t.people()
    write("paid.csv", t.text(t.column(rows, "paid", lambda n: f"{float(rows[n + 1][0]) * 100 + 0.5:.1f}")))
    asked = ("finetune", "run", "paid.csv", "--target", "paid", "--out", "model", "--set", "lr=0.02")
    facts = json.loads(run.done(*asked, "--json").out)
    assert facts["task"] == "regression"
    assert facts["training_score"] > 0.5
    run.done("predict", "model", "paid.csv", "--out", "p.parquet", "--keep", "paid")
    table = pq.read_table("p.parquet")
    assert table.column_names == ["paid", "prediction"]
    assert np.corrcoef(table["paid"].to_numpy(), table["prediction"].to_numpy())[0, 1] > 0.7
    run.refused(*asked[:-3], "other", "--labels-per-class", "5").says("--labels-per-class", "quantity")


@pytest.mark.parametrize(
    ("values", "kind"), [(["3", "7"], "int64"), (["true", "false"], "bool"), (["a", "b"], "string")]
)
def test_classes_keep_their_type(finished, run, t, values, kind):
    write("typed.csv", t.text(t.column(t.people(), "z", lambda n: values[n % 2])))
    run.done("finetune", "run", "typed.csv", "--target", "z", "--out", "model", "--epochs", "1")
    run.done("predict", "model", "typed.csv", "--out", "p.parquet")
    assert str(pq.read_table("p.parquet")["prediction"].type) == kind


def test_labels_per_class_and_class_weights(finished, run, t):
    write("people.csv", t.text(t.column(t.people(), "y", lambda n: "no" if n % 6 else "yes")))
    asked = (*LABELLED, "--epochs", "1", "--json")
    assert json.loads(run.done(*asked, "--labels-per-class", "3").out)["labelled_rows"] == 6
    few = Path("model/head.safetensors").read_bytes()
    run.done(*asked, "--labels-per-class", "3")
    assert Path("model/head.safetensors").read_bytes() == few, "an earlier model is replaced"
    run.done(*asked)
    plain = Path("model/head.safetensors").read_bytes()
    run.done(*asked, "--class-weight", "balanced")
    assert Path("model/head.safetensors").read_bytes() != plain


def test_a_csv_of_predictions_runs_no_formula(finished, run):
    table = read("people.csv").table
    hostile = pa.array(["=1+1" if n % 2 else "@x" for n in range(60)])
    pq.write_table(table.append_column("-z", hostile), "people.parquet")
    run.done("finetune", "run", "people.parquet", "--target", "-z", "--out", "model", "--epochs", "1")
    run.done("predict", "model", "people.parquet", "--out", "p.csv", "--keep", "-z")
    rows = cells("p.csv")
    assert list(rows[0]) == ["'-z", "prediction", "p_=1+1", "p_@x"]
    assert {row["prediction"] for row in rows} <= {"'=1+1", "'@x"}


def test_what_cannot_be_fine_tuned(finished, run, t):
    write("empty.csv", t.text(t.column(t.people(), "y", lambda n: "")))
    write("lone.csv", t.text(t.column(t.people(), "y", lambda n: "yes" if n else "no")))
    run.refused("finetune", "run", "empty.csv", "--target", "y", "--out", "model").says(
        "empty.csv", "missing in all rows"
    )
    run.refused(*LABELLED[:-1], "run").says("--out run", "would be lost")
    Path("papers").mkdir()
    write("papers/mine.txt", "mine")
    run.refused(*LABELLED[:-1], "papers").says("--out papers", "mine.txt")
    run.refused("finetune", "run", "people.csv", "--target", "Y", "--out", "model").says("did you mean 'y'")
    run.refused("finetune", "run", "people.csv", "--target", "job", "--out", "model").says("'job' was among the inputs")
    run.refused(*LABELLED, "--set", "lrr=1").says("did you mean 'lr'")
    run.refused(*LABELLED, "--set", "lr").says("NAME=VALUE")
    run.refused(*LABELLED, "--class-weight", "equal").says("class_weight", "'balanced'")
    run.refused(*LABELLED, "--task", "regression").says("--task classification")
    run.refused(*LABELLED, "--epochs", "0").says("epochs")
    run.failed(3, *LABELLED, "--set", "lr=1e15", "--quiet").says("not finite")
    run.done("finetune", "run", "lone.csv", "--target", "y", "--out", "model", "--epochs", "1")


def test_what_cannot_be_predicted(model, run, t):
    run.refused("predict", "run", "people.csv", "--out", "p.csv").says("learn to predict first", "contramix fit run")
    run.refused("predict", "nowhere", "people.csv", "--out", "p.csv").says("nowhere")
    run.refused("predict", "model", "people.csv", "--out", "p.npy").says(".parquet or .csv")
    run.refused("predict", "model", "people.csv", "--out", "people.csv").says("would be lost")
    write("less.csv", t.text(t.column(t.people(), "job", None)))
    run.refused("predict", "model", "less.csv", "--out", "p.csv").says("missing column 'job'")
    write("more.csv", t.text(t.column(t.people(), "prediction", lambda n: "x")))
    run.refused("predict", "model", "more.csv", "--out", "p.csv", "--keep", "prediction").says("rename it")
    write("far.csv", t.text(t.column(t.people(), "age", lambda n: "1e300" if n == 4 else "40")))
    result = run.call("predict", "model", "far.csv", "--out", "far.csv")
    assert result.code == 2
    whole = Path("model/head.safetensors").read_bytes()
    for content in (whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1]), b""):
        Path("model/head.safetensors").write_bytes(content)
        run.refused("predict", "model", "people.csv", "--out", "p.csv").says("model/head.safetensors", "made it again")


def test_a_fine_tuned_model_is_not_evaluated_on_labels_it_has_seen(model, run):
    run.refused("evaluate", "model", "people.csv", "--target", "y").says("was fine-tuned on labels", "evaluate the run")


def test_a_fine_tuned_model_can_be_fine_tuned_again(model, run, t):
    write("other.csv", t.text(t.column(t.people(), "z", lambda n: "ab"[n % 2])))
    run.done("finetune", "model", "other.csv", "--target", "z", "--out", "second", "--epochs", "1")
    run.done("predict", "second", "other.csv", "--out", "p.csv")
    assert {row["prediction"] for row in cells("p.csv")} <= {"a", "b"}


def test_fit_blends_several_runs_and_predict_adjusts_class_shares(finished, run):
    run.done("pretrain", "people.csv", "--target", "y", "--out", "second", *run.small, "--seed", "1")
    blank = [row | {"y": ""} if number % 3 else row for number, row in enumerate(cells("people.csv"))]
    with open("few.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, blank[0])
        writer.writeheader()
        writer.writerows(blank)
    told = run.done("fit", "run", "second", "few.csv", "--target", "y", "--out", "model", "--json")
    told.says("40 of 60 rows have no 'y'; only their statistics are used")
    facts = json.loads(told.out)
    assert (facts["runs"], facts["head"], facts["labelled_rows"]) == (["run", "second"], "blend", 20)
    assert len(facts["weights"]) == 9
    assert 0 <= facts["validation_score"] <= 1
    assert "blend on 20 labeled rows" in run.done("info", "model").out
    ask = ("predict", "model", "people.csv", "--out", "p.csv")
    run.done(*ask)
    plain = np.array([float(row["p_yes"]) for row in cells("p.csv")])
    run.done(*ask, "--class-prior", "yes=0.1", "--class-prior", "no=0.9")
    rare = np.array([float(row["p_yes"]) for row in cells("p.csv")])
    share = np.mean([row["y"] == "yes" for row in blank if row["y"]])
    odds = plain / (1 - plain) * (0.1 / 0.9) / (share / (1 - share))
    np.testing.assert_allclose(rare, odds / (1 + odds), rtol=1e-5)
    run.refused(*ask, "--class-prior", "yes=0.1").says("--class-prior: the share of 'no' is missing")
    run.refused(*ask, "--class-prior", "yes").says("--class-prior yes: give CLASS=SHARE")
    again = run.done("fit", "model", "few.csv", "--target", "y", "--out", "tuned", "--head", "finetune", "--json")
    assert json.loads(again.out)["head"] == "finetune", "the encoder of a blend can be fine-tuned"
    fit = ("fit", "run", "few.csv", "--target", "y", "--out", "other")
    estimated = json.loads(run.done(*fit, "--head", "linear", "--class-prior", "estimate", "--json").out)
    assert sum(estimated["class_prior"]) == pytest.approx(1)
    run.refused(*fit, "--head", "tree").says("--head tree: not known")
    run.refused(*fit, "--epochs", "3").says("--head finetune")
    run.refused("fit", "run", "second", "few.csv", "--target", "y", "--out", "third", "--head", "finetune").says(
        "--head finetune", "give one run"
    )


def test_a_model_of_version_0_1_has_no_class_shares(model, run):
    config = json.loads(Path("model/config.json").read_text())
    del config["predicts"]["shares"]
    Path("model/config.json").write_text(json.dumps(config))
    run.done("predict", "model", "people.csv", "--out", "p.csv")
    run.refused("predict", "model", "people.csv", "--out", "p.csv", "--class-prior", "estimate").says("version 0.1")


def test_a_column_that_the_run_does_not_know_is_no_feature(finished, run):
    rows = cells("people.csv")
    with open("leak.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "leak"])
        writer.writeheader()
        writer.writerows(row | {"leak": row["y"]} for row in rows)
    told = run.done("fit", "run", "leak.csv", "--target", "y", "--out", "model")
    told.says("leak")
    for part in ("raw", "raw-quantile"):
        spec = json.loads(Path(f"model/{part}.spec.json").read_text())
        assert "leak" not in [column["name"] for column in spec["columns"]]
    run.done("predict", "model", "people.csv", "--out", "p.csv")
    run.done("fit", "run", "leak.csv", "--target", "y", "--out", "linear", "--head", "linear")
    assert not list(Path("linear").glob("*.spec.json")), "a linear model uses no column itself"
    run.refused("fit", "model", "leak.csv", "--target", "y", "--out", "model").says(
        "--out model: is the model to learn"
    )


def test_class_priors_take_the_names_that_are_shown(finished, run):
    rows = cells("people.csv")
    numbers = [{"yes": "1.0", "no": "0.0"}[row["y"]] if n % 3 else "" for n, row in enumerate(rows)]
    with open("numbers.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "paid"])
        writer.writeheader()
        writer.writerows(row | {"y": y, "paid": n / 7} for n, (row, y) in enumerate(zip(rows, numbers, strict=True)))
    fit = ("fit", "run", "numbers.csv", "--target", "y", "--out", "model", "--head", "linear", "--json")
    facts = json.loads(run.done(*fit, "--class-prior", "1=0.2", "--class-prior", "0=0.8").out)
    assert facts["classes"] == ["0", "1"]
    assert facts["class_prior"] == [0.8, 0.2]
    run.refused(*fit, "--class-prior", "1=0.2", "--class-prior", "1=0.8").says("given twice")
    run.refused(*fit, "--class-prior", "1=a").says("--class-prior 1=a: give CLASS=SHARE")
    run.refused(*fit[:4], "paid", *fit[5:], "--class-prior", "estimate").says("the target is numeric")
