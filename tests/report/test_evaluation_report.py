"""Test the validation of a comparison."""

import json

import pytest

from contramix.errors import InputError
from contramix.report.page import ReportData, render

BROKEN = {
    "no rows": lambda e: e.pop("rows"),
    "outcome": lambda e: e["verdict"].update(outcome="great"),
    "mean": lambda e: e["rows"][0].update(mean="high"),
    "interval": lambda e: e["rows"][0].update(interval=[1.0]),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_what_is_no_comparison_is_refused_by_name(pages, broken):
    evaluation = json.loads(json.dumps(pages.evaluation()))
    broken(evaluation)
    with pytest.raises(InputError, match=r"report\.json: not a comparison .* evaluate again"):
        render(ReportData("x", evaluation=evaluation))
