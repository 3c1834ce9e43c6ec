"""Test the verdicts on claims."""

import numpy as np
import pytest
from scipy import stats

from contramix.reproduction.claims import gain, judge
from contramix.reproduction.suite import Block

ROWS = [
    {"name": "high", "each": [0.80, 0.82, 0.81]},
    {"name": "low", "each": [0.70, 0.73, 0.70]},
    {"name": "wild", "each": [0.50, 0.99, 0.98]},
]


@pytest.mark.parametrize(
    ("above", "below", "verdict"),
    [
        ("high", "low", "holds"),
        ("low", "high", "does not hold, the reverse does"),
        ("wild", "high", "holds in direction"),
        ("high", "wild", "does not hold, undecided"),
    ],
)
def test_a_verdict_is_on_paired_differences(above, below, verdict):
    found = gain(ROWS, above, below)
    assert found.verdict == verdict
    each = {row["name"]: np.array(row["each"]) for row in ROWS}
    test = stats.ttest_rel(100 * each[above], 100 * each[below]).confidence_interval()
    assert np.allclose(found.interval, (test.low, test.high))


def test_of_one_seed_only_the_direction_is_known():
    rows = [{"name": "a", "each": [0.6]}, {"name": "b", "each": [0.4]}]
    assert gain(rows, "a", "b").verdict == "holds in direction"
    assert gain(rows, "b", "a").verdict == "does not hold, undecided"
    assert gain(rows, "a", "c") is None


def test_claims_on_rows_that_were_not_run_are_left_out():
    block = Block.model_validate(
        {
            "data": "covtype",
            "claims": [
                {"text": "one", "above": "high", "below": "low"},
                {"text": "two", "above": "high", "below": "untrained"},
            ],
            "rows": [{"name": "high", "recipe": "npair"}, {"name": "low", "recipe": "npair"}],
            "scales": {"cpu": {"note": "small"}},
        }
    )
    (one,) = judge(block, ROWS)
    assert (one["claim"], one["verdict"]) == ("one", "holds")
    assert one["gain"] == pytest.approx(10.0)
