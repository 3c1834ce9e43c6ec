"""Test the comparison as JSON and as a table."""

import json

import numpy as np
from rich.console import Console

from contramix.evaluation.answers import compare_with_best_baseline, find_best
from contramix.evaluation.comparison import Evaluation
from contramix.evaluation.scoring import Score
from contramix.evaluation.summary import as_json, as_table
from contramix.evaluation.verdict import derive_verdicts
from contramix.models.labeled_records import LabelBudget
from contramix.models.task import Task


def evaluation():
    hits = np.array([1.0, 0.0, 1.0, 1.0])

    def score(name, kind, probe, labels, shift):
        rows = [np.roll(hits, seed) * shift for seed in range(2)]
        return Score(
            name,
            kind,
            probe,
            labels and LabelBudget(labels),
            rows,
            [np.arange(4)] * 2,
            [{"accuracy": 0.5, "auroc": 0.75}] * 2,
        )

    scores = [
        score("raw", "baseline", "linear", None, 0.8),
        score("raw", "baseline", "linear", 5, 0.4),
        score("trees", "baseline", "trees", None, 0.9),
        score("tfidf", "baseline", "tfidf", None, 0.7),
        score("imix", "pretrained", "linear", None, 1.0),
        score("imix", "pretrained", "linear", 5, 0.6),
    ]
    task = Task("classification", "y", ("a", "b"))
    answers = tuple(find_best(scores)), tuple(compare_with_best_baseline(scores, ["imix"], "linear"))
    verdicts = derive_verdicts(scores, ["imix"])
    return Evaluation(task, "accuracy", scores, verdicts, ("Try more.",), ("a note",), *answers)


def test_a_table_shows_what_has_no_probe_in_the_first_column():
    console = Console(width=200, record=True, quiet=True)
    table = as_table("title", evaluation())
    console.print(table)
    assert [str(column.header) for column in table.columns] == [
        "", "linear", "tfidf", "5 per class", "auroc", "seconds",
    ]  # fmt: skip
    rows = list(zip(*(column._cells for column in table.columns)))
    assert [row[0] for row in rows] == ["raw", "trees on raw features", "tfidf", "imix"]
    assert rows[1][1] == "67.5 ± 0.0"
    assert rows[1][2] == "-"
    assert rows[2][1:3] == ("-", "52.5 ± 0.0")
    assert rows[3][3] == "45.0 ± 0.0"


def test_json_has_a_row_for_each_score_and_the_best_verdict():
    found = json.loads(json.dumps(as_json("file", evaluation(), target="y")))
    assert [(row["name"], row["labels_per_class"]) for row in found["rows"]][-1] == ("imix", 5)
    assert found["rows"][0]["mean"] == 0.6
    assert found["rows"][0]["each"] == [0.6, 0.6]
    assert found["rows"][0]["spread"] == 0.0
    assert found.keys() == {
        "data", "metric", "rows", "verdict", "verdicts", "best", "against_best", "advice", "notes", "target",
    }  # fmt: skip
    assert [(b["labels_per_class"], b["name"], b["runner_up"]) for b in found["best"]] == [
        (None, "imix", "trees"),
        (5, "imix", "raw"),
    ]
    assert found["best"][0].keys() == {
        "labels_per_class", "labels", "name", "probe", "mean", "runner_up", "runner_up_probe", "difference", "interval",
        "clear",
    }  # fmt: skip
    assert [(a["labels_per_class"], a["baseline"]) for a in found["against_best"]] == [(None, "trees"), (5, "raw")]
    assert found["against_best"][0].keys() == {
        "recipe", "labels_per_class", "labels", "baseline", "baseline_probe", "difference", "interval", "outcome",
        "model", "baseline_mean",
    }  # fmt: skip
    assert found["verdict"] == found["verdicts"][0]
    assert (found["advice"], found["notes"], found["target"]) == (["Try more."], ["a note"], "y")
    assert evaluation().paragraphs()[-1] == "Next: Try more."
