"""How a column's values become colours: each gets a code of one byte, and a legend says what it means."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

MOST_LEVELS = 20
STEPS = 254
"""Colours of a continuous scale, codes 0 to 253."""
NO_NUMBER = 255


class Scale(NamedTuple):
    """Codes of the records, and their meaning.

    Parameters
    ----------
    kind
        ``"levels"``: a code is a place in ``levels``. ``"numbers"``: codes 0 to 253 run from ``low`` to ``high``.
    codes
        One a record; 255 where a number is missing.
    levels, counts
        Names of the levels and how many records have each.
    grey
        How many levels at the end are no values: what is rare («other») or missing.
    low, high, clipped
        The ends of the colours, in words, and whether values lie beyond them.
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
    """The scale of a column: numbers of many values run continuously, all else is levels, the 20 most frequent.

    Examples
    --------
    >>> scale_of(["b", "a", None, "a"]).levels
    ('a', 'b', 'missing')
    >>> scale_of([n / 2 for n in range(100)]).kind
    'numbers'
    """
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    only = len(numbers) == sum(v is not None for v in values)
    if only and len(set(numbers)) > MOST_LEVELS:
        return _continuous(values)
    return _levels(values)


def in_words(value: Any) -> str:
    """A value of a record as it is shown."""
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and 10_000 <= abs(value) < 1e15 else f"{value:.6g}"
    return str(value)


def _continuous(values: Sequence[Any]) -> Scale:
    x = np.array([np.nan if v is None else float(v) for v in values])
    there = x[~np.isnan(x)]
    low, high = np.quantile(there, [0.01, 0.99])
    clipped = high > low
    if not clipped:
        low, high = there.min(), there.max()
    place = np.clip((x - low) / (high - low), 0, 1)
    codes = np.where(np.isnan(x), NO_NUMBER, np.minimum(np.nan_to_num(place) * STEPS, STEPS - 1)).astype(np.uint8)
    return Scale("numbers", codes, low=_short(low), high=_short(high), clipped=bool(clipped))


def _levels(values: Sequence[Any]) -> Scale:
    counts = Counter(v for v in values if v is not None)
    ordered = [v for v, _ in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))]
    shown = ordered if len(ordered) <= MOST_LEVELS else ordered[: MOST_LEVELS - 1]
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
