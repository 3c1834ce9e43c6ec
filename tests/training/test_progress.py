"""Test which messages reach standard error, on a terminal and elsewhere."""

import io
import sys

import pytest
import torch

from contramix.runtime import terminal
from contramix.training.loop import Plan, Step
from contramix.training.progress import ConsoleReporter
from contramix.training.reporter import SILENT, StepsOnly

PLAN = Plan(batch_size=2, steps_per_epoch=3, epochs=1)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def steps():
    return (Step(number, 0, torch.tensor(0.5), 0.1) for number in (1, 2, 3))


def test_a_silent_reporter_prints_nothing_and_passes_steps_on(capsys):
    SILENT.note("a")
    SILENT.progress("b")
    assert [step.step for step in SILENT.steps("t", PLAN, 0, steps())] == [1, 2, 3]
    assert capsys.readouterr() == ("", "")


def test_a_quiet_reporter_prints_nothing(capsys, monkeypatch):
    monkeypatch.setattr("contramix.training.progress.LINE_SECONDS", 0)
    reporter = ConsoleReporter(quiet=True)
    reporter.note("a")
    reporter.progress("b")
    assert [step.step for step in reporter.steps("t", PLAN, 0, steps())] == [1, 2, 3]
    assert capsys.readouterr() == ("", "")


def test_elsewhere_than_on_a_terminal_lines_are_rare_and_safe(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    reporter = ConsoleReporter(prefix="suite: ", progress_lines=True)
    silent = ConsoleReporter()
    for seconds, text in ((1, "one"), (15, "two\x1b"), (20, "three")):
        now[0] = 100.0 + seconds
        reporter.progress(text)
        silent.progress(text)
    reporter.note("left out")
    assert capsys.readouterr().err == "suite: two?\nnote: left out\n"


def test_on_a_terminal_each_progress_text_replaces_the_one_before(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    reporter = ConsoleReporter()
    reporter.progress("one")
    reporter.progress("two")
    reporter.note("left out")
    assert sys.stderr.getvalue() == "\r\033[2Kone\r\033[2Ktwo\r\033[2Knote: left out\n"


@pytest.mark.parametrize("seconds", [1, 20])
def test_steps_print_a_line_now_and_then_under_the_title(capsys, monkeypatch, seconds):
    now = [0.0]

    def clock():
        now[0] += seconds
        return now[0]

    monkeypatch.setattr("time.monotonic", clock)
    reporter = StepsOnly(ConsoleReporter(), "run 1")
    reporter.note("ignored")
    assert [step.step for step in reporter.steps("npair", PLAN, 0, steps())] == [1, 2, 3]
    shown = capsys.readouterr().err
    assert ("run 1: step 2 of 3, epoch 1/1, loss 0.500" in shown) == (seconds > terminal.seconds_between_updates())
    assert "npair" not in shown
    assert "ignored" not in shown
