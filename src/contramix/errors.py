"""Define the errors and warnings that contramix raises. The command line maps each error to an exit code."""

import os
from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Report that a call, the data or a saved file is wrong (exit code 2).

    The message is one line that names the file, row, column or setting and says how to correct it.
    """


class RunError(RuntimeError):
    """Report that training cannot continue: the loss diverged, or memory or disk is full (exit code 3).

    The last checkpoint is kept.
    """


class ContramixWarning(UserWarning):
    """Warn that contramix skipped, guessed or repaired a part of the data or the settings."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the last part of an error message about an unknown name, such as ``"did you mean 'linear'?"``.

    ``name`` is the unknown name, and ``known`` are the valid names, of which the most similar one is suggested. If none
    is similar, the text lists up to 30 valid names, as in ``"known: binary, cutmix, linear"``.
    """
    known = sorted(known)
    folded = {other.lower(): other for other in known}
    close = get_close_matches(name.lower(), folded, n=1, cutoff=0.5)
    if close:
        return f"did you mean {folded[close[0]]!r}?"
    shown = [other if len(other) <= 60 else f"{other[:57]}..." for other in known[:30]]
    return f"known: {', '.join(shown)}{', ...' if len(known) > 30 else ''}"


def printable(text: str | bytes | os.PathLike[str], limit: int | None = None) -> str:
    r"""Return text that is safe to print: on one line, without control characters, with valid Unicode.

    Parameters
    ----------
    text : str, bytes or path
        Text from an untrusted source, such as a file name or a table's cell.
    limit : int, optional
        Maximum number of characters; longer text is cut and ends in ``...``.

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


def first_line(error: BaseException, limit: int) -> str:
    """Return the first line of an error's message, safe to print, and cut to a number of characters."""
    return printable(str(error).strip().partition("\n")[0], limit)
