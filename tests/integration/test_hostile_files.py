"""Test commands with unusual calls, tables, files and environments."""

import hashlib
import json
import os
import shlex
import shutil
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save

OUT = ("--out", "run")


def write(name: str, content: str | bytes) -> str:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return name


def parquet(name: str, **columns: object) -> str:
    pq.write_table(pa.table(columns), name)
    return name


def numbers(rows: int, seed: int = 0) -> list[float]:
    return np.random.default_rng(seed).normal(size=rows).tolist()


def embedded(run, data: str) -> np.ndarray:
    run.done("embed", "run", data, "--out", "z.npy")
    return np.load("z.npy")


# ---------------------------------------------------------------- the call itself


def test_no_arguments_show_the_help(here, run):
    told = run.done()
    assert "Usage: contramix" in told.out
    assert told.out == run.done("--help").out


def test_the_version(here, run):
    assert run.done("--version").out.startswith("contramix 0.")


def test_debug_shows_the_traceback_and_keeps_the_exit_code(here, run):
    result = run.call("pretrain", "nothing.csv", *OUT, "--debug")
    assert result.code == 2
    assert "Traceback (most recent call last)" in result.err
    assert result.err.splitlines()[-1] == "error: nothing.csv: no such file"


def test_the_call_that_is_written_down_can_be_pasted(finished, run, monkeypatch):
    shutil.copy("people.csv", "my people.csv")
    call = ["pretrain", "my people.csv", "--out", "my run", "--set", "table.drop=['age']", *run.small]
    monkeypatch.setattr(sys, "argv", ["contramix", *call])
    told = run.done(*call)
    assert "contramix embed 'my run' DATA" in told.out
    assert shlex.split(json.loads(Path("my run/config.json").read_text())["command"]) == ["contramix", *call]


@pytest.mark.parametrize("device", ["meta", "hpu", "vulkan", "mkldnn", "", "CPU", "\udcff"])
def test_devices_that_torch_knows_and_nobody_has(finished, run, device):
    error = run.refused("embed", "run", "people.csv", "--out", "z.npy", "--device", device).err
    assert "is not available" in error
    assert "try 'cpu'" in error
    assert len(error) < 250


def test_numbers_and_names_that_stand_alone_in_a_setting(here, run):
    write("seven.csv", "7,8\n" + "".join(f"{n * n % 11}.5,{n * n % 7}.25\n" for n in range(30)))
    options = ("--header", *run.small, "--set", "train.decay_epochs=3")
    run.done("pretrain", "seven.csv", *OUT, *options, "--set", "table.drop=7")
    assert json.loads(run.done("info", "run", "--json").out)["columns"] == {"numeric": ["8"]}
    run.refused("pretrain", "seven.csv", "--out", "r", *options, "--set", "table.drop=9").says("there is no column '9'")
    run.refused("pretrain", "seven.csv", "--out", "r", "--set", "train.decay_epochs=true").says("train.decay_epochs")
    run.refused("pretrain", "seven.csv", "--out", "r", "--set", "x=" + "[" * 5000).says("unknown setting 'x'")


def test_a_recipe_that_notepad_saved(finished, run):
    write("r.toml", "\ufeff# mine\n[noise]\nkind = 'drop'\nrate = 0.3\n")
    run.done("pretrain", "people.csv", "--out", "new", "--recipe", "r.toml", *run.small)
    assert "# mine" in run.done("recipes", "r.toml").out


def test_markers_and_encodings_that_cannot_be(finished, run):
    ask = ("embed", "run", "people.csv", "--out", "z.npy")
    run.refused(*ask, "--missing", "\udcff").says("--missing", "UTF-8")
    for encoding in ("punycode", "idna", "rot13", "base64", "", "\udcff"):
        run.refused(*ask, "--encoding", encoding).says("--encoding", "not a text encoding")
    for encoding in ("utf-16", "utf-32"):
        run.refused(*ask, "--encoding", encoding).says("people.csv: ", f"not {encoding}", "--encoding")
        write("p.jsonl", '{"age": 1.5}\n')
        run.refused("embed", "run", "p.jsonl", "--out", "z.npy", "--encoding", encoding).says("p.jsonl: ", "--encoding")


