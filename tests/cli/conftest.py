"""The command, called in this process as a user would call it, and a finished run of a small table."""

import io
import os
import random
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from contramix import cli

QUICK = ("--probes", "linear,knn", "--baselines", "raw,untrained,boosting")
"""An evaluation that trains nothing."""
SMALL = ("--epochs", "1", "--set", "encoder.depth=1", "--set", "encoder.width=8")


@dataclass(frozen=True)
class Result:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What was said on stderr besides notes and warnings."""
        return [line for line in self.err.splitlines() if not line.startswith(("note: ", "warning: "))]

    def says(self, *words: str) -> "Result":
        """Assert that stderr holds each of these."""
        for word in words:
            assert word in self.err, f"{word!r} not in {self.err!r}"
        return self


def call(*arguments: object) -> Result:
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings(), pytest.raises(SystemExit) as end:
        cli.main([str(a) for a in arguments])
    return Result(int(end.value.code or 0), out.getvalue(), err.getvalue())


def done(*arguments: object) -> Result:
    """Run a command that must succeed."""
    result = call(*arguments)
    assert result.code == 0, result.err
    assert not result.lines, result.err
    return result


def failed(code: int, *arguments: object) -> Result:
    """Run a command that must fail with one line, and must not write anything here."""
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
    """Run a command that must be refused: exit 2, one line, nothing written."""
    return failed(2, *arguments)


def tree() -> dict[str, bytes]:
    """All files below the current folder and what is in them; the empty lock file aside."""
    return {
        str(path): b"" if path.is_dir() else path.read_bytes()
        for path in sorted(Path().rglob("*"))
        if path.name != ".lock" and (path.is_dir() or path.is_file())
    }


def process(*arguments: str | bytes, **how: object) -> subprocess.CompletedProcess:
    """Run a command as a process of its own."""
    line = [sys.executable, "-m", "contramix.cli", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **how.pop("env", {})}
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | how
    return subprocess.run(line, env=environment, timeout=120, check=False, **how)


def people(rows: int = 60, seed: int = 0) -> list[list[str]]:
    """A table with a header: a number, a word, a date, a boolean, and a label."""
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
    """Rows as a CSV file."""
    return "".join(delimiter.join(row) + "\n" for row in table)


def column(table: list[list[str]], name: str, values: Callable[[int], str] | None) -> list[list[str]]:
    """The table with a column's cells replaced, the column added, or (None) left out."""
    names = table[0]
    at = names.index(name) if name in names else len(names)
    if values is None:
        return [row[:at] + row[at + 1 :] for row in table]
    return [[*row[:at], name if n == 0 else values(n - 1), *row[at + 1 :]] for n, row in enumerate(table)]


class Commands:
    """Ways to run a command."""

    small = SMALL
    quick = QUICK
    call = staticmethod(call)
    done = staticmethod(done)
    failed = staticmethod(failed)
    refused = staticmethod(refused)
    process = staticmethod(process)
    tree = staticmethod(tree)


class Tables:
    """Ways to make a CSV file."""

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
    """A finished run; not to be changed."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "people.csv").write_text(text(people()))
    arguments = ("--target", "y", "--set", "train.batch_size=20", "--checkpoint-seconds", "0", *SMALL)
    done("pretrain", folder / "people.csv", "--out", folder / "run", *arguments)
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def finished(here: Path, trained: Path) -> Path:
    """A current folder with people.csv and a copy of the finished run, ``run``."""
    shutil.copytree(trained, here, dirs_exist_ok=True)
    return here
