"""Write notes and status lines to standard error."""

import sys
import time
from collections.abc import Callable


def one_line(text: str) -> str:
    r"""Convert text, such as a file name, to one line without control characters, which is safe to print on a terminal.

    Line breaks, tabs and other white space become spaces, and other control characters become ``?``.

    Examples
    --------
    >>> one_line("a\nb\x1b[2J")
    'a b?[2J'
    """
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in text)


def print_note(text: str) -> None:
    """Print a line that begins with "note:" on standard error, after clearing the status line (see `show_status`)."""
    show_status("")
    print(f"note: {one_line(text)}", file=sys.stderr)


def show_status(text: str) -> None:
    """Show a text on the current line of the terminal, replacing the previous status text.

    An empty text clears the line. Nothing is printed if standard error is not a terminal.
    """
    if sys.stderr.isatty():
        print(f"\r\033[2K{one_line(text)}" if text else "\r\033[2K", end="", file=sys.stderr, flush=True)


def print_status(text: str) -> None:
    """Show a text on the current line of the terminal, replacing the previous status text.

    If standard error is not a terminal, print the text as a new line.
    """
    if sys.stderr.isatty():
        show_status(text)
    else:
        print(one_line(text), file=sys.stderr)


def seconds_between_updates() -> float:
    """Return the minimum time between two status texts in seconds: 0.25 on a terminal, 15 if stderr is no terminal."""
    return 0.25 if sys.stderr.isatty() else 15.0


class Throttled:
    """Limit how often status texts are shown.

    A text is dropped if it comes less than `seconds_between_updates` after the previous text that was shown, or after
    the creation of this object.

    Parameters
    ----------
    show
        Function that shows a text.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show, self._shown_at = show, time.monotonic()

    def __call__(self, text: str) -> None:
        """Show a text, or drop it if the previous one was shown less than `seconds_between_updates` seconds ago."""
        if time.monotonic() - self._shown_at >= seconds_between_updates():
            self._shown_at = time.monotonic()
            self._show(text)
