"""Check shapes in every test run; provide a small table of all kinds of columns, and the command line."""

import io
import math
import os
import random
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import jaxtyping
import numpy as np
import pyarrow as pa
import pytest
import torch

# Before anything imports contramix: each annotated shape is checked at each call.
jaxtyping.install_import_hook("contramix", "beartype.beartype")
torch.set_num_threads(1)

WORDS = pa.large_string()


def pytest_make_parametrize_id(val, argname):
    """Name bytes by their length: archives may hold the time, and two workers must collect the same names."""
    return f"{argname}-{len(val)}" if isinstance(val, bytes) else None


def _mixed_table(rows: int = 48) -> pa.Table:
    """Make a table of numbers, dates, booleans (three of them one-hot) and text with few and with many categories.

    Some columns have missing values. The columns are in another order than in the specification.
    """
    color = [n * 7 % 3 for n in range(rows)]
    day = datetime(2021, 1, 30, 23, 15)
    return pa.table(
        {
            "town": pa.array([None if n % 6 == 5 else "abc"[n * 5 % 3] for n in range(rows)], WORDS),
            "income": [math.sin(n) * 3.0 - 1.0 for n in range(rows)],
            "member": [n % 5 < 2 for n in range(rows)],
            "shop": pa.array([None if n % 7 == 3 else f"shop {n % 8}" for n in range(rows)], WORDS),
            "red": [int(c == 0) for c in color],
            "green": [int(c == 1) for c in color],
            "blue": [int(c == 2) for c in color],
            "since": pa.array(
                [None if n % 9 == 4 else day + timedelta(days=11 * n, hours=5 * n) for n in range(rows)],
                pa.timestamp("us"),
            ),
            "age": [None if n % 4 == 2 else 20.0 + n * n % 53 for n in range(rows)],
            "insured": [None if n % 8 == 6 else n % 3 == 0 for n in range(rows)],
        }
    )


# The input elements of each unit of the table above, worked out by hand. Flags of missing values come last.
UNITS = {
    "income": [0],
    "age": [1, 2],
    "since": [3, 4, 5, 6, 7, 8, 9, 10],
    "member": [11],
    "color": [12, 13, 14],
    "insured": [15, 16],
    "town": [17, 18, 19, 20],
    "shop": [21],
}
FLAGS = {"age": 2, "since": 10, "insured": 16, "town": 20}
AVERAGED = ("income", "age", "since")
SHOP_MISSING = 1.0


class Facts:
    """Hold facts about the mixed table's rows that were worked out by hand."""

    units = UNITS
    flags = FLAGS
    averaged = AVERAGED
    width = 22

    @staticmethod
    def missing(row: torch.Tensor, unit: str) -> bool:
        """Return whether a row has no value in a unit."""
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
    """Compute the cross-entropy with soft labels as a sum of Python floats."""
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
    """Compute || q - sum_m w_m k_m ||^2 for a target of unit length: 2 - 2 sum_m w_m s(q, k_m)."""
    total = 0.0
    for i, qi in enumerate(query.tolist()):
        similar = 0.0
        for n, w in zip(index[i].tolist(), weight[i].tolist()):
            similar += w * sum(x * y for x, y in zip(qi, key[n].tolist()))
        total += 2 - 2 * similar
    return total / len(query)


class Loops:
    """Collect the losses as literal loops over Python floats."""

    info_nce = staticmethod(_info_nce)
    regression = staticmethod(_regression)


@pytest.fixture(scope="session")
def loops() -> type[Loops]:
    return Loops


