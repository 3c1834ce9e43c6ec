"""Handle Ctrl-C and SIGTERM. The first signal lets a run stop after the current step, a second one stops it at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType


class Interrupted(Exception):  # noqa: N818 - a request, not an error
    """Report that a run has stopped because of a signal, after a checkpoint was saved.

    Parameters
    ----------
    number
        Number of the signal. The exit code of the process is 128 plus this number.
    folder
        Folder of the run. The same command resumes it.
    """

    def __init__(self, number: int, folder: Path) -> None:
        super().__init__(f"interrupted; run the same command again to go on with what is in {folder}")
        self.exit_code = 128 + number


@contextmanager
def signals() -> Iterator[list[int]]:
    """Collect the SIGINT and SIGTERM signals that arrive within a ``with`` block, instead of stopping the process.

    The block receives a list, to which the number of each signal is appended when it arrives. A second signal of the
    same kind is not collected, and stops the process at once. Outside the main thread, no signals are collected.
    """
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, before[signal.Signals(number)])

    try:
        before = {n: signal.signal(n, note) for n in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # Only the main thread can handle signals.
        yield received
        return
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
