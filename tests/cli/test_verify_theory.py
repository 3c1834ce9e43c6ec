"""Test `contramix verify-theory`: its table, its JSON, and exit code 3 if a check fails."""

import json
import subprocess
import sys

import pytest

from contramix.reproduction import theory
from contramix.reproduction.theory import Check

RIGHT = Check.from_measurements("T 1", "small", "two numbers", [1.0, 2.0], "<=", 2.0)
MISPRINT = Check.from_measurements("T 1", "small as printed", "two numbers", [5.0], "<=", 2.0, "fails")
WRONG = Check.from_measurements("T 2", "order of remainder", "a network", [2.0], ">=", 2.8)


@pytest.fixture
def checked(monkeypatch):
    def having(*checks):
        monkeypatch.setattr(theory, "THEOREMS", {"Theorem 1": lambda seeds: iter(checks[:seeds])})

    return having


def test_json_is_one_object(run, checked):
    checked(RIGHT, MISPRINT, WRONG)
    told = json.loads(run.done("verify-theory", "--seeds", 2, "--json", "--quiet").out)
    assert told["ok"] is True
    assert [check["ok"] for check in told["checks"]] == [True, True]
    assert told["checks"][1] == {
        "theorem": "T 1",
        "statement": "small as printed",
        "setting": "two numbers",
        "expected": "fails",
        "measured": 5.0,
        "relation": "<=",
        "bound": 2.0,
        "ok": True,
    }


def test_a_table_for_people(run, checked):
    checked(RIGHT, MISPRINT)
    told = run.done("verify-theory", "--quiet")
    assert told.err == ""
    assert "holds, as it should" in told.out
    assert "fails, as it should" in told.out
    assert "2 checks, 2 as they should be." in told.out


@pytest.mark.parametrize("wrong", [WRONG, Check.from_measurements("T 1", "as printed", "", [1.0], "<=", 2.0, "fails")])
def test_what_should_not_be_ends_with_3_behind_the_table(run, checked, wrong):
    checked(RIGHT, wrong)
    ended = run.call("verify-theory", "--quiet")
    assert ended.code == 3
    assert ended.err.startswith("error: 1 of 2 checks did not come out as they should; the first: ")
    assert wrong.statement in ended.err
    assert len(ended.err.splitlines()) == 1
    assert "and should not" in ended.out
    told = run.call("verify-theory", "--json", "--quiet")
    assert told.code == 3
    assert json.loads(told.out)["ok"] is False


def test_what_is_not_a_number_is_valid_json(run, checked):
    checked(Check.from_measurements("T 1", "small", "", [float("nan")], "<=", 2.0))
    told = run.call("verify-theory", "--json", "--quiet")
    assert told.code == 3
    assert json.loads(told.out)["checks"][0]["measured"] is None


def test_progress_goes_to_stderr_and_help_needs_no_torch(run, checked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # what is refused must leave its folder as it was, and this one is small
    checked(RIGHT)
    assert "checking Theorem 1" in run.call("verify-theory").err
    lines = ["import sys", "from contramix.cli import main", "try: main(['verify-theory', '--help'])"]
    lines += ["except SystemExit: pass", "assert 'torch' not in sys.modules"]
    ended = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr
    run.refused("verify-theory", "--seeds", 0).says("--seeds")
