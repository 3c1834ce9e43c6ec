"""Test the task that is inferred from a target column."""

import pyarrow as pa
import pytest

from contramix.errors import InputError
from contramix.models.task import find_task


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a", "b", "a", "b"], "classification"),
        ([True, False, True, True], "classification"),
        ([1, 2, 1, 2], "classification"),
        ([1.0, 2.0, 1.0, 2.0], "classification"),
        ([1.5, 2.0, 1.0, 2.0], "regression"),
        (list(range(200)), "regression"),
    ],
)
def test_task_is_found_from_the_values(values, kind):
    assert find_task("y", pa.array(values), "file").kind == kind


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["a", None, "b"], "missing in 1 of 3 rows .*row 2"),
        (["a", "a"], "one class only"),
        (["a", "b", "c"], "identifier"),
        ([1.5, float("inf"), 2.0], "row 2: infinite"),
        ([0.5, 0.5, 0.5], "one value only"),
    ],
)
def test_targets_that_cannot_be_predicted(values, told):
    with pytest.raises(InputError, match=told):
        find_task("y", pa.array(values, pa.large_string() if isinstance(values[0], str) else None), "file")


def test_class_that_only_test_rows_have():
    task = find_task("y", pa.array(["<=50K", ">50K"] * 4, pa.large_string()), "train")
    assert task.encode(pa.array([">50K", "<=50K"], pa.large_string()), "test").tolist() == [1, 0]
    with pytest.raises(InputError, match=r"'<=50K\.'.*did you mean '<=50K'"):
        task.encode(pa.array(["<=50K."], pa.large_string()), "test")
