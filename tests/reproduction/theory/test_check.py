"""Test that a check is judged by its worst measurement."""

import math

import pytest

from contramix.reproduction.theory import Check


@pytest.mark.parametrize(
    ("measured", "relation", "bound", "expected", "ok"),
    [
        ([1.0, 3.0], "<=", 2.0, "holds", False),
        ([1.0, 2.0], "<=", 2.0, "holds", True),
        ([1.0, 3.0], ">=", 2.0, "holds", False),
        ([1.0, 3.0], "<=", 2.0, "fails", False),
        ([2.5, 3.0], "<=", 2.0, "fails", True),
        ([1.0, 3.0], ">=", 2.0, "fails", False),
        ([1.0, math.nan], "<=", 2.0, "holds", False),
        ([3.0, math.nan], "<=", 2.0, "fails", False),
    ],
)
def test_a_check_is_judged_by_its_worst_setting(measured, relation, bound, expected, ok):
    assert Check.from_measurements("", "", "", measured, relation, bound, expected).ok is ok
