"""Map the values of a column to colors: each value gets a one-byte color code, and a legend explains the codes."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

MAX_CATEGORIES = 20
"""Maximum number of categories with separate colors. Numeric columns with at most this many distinct values count as
categories."""
STEPS = 254
"""Number of colors of a continuous scale, which have the codes 0 to 253."""
MISSING_NUMBER = 255
"""Color code of a missing number."""


class Scale(NamedTuple):
    """Store the color code of each record, and what the codes mean.

    Parameters
    ----------
    kind
        ``"levels"`` for categories: a code is a position in ``levels``. ``"numbers"`` for a continuous scale: codes 0
        to 253 run from ``low`` to ``high``.
    codes
        Color code of each record; 255 for a missing number.
    levels, counts
        Names of the categories, and the number of records in each.
    grey
        Number of entries at the end of ``levels`` that are shown in grey: one for all rare categories combined, and one
        for missing values, if there are any.
    low, high
        Ends of the continuous scale as text.
    clipped
        Whether values lie beyond the ends of the continuous scale.
    """

    kind: Literal["levels", "numbers"]
    codes: UInt8[ndarray, " n"]
    levels: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    grey: int = 0
    low: str = ""
    high: str = ""
    clipped: bool = False


def choose_scale(values: Sequence[Any]) -> Scale:
    """Choose the color scale of a column, and return it with the color code of each value.

    Numbers with more than 20 distinct values get a continuous scale. Other columns have at most 20 colors for
    categories; if there are more categories, the most frequent 19 have colors and the others are grey.

    Examples
    --------
    >>> choose_scale(["b", "a", None, "a"]).levels
    ('a', 'b', 'missing')
    >>> choose_scale([n / 2 for n in range(100)]).kind
    'numbers'
    """
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    only = len(numbers) == sum(v is not None for v in values)
    if only and len(set(numbers)) > MAX_CATEGORIES:
        return _continuous(values)
    return _levels(values)


def format_value(value: Any) -> str:
    """Format a value of a column as text: None as ``"missing"``, True as ``"yes"``, and 12345.0 as ``"12,345"``."""
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
    levels, grey = [format_value(v) for v in shown], 0
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
