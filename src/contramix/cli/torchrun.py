"""Coordinate processes that torchrun started: the first one prints, and if one fails, all exit with its code."""

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from contramix.errors import InputError

DISTRIBUTED_COMMANDS = ("pretrain",)
"""Commands that several processes can run together."""
EXIT_GRACE_SECONDS = 2.0
"""Seconds that a failed process waits before it exits. Torchrun then terminates the others at once; until then they can
exit with the same code."""


def is_distributed() -> bool:
    """Return whether torchrun started this process as one of several."""
    return os.environ.get("WORLD_SIZE", "") not in ("", "1")


@contextmanager
def joined_processes(given: Sequence[str]) -> Iterator[None]:
    """Join the group of processes for the duration of a command, and silence all processes but the first.

    Parameters
    ----------
    given
        Arguments of the command line, with the name of the command first.

    Raises
    ------
    InputError
        If the command does not support several processes.
    RunError
        If the processes cannot connect to each other.
    """
    from contramix.runtime import distributed

    distributed.init()
    with open(os.devnull, "w") as null:
        prints = distributed.rank() == 0
        with redirect_stdout(sys.stdout if prints else null), redirect_stderr(sys.stderr if prints else null):
            if given[0] not in DISTRIBUTED_COMMANDS:
                raise InputError(
                    f"contramix {given[0]} runs in one process; use torchrun only for {', '.join(DISTRIBUTED_COMMANDS)}"
                )
            yield
    distributed.shutdown()


@contextmanager
def coordinated_exit(code: int) -> Iterator[tuple[bool, int]]:
    """Agree with the other processes on the exit code after a failure, and wait for them before exiting.

    Parameters
    ----------
    code
        Exit code of this process.

    Yields
    ------
    bool
        Whether this process failed first and therefore prints the error.
    int
        Exit code of the process that failed first, which all processes use.
    """
    joined = False
    if is_distributed():
        from contramix.runtime import distributed

        joined = distributed.world_size() > 1
    before = distributed.report_failure(code) if joined else None
    yield before is None, code if before is None else before
    if joined:
        # torchrun terminates the others as soon as one has ended.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(EXIT_GRACE_SECONDS)


def is_lost_process(error: Exception) -> bool:
    """Return whether an error means that another process has ended or does not respond."""
    if not is_distributed():
        return False
    from contramix.runtime import distributed

    return distributed.is_lost_process(error)
