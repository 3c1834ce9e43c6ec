"""Test the color scales of columns."""

import numpy as np
import pytest

from contramix.report.scales import MAX_CATEGORIES, MISSING_NUMBER, STEPS, choose_scale


def test_levels_are_counted_and_rare_ones_are_others():
    values = [f"v{n}" for n in range(40) for _ in range(40 - n)] + [None] * 3
    scale = choose_scale(values)
    assert scale.kind == "levels"
    assert scale.levels[:2] == ("v0", "v1")
    assert scale.levels[-2:] == ("21 others", "missing")
    assert scale.grey == 2
    assert len(scale.levels) == MAX_CATEGORIES + 1
    assert scale.counts == (*range(40, 21, -1), sum(range(1, 22)), 3)
    for value, code in zip(values, scale.codes):
        assert scale.levels[code] in (value or "missing", "21 others")


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([10, 2, 2, 1], ("1", "2", "10")),
        ([1.0, 0.0, None], ("0", "1", "missing")),
        ([True, False, True], ("no", "yes")),
        ([None, None], ("missing",)),
        (["1", "missing", None], ("1", "missing", "missing")),
    ],
)
def test_few_values_are_levels(values, levels):
    assert choose_scale(values).levels == levels


def test_many_numbers_run_continuously_and_outliers_do_not_squash_them():
    values = [float(n) for n in range(1000)] + [1e9, None]
    scale = choose_scale(values)
    assert scale.kind == "numbers"
    assert scale.clipped
    codes = scale.codes[:1000].astype(int)
    assert (np.diff(codes) >= 0).all()
    assert codes[0] == 0
    assert codes[500] == pytest.approx(STEPS / 2, abs=2)
    assert scale.codes[1000] == STEPS - 1
    assert scale.codes[1001] == MISSING_NUMBER
    assert scale.low == "10"


def test_numbers_that_are_nearly_all_alike_have_a_scale():
    scale = choose_scale([0.0] * 5000 + [float(n) for n in range(1, 25)])
    assert scale.kind == "numbers"
    assert not scale.clipped
    assert scale.codes[0] == 0
    assert scale.codes[-1] == STEPS - 1
