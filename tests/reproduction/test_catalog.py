"""Test that suites are found by name or path."""

import pytest

from contramix.errors import InputError
from contramix.reproduction.catalog import shipped, suite_paths, summaries
from contramix.reproduction.suite import Suite

SUITES = {name: Suite.load(path) for name, path in shipped().items()}


def test_each_published_table_has_its_suite():
    papers = {f"imix-table{n}" for n in (1, 2, 3)} | {f"dacl-table{n}" for n in (1, 2, 3, 4)}
    assert set(SUITES) == {*papers, "slides-covtype", "real-tables"}
    listed = summaries()["imix-table3"]
    assert listed["title"] == SUITES["imix-table3"].title
    assert listed["data"]["speech"] == ["smoke", "cpu", "paper"]
    assert list(listed["data"]) == [block.label for block in SUITES["imix-table3"].data]
    assert suite_paths("all").keys() == SUITES.keys()


def test_unknown_suites_are_named():
    with pytest.raises(InputError, match="did you mean 'imix-table1'"):
        suite_paths("imix-tabel1")
    with pytest.raises(InputError, match="no such suite file"):
        suite_paths("mine.toml")