def test_budgets_given_twice_are_tried_once(finished, run):
    told = run.done(
        "evaluate",
        "run",
        "people.csv",
        "--target",
        "y",
        "--seeds",
        "1",
        "--labels-per-class",
        "5, 5,",
        "--json",
        *run.quick,
    )
    rows = [(r["name"], r["probe"], r["labels_per_class"]) for r in json.loads(told.out)["rows"]]
    assert len(rows) == len(set(rows))
    huge = run.done(
        "evaluate",
        "run",
        "people.csv",
        "--target",
        "y",
        "--seeds",
        "1",
        "--labels-per-class",
        10**30,
        "--json",
        *run.quick,
    )
    told = json.loads(huge.out)
    assert {r["labels_per_class"] for r in told["rows"]} == {None}
    assert any(str(10**30) in note.replace(",", "") for note in told["notes"])


# ---------------------------------------------------------------- streams and surroundings


def closed(*streams: int):
    def close() -> None:
        for stream in streams:
            os.close(stream)

    return close


def test_closed_streams(here, run):
    assert run.process("recipes", stdout=None, preexec_fn=closed(1)).returncode == 0
    ended = run.process("recipes", "nope", stderr=None, preexec_fn=closed(2))
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert run.process("recipes", "nope", stdout=None, stderr=None, preexec_fn=closed(1, 2)).returncode == 2


def test_streams_that_are_full(here, run):
    with open("/dev/full", "wb") as full:
        ended = run.process("recipes", stdout=full)
        assert (ended.returncode, ended.stderr) == (3, b"error: no space left for standard output\n")
        assert run.process("recipes", "nope", stderr=full).returncode == 2


def test_a_reader_of_the_notes_that_goes_away_does_not_stop_the_run(here, run, t):
    write("noted.csv", t.text(t.column(t.people(), "same", lambda n: "7"), ";"))
    read, write_end = os.pipe()
    os.close(read)
    ended = run.process("pretrain", "noted.csv", *OUT, *run.small, stderr=write_end)
    os.close(write_end)
    assert ended.returncode == 0
    assert b"finished" in ended.stdout
    assert Path("run/DONE").is_file()


def test_a_terminal_that_knows_ascii_only(finished, run):
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    shutil.copy("people.csv", "caf\xe9.csv")
    for command in (
        ("evaluate", "run", "caf\xe9.csv".encode(), "--target", "y", "--seeds", "2", *run.quick),
        ("embed", "run", "caf\xe9.csv".encode(), "--out", "caf\xe9.npy".encode()),
    ):
        ended = run.process(*command, env=plain)
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.isascii()
    assert Path("caf\xe9.npy").is_file()
    ended = run.process("info", "caf\xe9".encode(), env=plain)
    assert ended.returncode == 2
    assert ended.stderr.startswith(b"error: ")


def test_the_report_of_a_shared_model_need_not_be_kept(finished, run):
    Path("run/report.json").mkdir()  # root may write anywhere, so a folder stands in its way
    told = run.done("evaluate", "run", "people.csv", "--target", "y", "--seeds", "1", "--json", *run.quick)
    told.says("note: the report is not saved", "run/report.json")
    assert json.loads(told.out)["rows"]


# ---------------------------------------------------------------- names


NAMES = ["\x1b[2J", "[/bold]", "[red]", ":smile:", "a\nb\tc", "=1+1", "", "\u202e", "\u65e5\u672c", "a" * 3000]


