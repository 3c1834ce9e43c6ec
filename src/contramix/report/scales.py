"""Map the values of a column to colors: each value has a code of one byte, and a legend explains the codes."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

MAX_CATEGORIES = 20
"""Maximum number of categories with a color of their own, and of distinct numbers that are taken for categories."""
STEPS = 254
"""Number of colors of a continuous scale, with codes 0 to 253."""
MISSING_NUMBER = 255
"""Code of a missing number."""


class Scale(NamedTuple):
    """Hold the color codes of records, and their meaning.

    Parameters
    ----------
    kind
        ``"levels"``: a code is a position in ``levels``. ``"numbers"``: codes 0 to 253 run from ``low`` to ``high``.
    codes
        Code of each record; 255 where a number is missing.
    levels, counts
        Names of the categories, and the number of records of each.
    grey
        Number of entries at the end of ``levels`` that are no categories: rare values together, and missing values.
    low, high, clipped
        Ends of the continuous scale as text, and whether values lie beyond them.
    """

    kind: Literal["levels", "numbers"]
    codes: UInt8[ndarray, " n"]
    levels: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    grey: int = 0
    low: str = ""
    high: str = ""
    clipped: bool = False


def scale_of(values: Sequence[Any]) -> Scale:
    """Return the color scale of a column.

    It is continuous for numbers with more than 20 distinct values. Other columns have one color for each of the 20 most
    frequent values.

    Examples
    --------
    >>> scale_of(["b", "a", None, "a"]).levels
    ('a', 'b', 'missing')
    >>> scale_of([n / 2 for n in range(100)]).kind
    'numbers'
    """
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    only = len(numbers) == sum(v is not None for v in values)
    if only and len(set(numbers)) > MAX_CATEGORIES:
        return _continuous(values)
    return _levels(values)


def in_words(value: Any) -> str:
    """Return a value as text."""
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and 10_000 <= abs(value) < 1e15 else f"{value:.6g}"
    return str(value)


def _continuous(values: Sequence[Any]) -> Scale:
    x = np.array([np.nan if v is None else float(v) for v in values])
    present = x[~np.isnan(x)]
    low, high = np.quantile(present, [0.01, 0.99])
    clipped = high > low
    if not clipped:
        low, high = present.min(), present.max()
    position = np.clip((x - low) / (high - low), 0, 1)
    codes = np.where(np.isnan(x), MISSING_NUMBER, np.minimum(np.nan_to_num(position) * STEPS, STEPS - 1)).astype(
        np.uint8
    )
    return Scale("numbers", codes, low=_short(low), high=_short(high), clipped=bool(clipped))


def _levels(values: Sequence[Any]) -> Scale:
    counts = Counter(v for v in values if v is not None)
    ordered = [v for v, _ in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))]
    shown = ordered if len(ordered) <= MAX_CATEGORIES else ordered[: MAX_CATEGORIES - 1]
    if all(isinstance(v, int | float) for v in shown):
        shown = sorted(shown)
    code = {v: n for n, v in enumerate(shown)}
    levels, grey = [in_words(v) for v in shown], 0
    other = missing = 0
    if len(shown) < len(ordered):
        other = len(levels)
        levels.append(f"{len(ordered) - len(shown):,} others")
        grey += 1
    if any(v is None for v in values):
        missing = len(levels)
        levels.append("missing")
        grey += 1
    codes = np.array([missing if v is None else code.get(v, other) for v in values], np.uint8)
    found = np.bincount(codes, minlength=len(levels))
    return Scale("levels", codes, tuple(levels), tuple(int(n) for n in found), grey)


def _short(number: float) -> str:
    return f"{number:,.0f}" if 1000 <= abs(number) < 1e9 else f"{number:.3g}"
