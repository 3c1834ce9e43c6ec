"""The ``.ts`` format of the UEA and UCR archives: a header of ``@`` lines, then a line a series.

The reference readers, aeon and sktime, are not to be had beside this project's versions of its dependencies.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from contramix.domains.series.cleaning import Found
from contramix.errors import InputError, nearest, printable

MISSING = frozenset({"?", "nan", "NaN", "NAN", "Nan"})
_FLAGS = ("timestamps", "missing", "univariate", "equallength")
_COUNTS = {"dimension": "dimensions", "dimensions": "dimensions", "serieslength": "serieslength"}


@dataclass
class Header:
    """What the lines before ``@data`` say; None where they do not."""

    flags: dict[str, bool] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    labels: Literal["class", "target"] | None = None
    classes: tuple[str, ...] = ()
    unknown: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Problem:
    """A file's series, and their labels: text, quantities (None where missing), or none at all."""

    series: list[Found]
    labels: list[str | None] | list[float | None] | None
    notes: tuple[str, ...] = ()


def parse(data: bytes, name: str) -> Problem:
    r"""Read a file.

    Parameters
    ----------
    data : bytes
        UTF-8, or else Latin-1. Lines that begin with ``#`` or ``%`` are comments. A series' channels are separated by
        ``:``, their values by ``,``; a missing value is ``?`` or ``NaN``; where the header says so, a class or a
        quantity stands behind the last ``:``.
    name : str
        Of the file, safe to print.

    Raises
    ------
    InputError
        It is something else, or a line is not what the header says; the message names the line.

    Examples
    --------
    >>> problem = parse(b"@univariate true\n@classLabel true a b\n@data\n1,?,3:a\n4,5:b\n", "x.ts")
    >>> [one.values.tolist() for one in problem.series], problem.labels
    ([[[1.0, nan, 3.0]], [[4.0, 5.0]]], ['a', 'b'])
    """
    lines = _lines(data, name)
    header = _header(lines, name)
    series: list[Found] = []
    labels: list[str | None] = []
    for number, line in lines:
        where = f"{name}, line {number}"
        channels = line.split(":")
        if header.labels:
            if len(channels) < 2:
                raise InputError(f"{where}: no label behind the last ':', which the header says there is")
            labels.append(_label(channels.pop().strip(), header, where))
        series.append(Found(f"line {number}", _values(channels, header, where)))
        if len(series[-1].values) != len(series[0].values):
            raise InputError(
                f"{where}: {len(channels)} channels, and {len(series[0].values)} in {series[0].name}: "
                "all series need the same ones"
            )
    if not series:
        raise InputError(f"{name}: no series behind @data")
    notes = (f"{name}: left out what is not known: {', '.join(header.unknown[:5])}",) if header.unknown else ()
    if header.labels == "target":
        return Problem(series, [None if one is None else float(one) for one in labels], notes)
    return Problem(series, labels if header.labels else None, notes)


def _lines(data: bytes, name: str) -> Iterator[tuple[int, str]]:
    """Lines that say something, with their numbers from 1."""
    if b"\0" in data:
        raise InputError(f"{name}: holds NUL bytes, so it is no text: a .ts file of time series is")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith(("#", "%")):
            yield number, stripped


def _header(lines: Iterator[tuple[int, str]], name: str) -> Header:
    header = Header()
    for number, line in lines:
        where = f"{name}, line {number}"
        tag, *words = line.split()
        key = tag.removeprefix("@").lower()
        if not tag.startswith("@"):
            raise InputError(f"{where}: {printable(line, 40)!r} stands before @data: is this a .ts file of series?")
        if key == "data":
            return header
        if key in _FLAGS:
            header.flags[key] = _truth(words, tag, where)
        elif key in _COUNTS:
            header.counts[_COUNTS[key]] = _count(words, tag, where)
        elif key in ("classlabel", "targetlabel"):
            if _truth(words, tag, where):
                header.labels = "class" if key == "classlabel" else "target"
                header.classes = tuple(words[1:]) if key == "classlabel" else ()
        elif key != "problemname":
            header.unknown.append(f"{printable(tag, 40)} (line {number})")
        if header.flags.get("timestamps"):
            raise InputError(f"{where}: steps with timestamps are not read: write a table with a row a step instead")
    raise InputError(f"{name}: no @data line: is this a .ts file of time series?")


def _truth(words: list[str], tag: str, where: str) -> bool:
    said = words[0].lower() if words else ""
    if said not in ("true", "false"):
        raise InputError(f"{where}: {printable(tag, 40)} needs true or false, not {printable(said, 40)!r}")
    return said == "true"


def _count(words: list[str], tag: str, where: str) -> int:
    if len(words) != 1 or not words[0].isdecimal() or len(words[0]) > 9 or int(words[0]) < 1:
        said = printable(" ".join(words), 40)
        raise InputError(f"{where}: {printable(tag, 40)} needs a whole number of at least 1, not {said!r}")
    return int(words[0])


def _label(label: str, header: Header, where: str) -> str | None:
    if label in MISSING or not label:
        return None
    if header.labels == "target":
        return str(_number(label, f"{where}: target"))
    if header.classes and label not in header.classes:
        hint = nearest(label, map(printable, header.classes))
        raise InputError(f"{where}: class {printable(label, 40)!r} is none of those in the header; {hint}")
    return label


def _values(channels: list[str], header: Header, where: str) -> np.ndarray:
    wanted = 1 if header.flags.get("univariate") else header.counts.get("dimensions")
    if wanted is not None and len(channels) != wanted:
        raise InputError(f"{where}: {len(channels)} channels, and the header says {wanted}")
    rows = [_row(text, f"{where}, channel {n}") for n, text in enumerate(channels, start=1)]
    lengths = sorted({len(row) for row in rows})
    if len(lengths) > 1:
        raise InputError(f"{where}: channels of {lengths[0]} to {lengths[-1]} values: a series needs as many in each")
    if header.flags.get("equallength") and lengths[0]:
        length = header.counts.setdefault("serieslength", lengths[0])
        if lengths[0] != length:
            raise InputError(f"{where}: {lengths[0]} values, others {length}: the header says that all have as many")
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
        raise InputError(f"{where}: {printable(text, 40)!r} is no number; a missing value is '?'") from None
    if not np.isfinite(number):
        raise InputError(f"{where}: the value is infinite")
    return number
