"""What can go wrong, sorted by who can mend it. The command line turns each into an exit code."""

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
