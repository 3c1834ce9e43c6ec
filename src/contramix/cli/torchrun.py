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
    """Join the processes that torchrun started, as a context manager around a command.

    Within the context, all processes except the one of rank 0 print nothing.

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
    """Agree on one exit code with the other processes after this process failed, as a context manager.

    Use the context to print the error. If torchrun started several processes, leaving the context takes two seconds,
    because torchrun terminates the other processes as soon as one has exited.

    Parameters
    ----------
    code
        Exit code of this process.

    Yields
    ------
    bool
        Whether this process failed first. Only then should it print its error. True if there is only one process.
    int
        Exit code to use: that of the process that failed first, or ``code`` if there is only one process.
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
