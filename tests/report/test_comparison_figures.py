"""Test the groups in which a comparison is drawn, and the validation of a comparison."""

import json

import pytest

from contramix.errors import InputError
from contramix.report.comparison_figures import groups, labels
from contramix.report.evaluation_report import parse_report
from contramix.report.page import ReportData, render

BROKEN = {
    "no rows": lambda e: e.pop("rows"),
    "outcome": lambda e: e["verdict"].update(outcome="great"),
    "mean": lambda e: e["rows"][0].update(mean="high"),
    "interval": lambda e: e["rows"][0].update(interval=[1.0]),
}


def test_groups_hold_the_probes_apart_and_trees_in_each(pages):
    found = groups(parse_report(pages.evaluation()).rows)
    assert [g.title for g in found] == [
        "All labels, linear probe",
        "All labels, nearest neighbors",
        "20 labels per class, linear probe",
    ]
    assert [[r.name for r in g.rows][:2] for g in found] == [["trees", "imix"], ["trees", "imix"], ["imix", "raw"]]
    assert found[0][2:] == found[1][2:]
    assert all(g.low < end < g.high for g in found for r in g.rows for end in r.interval or ())


def test_errors_are_sorted_lowest_first(pages):
    rows = parse_report(pages.evaluation() | {"metric": "rmse"}).rows
    assert [r.mean for r in groups(rows, errors=True)[2].rows] == sorted([0.437, 0.448, 0.4])


def test_who_is_there_twice_is_told_apart_by_the_probe(pages):
    rows = pages.evaluation()["rows"][:2]
    tuned = rows[1] | {"probe": "finetune", "mean": 0.7}
    group = groups(parse_report(pages.evaluation() | {"rows": [*rows, tuned]}).rows)[0]
    assert labels(group.rows) == ["imix (finetune)", "imix", "raw"]


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_what_is_no_comparison_is_refused_by_name(pages, broken):
    evaluation = json.loads(json.dumps(pages.evaluation()))
    broken(evaluation)
    with pytest.raises(InputError, match=r"report\.json: not a comparison .* evaluate again"):
        render(ReportData("x", evaluation=evaluation))