def test_names_that_are_control_characters_markup_or_formulas(here, run):
    columns = {name: numbers(30, n) for n, name in enumerate(NAMES)}
    parquet("names.parquet", **columns, **{"[/same]\x1b[2J": [1] * 30, "y": ["[/a]", "\x1b[2J"] * 15})
    told = run.done("pretrain", "names.parquet", *OUT, "--target", "y", *run.small)
    told.says("note: column '[/same]")
    shown = told.out + told.err + run.done("info", "run").out
    shown += run.done("evaluate", "run", "names.parquet", "--target", "y", "--seeds", "1", *run.quick).out
    keep = [option for name in NAMES for option in ("--keep", name)]
    run.done("embed", "run", "names.parquet", "--out", "z.csv", *keep)
    shown += run.refused("evaluate", "run", "names.parquet", "--target", "\x1b[2J").err
    shown += run.refused("evaluate", "run", "names.parquet", "--target", "[/bolt]").err
    assert all(c.isprintable() or c == "\n" for c in shown)
    for name in ("[/bold]", "[red]", ":smile:", "?[2J", "[/same]"):
        assert name in shown
    assert '"\'=1+1"' in Path("z.csv").read_text().split("\n\n")[0]
    run.done("embed", "run", "names.parquet", "--out", "z.parquet", *keep)
    assert pq.read_table("z.parquet").column_names[: len(NAMES)] == NAMES


def test_columns_called_like_settings(here, run):
    names = ["table.drop", "target", "seed", "kind", "part", "noise", "0"]
    parquet("s.parquet", **{name: numbers(30, n) for n, name in enumerate(names)})
    run.done("pretrain", "s.parquet", *OUT, "--target", "target", "--set", "table.drop=seed", *run.small)
    told = json.loads(run.done("info", "run", "--json").out)
    assert told["columns"] == {"numeric": ["table.drop", "kind", "part", "noise", "0"]}
    run.done("evaluate", "run", "s.parquet", "--target", "target", "--seeds", "1", *run.quick)


def test_a_csv_of_embeddings_runs_no_formula(here, run):
    cells = ["=1+1", "+x", "-x", "@x", "\tx", "fine", None, "", "x=1", "\rx", "-1", "+2.5", "-1+1", "-1\n"]
    parquet("f.parquet", **{"=a": numbers(28), "t": cells * 2})
    run.done("pretrain", "f.parquet", *OUT, *run.small)
    run.done("embed", "run", "f.parquet", "--out", "z.csv", "--keep", "t", "--keep", "=a")
    lines = Path("z.csv").read_bytes().decode().split("\n")
    assert lines[0].startswith('"t","\'=a","e0"')
    assert [line.split(",")[0] for line in lines[1:7]] == [
        '"\'=1+1"',
        '"\'+x"',
        '"\'-x"',
        '"\'@x"',
        '"\'\tx"',
        '"fine"',
    ]
    # Numbers are no formulas.
    assert [line.split(",")[0] for line in lines[11:15]] == ['"-1"', '"+2.5"', '"\'-1+1"', "\"'-1"]


# ---------------------------------------------------------------- values


def test_dates_at_the_ends_of_time(here, run):
    days = [datetime(1, 1, 1), datetime(9999, 12, 31), datetime(1492, 10, 12), datetime(2020, 2, 29), None] * 6
    parquet("d.parquet", day=pa.array(days, pa.timestamp("us")), x=numbers(30))
    run.done("pretrain", "d.parquet", *OUT, *run.small)
    assert np.isfinite(embedded(run, "d.parquet")).all()
    write("d.csv", "day,x\n9999-12-31,1.5\n,2\n")
    assert embedded(run, "d.csv").shape == (2, 8)


def test_booleans_with_gaps_and_columns_empty_at_embed(here, run):
    table = {
        "b": pa.array([True, False, None] * 10),
        "d": pa.array([datetime(2020, 1, 1 + n % 9) for n in range(30)]),
        "w": ["x", "y", "z"] * 10,
        "x": numbers(30),
    }
    parquet("b.parquet", **table)
    run.done("pretrain", "b.parquet", *OUT, *run.small)
    parquet("none.parquet", **{name: pa.nulls(4, pa.array(values).type) for name, values in table.items()})
    parquet("null.parquet", **{name: pa.nulls(4) for name in table})
    assert np.array_equal(embedded(run, "none.parquet"), embedded(run, "null.parquet"))


def test_a_nearly_constant_column_is_not_called_constant_without_saying_why(here, run):
    parquet("c.parquet", big=[1e15 + n % 3 for n in range(30)], x=numbers(30))
    run.done("pretrain", "c.parquet", *OUT, *run.small).says("'big' is left out: constant up to rounding (1e+15)")


