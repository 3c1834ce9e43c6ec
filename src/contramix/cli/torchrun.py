"""One of several processes that torchrun has started: the first one speaks, and when one fails all end alike."""

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from contramix.errors import InputError

TOGETHER = ("pretrain",)
"""Commands that several processes share."""
EXIT_GRACE_SECONDS = 2.0
"""Whoever fails stays so long, that others which fail alike end with its exit code before torchrun ends them."""


def several() -> bool:
    """Whether this is one of several processes, as torchrun says it."""
    return os.environ.get("WORLD_SIZE", "") not in ("", "1")


@contextmanager
def together(given: Sequence[str]) -> Iterator[None]:
    """Run a command as one of several processes.

    Raises
    ------
    InputError, RunError
        If they cannot find each other, or the command is not for several.
    """
    from contramix.runtime import distributed

    distributed.init()
    with open(os.devnull, "w") as nowhere:
        spoken = distributed.rank() == 0
        with redirect_stdout(sys.stdout if spoken else nowhere), redirect_stderr(sys.stderr if spoken else nowhere):
            if given[0] not in TOGETHER:
                raise InputError(
                    f"contramix {given[0]} is for one process; torchrun is for contramix {', '.join(TOGETHER)}"
                )
            yield
    distributed.shutdown()


@contextmanager
def ending(code: int) -> Iterator[tuple[bool, int]]:
    """Whether this process shall say why it ends, and with what exit code: those of the first one that failed."""
    joined = False
    if several():
        from contramix.runtime import distributed

        joined = distributed.world_size() > 1
    before = distributed.report_failure(code) if joined else None
    yield before is None, code if before is None else before
    if joined:
        # torchrun terminates the others as soon as one has ended.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(EXIT_GRACE_SECONDS)


def is_lost(error: Exception) -> bool:
    """Whether an error says that another process ended, or does not answer."""
    if not several():
        return False
    from contramix.runtime import distributed

    return distributed.is_lost_process(error)
