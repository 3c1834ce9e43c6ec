"""Parse the ``.ts`` format of the UEA and UCR archives: a header of ``@`` lines, then one line per series.

The reference readers, aeon and sktime, need other versions of this project's dependencies.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from contramix.domains.series.cleaning import RawSeries
from contramix.errors import InputError, nearest, printable

MISSING = frozenset({"?", "nan", "NaN", "NAN", "Nan"})
"""Notations of a missing value in a ``.ts`` file."""
_FLAGS = ("timestamps", "missing", "univariate", "equallength")
_COUNTS = {"dimension": "dimensions", "dimensions": "dimensions", "serieslength": "serieslength"}


@dataclass
class TsHeader:
    """Collect the declarations of a ``.ts`` file's header, which ends with the line ``@data``.

    Parameters
    ----------
    flags
        Values of the declared flags ``timestamps``, ``missing``, ``univariate`` and ``equallength``.
    counts
        Declared numbers of channels (``dimensions``) and of steps (``serieslength``).
    labels
        Whether labels are class names (``"class"``) or numbers (``"target"``); None if series have no labels.
    classes
        Declared class names; empty if the header lists none.
    unknown
        Header lines that are not known and therefore ignored. A message to the user lists them.
    """

    flags: dict[str, bool] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    labels: Literal["class", "target"] | None = None
    classes: tuple[str, ...] = ()
    unknown: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class TsFile:
    """Store the content of a ``.ts`` file.

    Parameters
    ----------
    series
        The series, with NaN for missing values.
    labels
        The class name or number of each series, or None for a series without a label. None instead of a list if the
        header declares no labels.
    notes
        Messages for the user, such as the header lines that were ignored.
    """

    series: list[RawSeries]
    labels: list[str | None] | list[float | None] | None
    notes: tuple[str, ...] = ()


def parse(data: bytes, name: str) -> TsFile:
    r"""Parse the content of a ``.ts`` file.

    Parameters
    ----------
    data : bytes
        The content, in UTF-8 or Latin-1. Lines that begin with ``#`` or ``%`` are comments. Channels are separated by
        ``:``, and values by ``,``. A missing value is ``?`` or ``NaN``. If the header declares labels, a line ends with
        ``:`` and the label.
    name : str
        Name of the file, with which error messages begin.

    Raises
    ------
    InputError
        If the data are not a .ts file, or a line is invalid or contradicts the header. The message gives the line
        number.

    Examples
    --------
    >>> file = parse(b"@univariate true\n@classLabel true a b\n@data\n1,?,3:a\n4,5:b\n", "x.ts")
    >>> [one.values.tolist() for one in file.series], file.labels
    ([[[1.0, nan, 3.0]], [[4.0, 5.0]]], ['a', 'b'])
    """
    lines = _lines(data, name)
    header = _header(lines, name)
    series: list[RawSeries] = []
    labels: list[str | None] = []
    for number, line in lines:
        where = f"{name}, line {number}"
        channels = line.split(":")
        if header.labels:
            if len(channels) < 2:
                raise InputError(f"{where}: no label after the last ':', which the header declares")
            labels.append(_label(channels.pop().strip(), header, where))
        series.append(RawSeries(f"line {number}", _values(channels, header, where)))
        if len(series[-1].values) != len(series[0].values):
            raise InputError(
                f"{where}: {len(channels)} channels, and {len(series[0].values)} in {series[0].name}: "
                "all series need the same number"
            )
    if not series:
        raise InputError(f"{name}: no series after @data")
    notes = (f"{name}: ignored unknown header lines: {', '.join(header.unknown[:5])}",) if header.unknown else ()
    if header.labels == "target":
        return TsFile(series, [None if one is None else float(one) for one in labels], notes)
    return TsFile(series, labels if header.labels else None, notes)


def _lines(data: bytes, name: str) -> Iterator[tuple[int, str]]:
    """Yield the line number (from 1) and the text of each line that is neither blank nor a comment.

    ``data`` is the content of a ``.ts`` file, and ``name`` its name, with which error messages begin.

    Raises
    ------
    InputError
        If the data are not text.
    """
    if b"\0" in data:
        raise InputError(f"{name}: holds NUL bytes, so it is not text, as a .ts file of time series would be")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith(("#", "%")):
            yield number, stripped


def _header(lines: Iterator[tuple[int, str]], name: str) -> TsHeader:
    header = TsHeader()
    for number, line in lines:
        where = f"{name}, line {number}"
        tag, *words = line.split()
        key = tag.removeprefix("@").lower()
        if not tag.startswith("@"):
            raise InputError(f"{where}: {printable(line, 40)!r} precedes @data: is this a .ts file of series?")
        if key == "data":
            return header
        if key in _FLAGS:
            header.flags[key] = _boolean(words, tag, where)
        elif key in _COUNTS:
            header.counts[_COUNTS[key]] = _count(words, tag, where)
        elif key in ("classlabel", "targetlabel"):
            if _boolean(words, tag, where):
                header.labels = "class" if key == "classlabel" else "target"
                header.classes = tuple(words[1:]) if key == "classlabel" else ()
        elif key != "problemname":
            header.unknown.append(f"{printable(tag, 40)} (line {number})")
        if header.flags.get("timestamps"):
            raise InputError(f"{where}: steps with timestamps are not read: write a table with one row per step")
    raise InputError(f"{name}: no @data line: is this a .ts file of time series?")


def _boolean(words: list[str], tag: str, where: str) -> bool:
    found = words[0].lower() if words else ""
    if found not in ("true", "false"):
        raise InputError(f"{where}: {printable(tag, 40)} needs true or false, not {printable(found, 40)!r}")
    return found == "true"


def _count(words: list[str], tag: str, where: str) -> int:
    if len(words) != 1 or not words[0].isdecimal() or len(words[0]) > 9 or int(words[0]) < 1:
        found = printable(" ".join(words), 40)
        raise InputError(f"{where}: {printable(tag, 40)} needs an integer of at least 1, not {found!r}")
    return int(words[0])


def _label(label: str, header: TsHeader, where: str) -> str | None:
    if label in MISSING or not label:
        return None
    if header.labels == "target":
        return str(_number(label, f"{where}: target"))
    if header.classes and label not in header.classes:
        hint = nearest(label, map(printable, header.classes))
        raise InputError(f"{where}: class {printable(label, 40)!r} is not among those in the header; {hint}")
    return label


def _values(channels: list[str], header: TsHeader, where: str) -> np.ndarray:
    wanted = 1 if header.flags.get("univariate") else header.counts.get("dimensions")
    if wanted is not None and len(channels) != wanted:
        raise InputError(f"{where}: {len(channels)} channels, and the header declares {wanted}")
    rows = [_row(text, f"{where}, channel {n}") for n, text in enumerate(channels, start=1)]
    lengths = sorted({len(row) for row in rows})
    if len(lengths) > 1:
        raise InputError(
            f"{where}: channels of {lengths[0]} to {lengths[-1]} values: all channels of a series need the same number"
        )
    if header.flags.get("equallength") and lengths[0]:
        length = header.counts.setdefault("serieslength", lengths[0])
        if lengths[0] != length:
            raise InputError(f"{where}: {lengths[0]} values, others {length}: the header declares equal lengths")
    return np.array(rows, np.float64)


def _row(text: str, where: str) -> list[float]:
    if not text.strip():
        return []
    cells = text.split(",")
    try:
        return [np.nan if cell in MISSING else float(cell) for cell in cells]
    except ValueError:
        return [_cell(cell.strip(), f"{where}, value {n}") for n, cell in enumerate(cells, start=1)]


def _cell(text: str, where: str) -> float:
    return np.nan if text in MISSING else _number(text, where)


def _number(text: str, where: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise InputError(f"{where}: {printable(text, 40)!r} is not a number; a missing value is '?'") from None
    if not np.isfinite(number):
        raise InputError(f"{where}: the value is infinite")
    return number