@pytest.fixture(scope="session")
def rows_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a CSV file of 64 rows: three numbers, a category, and two classes ``y``; tests must not change it."""
    path = tmp_path_factory.mktemp("data") / "rows.csv"
    rng = np.random.default_rng(0)
    lines = ["a,b,c,colour,y"]
    for n in range(64):
        a, b, c = rng.normal(size=3)
        lines.append(f"{a},{b},{c},{['red', 'green', 'blue'][n % 3]},{n % 2}")
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


# The command line, called in this process with the arguments of a user.

QUICK = ("--probes", "linear,knn", "--baselines", "raw,untrained", "--draws", "2")
"""Options of an evaluation that trains nothing."""
SMALL = ("--epochs", "1", "--set", "encoder.depth=1", "--set", "encoder.width=8")


@dataclass(frozen=True)
class Result:
    """Hold the exit code and the output of a command."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """Return the lines of stderr except notes and warnings."""
        return [line for line in self.err.splitlines() if not line.startswith(("note: ", "warning: "))]

    def says(self, *words: str) -> "Result":
        """Assert that stderr contains each of these words."""
        for word in words:
            assert word in self.err, f"{word!r} not in {self.err!r}"
        return self


def call(*arguments: object) -> Result:
    """Run a command in this process."""
    from contramix.cli import main

    if arguments and arguments[0] in ("evaluate", "compare") and "--draws" not in arguments:
        arguments += ("--draws", "2")  # the default of 20 takes ten times as long
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings(), pytest.raises(SystemExit) as end:
        main([str(a) for a in arguments])
    return Result(int(end.value.code or 0), out.getvalue(), err.getvalue())


def done(*arguments: object) -> Result:
    """Run a command, and assert that it succeeds."""
    result = call(*arguments)
    assert result.code == 0, result.err
    assert not result.lines, result.err
    return result


def failed(code: int, *arguments: object) -> Result:
    """Run a command, and assert that it fails with one line and writes nothing to the current folder."""
    before = tree()
    result = call(*arguments)
    assert result.code == code, result
    assert len(result.lines) == 1, result.err
    assert result.lines[0].startswith("error: ")
    assert len(result.lines[0]) > len("error: ")
    assert "Traceback" not in result.err
    assert result.out == ""
    assert tree() == before
    return result


def refused(*arguments: object) -> Result:
    """Run a command, and assert that it fails with exit code 2 and one line, and writes nothing."""
    return failed(2, *arguments)


def tree() -> dict[str, bytes]:
    """Return the contents of all files in the current folder by path, except the empty lock file."""
    return {
        str(path): b"" if path.is_dir() else path.read_bytes()
        for path in sorted(Path().rglob("*"))
        if path.name != ".lock" and (path.is_dir() or path.is_file())
    }


def process(*arguments: str | bytes, **how: object) -> subprocess.CompletedProcess:
    """Run a command in a subprocess."""
    line = [sys.executable, "-m", "contramix.cli", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **how.pop("env", {})}
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | how
    return subprocess.run(line, env=environment, timeout=120, check=False, **how)


def people(rows: int = 60, seed: int = 0) -> list[list[str]]:
    """Make the rows of a table with a header: a number, a word, a date, a boolean and a label."""
    draw = random.Random(seed)
    table = [["age", "job", "since", "member", "y"]]
    for _ in range(rows):
        table.append(
            [
                f"{draw.gauss(40, 9):.2f}",
                draw.choice(["clerk", "nurse", "cook"]),
                f"202{draw.randrange(4)}-0{draw.randrange(1, 9)}-1{draw.randrange(9)}",
                draw.choice(["true", "false"]),
                draw.choice(["yes", "no"]),
            ]
        )
    return table


def text(table: list[list[str]], delimiter: str = ",") -> str:
    """Convert rows to the text of a CSV file."""
    return "".join(delimiter.join(row) + "\n" for row in table)


def column(table: list[list[str]], name: str, values: Callable[[int], str] | None) -> list[list[str]]:
    """Replace the cells of a column, add the column, or (if ``values`` is None) remove it."""
    names = table[0]
    at = names.index(name) if name in names else len(names)
    if values is None:
        return [row[:at] + row[at + 1 :] for row in table]
    return [[*row[:at], name if n == 0 else values(n - 1), *row[at + 1 :]] for n, row in enumerate(table)]


class Commands:
    """Collect the ways to run a command."""

    small = SMALL
    quick = QUICK
    call = staticmethod(call)
    done = staticmethod(done)
    failed = staticmethod(failed)
    refused = staticmethod(refused)
    process = staticmethod(process)
    tree = staticmethod(tree)


class Tables:
    """Collect the ways to make a CSV file."""

    people = staticmethod(people)
    text = staticmethod(text)
    column = staticmethod(column)


@pytest.fixture(scope="session")
def run() -> type[Commands]:
    return Commands


@pytest.fixture(scope="session")
def t() -> type[Tables]:
    return Tables


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with people.csv and a finished run, ``run``; tests must not change it."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "people.csv").write_text(text(people()))
    arguments = ("--target", "y", "--set", "train.batch_size=20", "--checkpoint-seconds", "0", *SMALL)
    done("pretrain", folder / "people.csv", "--out", folder / "run", *arguments)
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty folder and return it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def finished(here: Path, trained: Path) -> Path:
    """Change to a folder with people.csv and a copy of the finished run, ``run``, and return it."""
    shutil.copytree(trained, here, dirs_exist_ok=True)
    return here
