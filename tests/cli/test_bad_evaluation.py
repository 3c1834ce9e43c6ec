"""Test targets, label budgets and test rows that evaluate refuses."""

from pathlib import Path

import pytest


def write(name: str, content: str | bytes) -> str:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return name


def labelled(t, values) -> str:
    return t.text(t.column(t.people(60), "y", values))


TARGETS = {
    "missing": (lambda n: "", ["target 'y' is missing in all rows"]),
    "infinite": (lambda n: "inf" if n == 3 else f"{n}.5", ["row 4", "infinite"]),
    "one class": (lambda n: "a", ["one class only ('a')"]),
    "one value": (lambda n: "1.5", ["one value only (1.5)"]),
    "an identifier": (lambda n: f"k{n}", ["60 classes in 60 rows", "identifier"]),
}


@pytest.mark.parametrize(("values", "words"), TARGETS.values(), ids=TARGETS)
def test_a_target_that_cannot_be_predicted(finished, run, t, values, words):
    write("bad.csv", labelled(t, values))
    run.refused("evaluate", "run", "bad.csv", "--target", "y").says("bad.csv", *words)


def test_targets_that_are_not_there_or_leak(finished, run):
    run.refused("evaluate", "run", "people.csv", "--target", "Y").says("people.csv", "'Y'", "did you mean 'y'")
    run.refused("evaluate", "run", "people.csv", "--target", "").says("''")
    run.refused("evaluate", "run", "people.csv").says("--target", "these data come without labels")
    run.refused("evaluate", "run", "people.csv", "--target", "job").says(
        "'job' was among the inputs", "pre-train again with --target job"
    )


@pytest.mark.parametrize("budgets", ["0", "-3", "a", "1.5", "5;20"])
def test_wrong_label_budgets(finished, run, budgets):
    run.refused("evaluate", "run", "people.csv", "--target", "y", "--labels-per-class", budgets).says(
        f"--labels-per-class {budgets}", "whole numbers"
    )


def test_wrong_options_of_evaluate(finished, run):
    ask = ("evaluate", "run", "people.csv", "--target", "y")
    run.refused(*ask, "--task", "guess").says("--task guess", "classification or regression")
    run.refused(*ask, "--task", "regression").says("'y' is text, not a number", "--task classification")
    run.refused(*ask, "--seeds", "0").says("--seeds")
    run.refused(*ask, "--test", "peple.csv").says("peple.csv: no such file", "people.csv")
    run.refused("evaluate", "nowhere", "people.csv", "--target", "y").says("nowhere")


def test_test_rows_that_do_not_fit(finished, run, t):
    ask = ("evaluate", "run", "people.csv", "--target", "y", "--test", "test.csv")
    write("test.csv", t.text(t.column(t.people(20), "y", lambda n: ["yes", "no", "yess"][n % 3])))
    run.refused(*ask).says("test.csv", "the class 'yess'", "did you mean 'yes'")
    write("test.csv", t.text(t.column(t.people(20), "y", None)))
    run.refused(*ask).says("test.csv", "there is no column 'y'")
    write("test.csv", t.text(t.column(t.people(20), "age", None)))
    run.refused(*ask).says("missing column 'age'")
