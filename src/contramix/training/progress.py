"""Show progress on standard error: a progress bar on a terminal, occasional lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from contramix.runtime.terminal import Throttled, print_note, print_status, show_status
from contramix.training.loop import Plan, Step
from contramix.training.reporter import Reporter

REFRESH_SECONDS, LINE_SECONDS = 0.25, 15.0


class ConsoleReporter(Reporter):
    """Print notes, progress and training steps on standard error.

    On a terminal, the latest progress text is shown in a status line, and training steps in a progress bar. If standard
    error is not a terminal, training steps print a line every 15 seconds. Progress texts are then ignored, or, if
    ``progress_lines`` is true, printed as lines, at most one every 15 seconds.

    Parameters
    ----------
    quiet
        Print nothing.
    prefix
        Text to put before each progress text and each training's title.
    progress_lines
        Whether to print progress texts if standard error is not a terminal.
    """

    def __init__(self, quiet: bool = False, prefix: str = "", progress_lines: bool = False) -> None:
        self.quiet, self.prefix, self.progress_lines = quiet, prefix, progress_lines
        self._throttled = Throttled(print_status)

    def note(self, text: str) -> None:
        if not self.quiet:
            print_note(text)

    def progress(self, text: str) -> None:
        if self.quiet:
            return
        if sys.stderr.isatty():  # not throttled, because what a status line names may take long
            show_status(self.prefix + text)
        elif self.progress_lines:
            self._throttled(self.prefix + text)

    def steps(self, title: str, plan: Plan, start: int, steps: Iterator[Step]) -> Iterator[Step]:
        if self.quiet:
            return steps
        console = Console(stderr=True)
        return (_bar if console.is_terminal else _lines)(console, self.prefix + title, plan, start, steps)


def _bar(console: Console, title: str, plan: Plan, start: int, steps: Iterator[Step]) -> Iterator[Step]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=plan.steps, completed=start, state="")
        began = shown = time.monotonic()
        for step in steps:
            now = time.monotonic()
            if now - shown >= REFRESH_SECONDS or step.step == plan.steps:
                shown = now
                progress.update(task, completed=step.step, state=_state(step, plan, start, now - began))
            yield step


def _lines(console: Console, title: str, plan: Plan, start: int, steps: Iterator[Step]) -> Iterator[Step]:
    began = shown = time.monotonic()
    for step in steps:
        now = time.monotonic()
        if now - shown >= LINE_SECONDS:
            shown = now
            left = (now - began) / (step.step - start) * (plan.steps - step.step)
            state = _state(step, plan, start, now - began)
            in_words = timedelta(seconds=round(left))
            print(f"{title}: step {step.step} of {plan.steps}, {state}, {in_words} left", file=sys.stderr)
        yield step


def _state(step: Step, plan: Plan, start: int, seconds: float) -> str:
    rate = (step.step - start) / max(seconds, 1e-9)
    shown = f"{rate:.0f} steps/s" if rate >= 2 else f"{1 / max(rate, 1e-9):.1f} s a step"
    return f"epoch {step.epoch + 1}/{plan.epochs}, loss {float(step.loss):.3f}, {shown}"
