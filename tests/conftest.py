"""Shapes are checked in every test run, and all tests see one small mixed table."""

import math
from datetime import datetime, timedelta

import jaxtyping
import pyarrow as pa
import pytest
import torch

# Before anything imports contramix: each annotated shape is checked at each call.
jaxtyping.install_import_hook("contramix", "beartype.beartype")
torch.set_num_threads(1)

WORDS = pa.large_string()


def pytest_make_parametrize_id(val, argname):
    """Bytes are named by their length: what is packed may hold a clock, and two workers must collect the same names."""
    return f"{argname}-{len(val)}" if isinstance(val, bytes) else None


def _mixed_table(rows: int = 48) -> pa.Table:
    """Numbers with and without gaps, dates, booleans (three of them one-hot), text of few and of many levels.

    Its columns stand in another order than the specification's.
    """
    colour = [n * 7 % 3 for n in range(rows)]
    day = datetime(2021, 1, 30, 23, 15)
    return pa.table(
        {
            "town": pa.array([None if n % 6 == 5 else "abc"[n * 5 % 3] for n in range(rows)], WORDS),
            "income": [math.sin(n) * 3.0 - 1.0 for n in range(rows)],
            "member": [n % 5 < 2 for n in range(rows)],
            "shop": pa.array([None if n % 7 == 3 else f"shop {n % 8}" for n in range(rows)], WORDS),
            "red": [int(c == 0) for c in colour],
            "green": [int(c == 1) for c in colour],
            "blue": [int(c == 2) for c in colour],
            "since": pa.array(
                [None if n % 9 == 4 else day + timedelta(days=11 * n, hours=5 * n) for n in range(rows)],
                pa.timestamp("us"),
            ),
            "age": [None if n % 4 == 2 else 20.0 + n * n % 53 for n in range(rows)],
            "insured": [None if n % 8 == 6 else n % 3 == 0 for n in range(rows)],
        }
    )


# What the table above becomes, worked out by hand: unit -> its elements. Flags («missing») come last.
UNITS = {
    "income": [0],
    "age": [1, 2],
    "since": [3, 4, 5, 6, 7, 8, 9, 10],
    "member": [11],
    "colour": [12, 13, 14],
    "insured": [15, 16],
    "town": [17, 18, 19, 20],
    "shop": [21],
}
FLAGS = {"age": 2, "since": 10, "insured": 16, "town": 20}
AVERAGED = ("income", "age", "since")
SHOP_MISSING = 1.0


class Facts:
    """What is known by hand of the mixed table's rows."""

    units = UNITS
    flags = FLAGS
    averaged = AVERAGED
    width = 22

    @staticmethod
    def missing(row: torch.Tensor, unit: str) -> bool:
        """Whether a row has no value in a unit."""
        return bool(row[21] == SHOP_MISSING) if unit == "shop" else unit in FLAGS and bool(row[FLAGS[unit]] > 0.5)


@pytest.fixture
def mixed_table() -> pa.Table:
    return _mixed_table()


@pytest.fixture(scope="session")
def facts() -> type[Facts]:
    return Facts


@pytest.fixture(scope="session")
def mixed_spec():
    from contramix.domains.table.settings import TableSettings
    from contramix.domains.table.spec import TableSpec

    return TableSpec.learn(_mixed_table(), TableSettings(onehot_levels=4))[0]


@pytest.fixture
def mixed_rows(mixed_spec) -> torch.Tensor:
    return mixed_spec.tensorize(_mixed_table())


@pytest.fixture(scope="session")
def mixed_layout(mixed_spec):
    return mixed_spec.layout()


def _info_nce(query, key, index, weight, tau, queue=(), exclude=None) -> float:
    """Cross-entropy with soft labels, as a sum over numbers: no tensor is touched but to read it."""
    q, k = [row.tolist() for row in query], [row.tolist() for row in key]
    mu = [row.tolist() for row in queue]

    def s(a, b):
        return sum(x * y for x, y in zip(a, b)) / tau

    total = 0.0
    for i, qi in enumerate(q):
        out = set() if exclude is None else set(exclude[i].tolist())
        denominator = sum(math.exp(s(qi, kn)) for n, kn in enumerate(k) if n not in out)
        denominator += sum(math.exp(s(qi, m)) for m in mu)
        for n, w in zip(index[i].tolist(), weight[i].tolist()):
            total -= w * (s(qi, k[n]) - math.log(denominator))
    return total / len(q)


def _regression(query, key, index, weight) -> float:
    """|| q - sum_m w_m k_m ||^2 without the target's own length: 2 - 2 sum_m w_m s(q, k_m)."""
    total = 0.0
    for i, qi in enumerate(query.tolist()):
        similar = 0.0
        for n, w in zip(index[i].tolist(), weight[i].tolist()):
            similar += w * sum(x * y for x, y in zip(qi, key[n].tolist()))
        total += 2 - 2 * similar
    return total / len(query)


class Loops:
    """The losses as literal loops over Python floats."""

    info_nce = staticmethod(_info_nce)
    regression = staticmethod(_regression)


@pytest.fixture(scope="session")
def loops() -> type[Loops]:
    return Loops


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
