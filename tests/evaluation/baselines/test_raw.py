"""Test raw features, and their variants for one data domain."""

import numpy as np
import pyarrow as pa
from numpy.testing import assert_allclose

from contramix.domains.table.settings import TableSettings
from contramix.domains.table.spec import TableSpec
from contramix.evaluation.baselines.raw import with_quantiles
from contramix.io.tables.canonical import to_canonical
from contramix.predictors.feature_rows import raw_features


def messy(n=500):
    """Return a table with a heavy tail, ties, missing values, codes, a date, and categories."""
    rng = np.random.default_rng(1)
    income = np.exp(3 * rng.normal(size=n))
    return to_canonical(
        pa.table(
            {
                "kind": rng.choice(list("abc"), n),
                "code": rng.choice([f"c{i}" for i in range(60)], n),
                "income": pa.array(income, mask=rng.random(n) < 0.2),
                "day": pa.array(rng.integers(0, 10**15, n), pa.timestamp("us")),
                "visits": rng.poisson(1, n).astype(float) + 0.5,
                "owner": rng.random(n) < 0.5,
            }
        )
    )


def test_quantiles_are_those_of_the_setting_of_tables():
    table, rows = messy(), np.arange(400)
    spec, _ = TableSpec.learn(table.slice(0, 400), TableSettings())
    expected, _ = TableSpec.learn(table.slice(0, 400), TableSettings(numeric="quantile"))
    raw = raw_features(spec, spec.tensorize(table))
    got = with_quantiles(spec, raw, rows)
    assert_allclose(got, raw_features(expected, expected.tensorize(table)), atol=0.02)
    assert np.abs(got - raw).max() > 1, "the heavy tail was changed"


def test_quantiles_do_not_depend_on_test_rows():
    table = messy()
    spec, _ = TableSpec.learn(table, TableSettings())
    raw = raw_features(spec, spec.tensorize(table))
    changed = raw.copy()
    changed[400:] += 5
    rows = np.arange(400)
    assert (with_quantiles(spec, raw, rows)[:400] == with_quantiles(spec, changed, rows)[:400]).all()
