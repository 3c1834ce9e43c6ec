"""Write notes and status lines to standard error."""

import sys
import time
from collections.abc import Callable


def one_line(text: str) -> str:
    r"""Return text that is safe to print on a terminal: one line without control characters.

    Names of files and columns may hold any character.

    Examples
    --------
    >>> one_line("a\nb\x1b[2J")
    'a b?[2J'
    """
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in text)


def print_note(text: str) -> None:
    """Print a line that the user should read, on standard error."""
    show_status("")
    print(f"note: {one_line(text)}", file=sys.stderr)


def show_status(text: str) -> None:
    """Replace the status line on a terminal; print nothing if standard error is not a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[2K{one_line(text)}" if text else "\r\033[2K", end="", file=sys.stderr, flush=True)


def print_status(text: str) -> None:
    """Replace the status line on a terminal; print a line elsewhere."""
    if sys.stderr.isatty():
        show_status(text)
    else:
        print(one_line(text), file=sys.stderr)


def seconds_between_updates() -> float:
    """Return the time between two updates of a status: short on a terminal, long where each update is a new line."""
    return 0.25 if sys.stderr.isatty() else 15.0


class Throttled:
    """Pass texts on to a function, but at most once in a while; drop the texts in between.

    Parameters
    ----------
    show
        Function that shows a text.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show, self._shown_at = show, time.monotonic()

    def __call__(self, text: str) -> None:
        """Show a text, unless another one was shown shortly before."""
        if time.monotonic() - self._shown_at >= seconds_between_updates():
            self._shown_at = time.monotonic()
            self._show(text)
