"""What can go wrong, sorted by who can mend it. The command line turns each into an exit code."""

import os
from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """The call, the data or an artefact is wrong (exit 2).

    The message is one line: it names the file, row, column or option, and says what would be right.
    """


class RunError(RuntimeError):
    """The run could not go on: diverged, out of memory, disk full (exit 3). The last good checkpoint stays."""


class ContramixWarning(UserWarning):
    """Something was left out, guessed or repaired, and the user should know."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that ends a message: the nearest known name, or the known names."""
    known = sorted(known)
    folded = {other.lower(): other for other in known}
    close = get_close_matches(name.lower(), folded, n=1, cutoff=0.5)
    if close:
        return f"did you mean {folded[close[0]]!r}?"
    shown = [other if len(other) <= 60 else f"{other[:57]}..." for other in known[:30]]
    return f"known: {', '.join(shown)}{', ...' if len(known) > 30 else ''}"


def printable(text: str | bytes | os.PathLike[str], limit: int | None = None) -> str:
    r"""Text that is safe in a message: one line, no control characters, no broken Unicode.

    Parameters
    ----------
    text : str, bytes or path
        A path, a cell or a name, from anywhere.
    limit : int, optional
        Longer text is cut to this many characters.

    Examples
    --------
    >>> printable("sales\x1b[2J.csv")
    'sales[2J.csv'
    """
    path = text if isinstance(text, str | bytes) else os.fspath(text)
    try:
        encoded = path if isinstance(path, bytes) else path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        encoded = str(path).encode("utf-8", "backslashreplace")
    shown = "".join(c for c in encoded.decode("utf-8", "backslashreplace") if c.isprintable())
    return shown if limit is None or len(shown) <= limit else shown[:limit] + "..."
