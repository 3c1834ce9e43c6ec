"""Ctrl-C and SIGTERM: the first asks a run to stop behind its step, the second stops at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType


class Interrupted(Exception):  # noqa: N818 - a request, not an error
    """A signal asked the run to stop; it stopped behind a step, with a checkpoint."""

    def __init__(self, number: int, folder: Path) -> None:
        super().__init__(f"interrupted; run the same command again to go on with what is in {folder}")
        self.exit_code = 128 + number


@contextmanager
def signals() -> Iterator[list[int]]:
    """Signals asked for so far. The second one of a kind does what it always does: stop at once."""
    got: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        got.append(number)
        signal.signal(number, before[signal.Signals(number)])

    try:
        before = {n: signal.signal(n, note) for n in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread: signals are not ours
        yield got
        return
    try:
        yield got
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
