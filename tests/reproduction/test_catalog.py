"""Test that suites are found by name or path, and that synthetic data have the format of what they replace."""

import pytest

from contramix.errors import InputError
from contramix.reproduction.catalog import shipped, suite_paths, summaries
from contramix.reproduction.sources import SOURCES
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


@pytest.mark.parametrize("name", SOURCES)
def test_synthetic_data_has_splits_and_labels(name):
    if name == "covtype":
        pytest.skip("its synthetic data are the shipped rows")
    loaded = SOURCES[name].synthetic()
    for table in [loaded.train] if loaded.test is None else [loaded.train, loaded.test]:
        assert table.num_rows >= 60
        assert len(set(table.column(loaded.target).to_pylist())) >= 3
    if SOURCES[name].domain == "table":
        assert loaded.train.schema == loaded.test.schema