def test_wide_tables_take_no_square_of_their_width(here, run):
    values = np.random.default_rng(0).normal(size=(30, 3000)).round(2)
    wide = {f"c{n}": values[:, n] for n in range(3000)}
    parquet("wide.parquet", **wide, y=["a", "b"] * 15)
    run.done("pretrain", "wide.parquet", *OUT, "--target", "y", *run.small)
    began = os.times().user
    run.done("embed", "run", "wide.parquet", "--out", "z.npy")
    run.done("evaluate", "run", "wide.parquet", "--target", "y", "--seeds", "1", "--labels-per-class", "", *run.quick)
    assert os.times().user - began < 60  # it took minutes


def test_representations_that_overflow_are_refused_by_row(finished, run, t):
    tensors = {
        name: tensor * np.float32(1e30) if tensor.ndim == 2 else tensor
        for name, tensor in load_file("run/model.safetensors").items()
    }
    content = save(tensors)
    write("run/model.safetensors", content)
    config = json.loads(Path("run/config.json").read_text())
    write("run/config.json", json.dumps({**config, "sha256": hashlib.sha256(content).hexdigest()}))
    write("far.csv", t.text(t.column(t.people(20), "age", lambda n: "1e30" if n == 6 else "40")))
    run.refused("embed", "run", "far.csv", "--out", "z.npy").says("row 7", "not finite")


def test_weights_that_overflow_at_the_last_step_are_not_saved(finished, run):
    steep = ("train.optimizer=sgd", "train.lr=1e15", "train.warmup_epochs=0.0", "method.temperature=1e-30")
    options = [option for setting in steep for option in ("--set", setting)]
    result = run.call("pretrain", "people.csv", "--out", "new", *run.small, *options)
    assert result.code == 3, result
    assert len(result.lines) == 1
    result.says("not finite after step 1", "train.lr")
    assert not Path("new/DONE").exists()
    assert not list(Path("new").rglob("*.safetensors"))


# ---------------------------------------------------------------- further rows for the columns' statistics


def test_transductive_rows_need_no_target_and_may_be_empty_or_whole(finished, run, t):
    rows = t.column(t.people(20), "y", None)
    for name, table in {
        "unlabelled": rows,
        "whole": t.column(rows, "age", lambda n: str(n % 9)),
        "empty": t.column(t.column(rows, "age", lambda n: ""), "since", lambda n: ""),
    }.items():
        write("also.csv", t.text(table))
        run.done("pretrain", "people.csv", "--out", name, "--target", "y", "--transductive", "also.csv", *run.small)
        assert json.loads(Path(name, "spec.json").read_text())["rows"] == 80


def test_transductive_rows_of_another_table_are_refused(finished, run, t):
    ask = ("pretrain", "people.csv", "--out", "new", "--target", "y", "--transductive", "also.csv")
    write("also.csv", t.text(t.column(t.people(20), "age", None)))
    run.refused(*ask).says("--transductive", "there is no column 'age'")
    write("also.csv", t.text(t.column(t.people(20), "age", lambda n: "old")))
    run.refused(*ask).says("--transductive", "column 'age' is text there and a number in DATA")


# ---------------------------------------------------------------- targets


def ask(run, t, values, *more: object):
    write("asked.csv", t.text(t.column(t.people(60), "y", values)))
    return ("evaluate", "run", "asked.csv", "--target", "y", "--seeds", "1", "--json", *run.quick, *more)


def score(result) -> dict[str, object]:
    return json.loads(result.out)


@pytest.mark.parametrize(
    ("values", "metric"),
    [
        (lambda n: ["true", "false"][n % 2], "auroc"),
        (lambda n: f"2020-01-0{n % 3 + 1}", "balanced_accuracy"),
        (lambda n: f"{n % 3}.0", "balanced_accuracy"),
        (lambda n: f"{1234567 + n % 2}.0", "auroc"),
        (lambda n: ["\u65e5\u672c", "\U0001f600"][n % 2], "auroc"),
        (lambda n: f"{n * n % 17}.5", "r2"),
        (lambda n: f"{n * 1000}", "r2"),
        (lambda n: "rare" if n == 3 else "ab"[n % 2], "balanced_accuracy"),
    ],
    ids=[
        "booleans",
        "dates",
        "whole floats",
        "long floats",
        "unicode",
        "quantities",
        "whole quantities",
        "a rare class",
    ],
)
def test_targets_of_every_kind(finished, run, t, values, metric):
    assert score(run.done(*ask(run, t, values)))["metric"] == metric


