"""Test that synthetic data have the format of the data sets that they replace."""

import pytest

from contramix.reproduction.sources import SOURCES


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
