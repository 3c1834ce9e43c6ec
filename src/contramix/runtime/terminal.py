"""Write notes and status lines to standard error."""

import sys
import time
from collections.abc import Callable


def one_line(text: str) -> str:
    r"""Make text safe to print on a terminal, as one line without control characters.

    White space becomes a blank, and other control characters become ``?``. Names of files may hold any character.

    Examples
    --------
    >>> one_line("a\nb\x1b[2J")
    'a b?[2J'
    """
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in text)


def print_note(text: str) -> None:
    """Print a note to the user on standard error, after clearing the status line."""
    show_status("")
    print(f"note: {one_line(text)}", file=sys.stderr)


def show_status(text: str) -> None:
    """Replace the status line on a terminal by a text; print nothing if standard error is not a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[2K{one_line(text)}" if text else "\r\033[2K", end="", file=sys.stderr, flush=True)


def print_status(text: str) -> None:
    """Replace the status line on a terminal by a text; print a new line if standard error is not a terminal."""
    if sys.stderr.isatty():
        show_status(text)
    else:
        print(one_line(text), file=sys.stderr)


def seconds_between_updates() -> float:
    """Return the shortest time between two status updates, in seconds: longer if each update prints a new line."""
    return 0.25 if sys.stderr.isatty() else 15.0


class Throttled:
    """Limit how often status texts are shown. Texts that come too soon after the previous one are dropped.

    Parameters
    ----------
    show
        Function that shows a text.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show, self._shown_at = show, time.monotonic()

    def __call__(self, text: str) -> None:
        """Show a text, unless the previous one was shown less than :func:`seconds_between_updates` ago."""
        if time.monotonic() - self._shown_at >= seconds_between_updates():
            self._shown_at = time.monotonic()
            self._show(text)