def test_long_float_classes_stay_apart(finished, run, t):
    both = ask(run, t, lambda n: f"{1234567 + n % 2}.0", "--test", "test.csv")
    write("test.csv", t.text(t.column(t.people(20), "y", lambda n: f"{1234569 - n % 2}")))
    run.refused(*both).says("test.csv", "class '1234569'", "did you mean '123456")


def test_dates_are_told_to_be_dates(finished, run, t):
    days = ask(run, t, lambda n: f"2020-{n // 28 + 1:02d}-{n % 28 + 1:02d}")
    run.refused(*days).says("60 classes in 60 rows", "write a numeric target as numbers")
    run.refused(*days, "--task", "regression").says("'y' is a date, not a number", "write it as a number")


def test_a_class_that_only_the_test_part_has(finished, run, t):
    write("few.csv", t.text(t.column(t.people(10), "y", lambda n: "b" if n == 9 else "a")))
    ask = ("evaluate", "run", "few.csv", "--target", "y", *run.quick)
    codes = {run.call(*ask, "--seeds", seeds).code for seeds in range(1, 9)}
    assert codes <= {0, 2}
    run.refused("evaluate", "run", "few.csv", "--target", "y", "--seeds", "8").says(
        "one class only in the training split"
    )


def test_test_parts_without_a_score(finished, run, t):
    for values, rows, words in (
        (lambda n: f"{n}.5", 20, "one value only (7.5) in the test split"),
        (lambda n: "ab"[n % 2], 1, "the test split has 1 row; give at least 2"),
    ):
        both = ask(run, t, values, "--test", "test.csv")
        write("test.csv", t.text(t.column(t.people(rows), "y", lambda n, values=values: values(7))))
        run.refused(*both).says(words)


def test_test_targets_of_another_kind_or_infinite(finished, run, t):
    both = ask(run, t, lambda n: f"{n}.5", "--test", "test.csv")
    for value, words in (("inf", "infinite"), ("true", "is true or false here"), ("2020-01-01", "is a date here")):
        write("test.csv", t.text(t.column(t.people(20), "y", lambda n, value=value: value)))
        run.refused(*both).says("test.csv", "'y'", words)


def test_boosting_takes_a_class_of_one_row_among_many():
    from contramix.evaluation.baselines.boosting import boosting
    from contramix.evaluation.problem import PredictionProblem
    from contramix.models.task import Task

    z = np.random.default_rng(0).normal(size=(10_100, 2)).astype(np.float32)
    y = (z[:, 0] > 0).astype(np.int64)
    y[0] = 2
    rows = np.arange(len(y))
    guessed = boosting(PredictionProblem(Task("classification", "y", ("a", "b", "c")), rows, y, rows[:100]), z)
    assert (guessed.value == y[:100]).mean() > 0.9


# ---------------------------------------------------------------- artefacts


DAMAGE = {
    "empty": b"",
    "list": b"[]",
    "null": b"null",
    "object": b"{}",
    "text": b'"x"',
    "zeros": bytes(100),
    "not UTF-8": bytes(range(128, 256)) + b"\n",
}


@pytest.mark.parametrize(
    "file", ["run.json", "log.jsonl", "owner.json", "spec.json", "recipe.toml", "config.json", "DONE"]
)
def test_files_of_a_run_that_are_anything(finished, run, file):
    for content in DAMAGE.values():
        write(f"run/{file}", content)
        for command in (
            ("pretrain", "people.csv", *OUT, "--target", "y", "--set", "train.batch_size=20", *run.small),
            ("info", "run"),
        ):
            result = run.call(*command)
            assert result.code in (0, 2), result
            assert len(result.lines) == (result.code == 2), result
