"""Hold and check the options for reading files."""

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from contramix.errors import InputError, printable

MISSING_MARKERS = (
    "", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "Null", "null", "None", "none", "?", "-",
)  # fmt: skip
"""Cell texts of a delimited file that are read as null. The empty cell always is."""

MAX_COLUMNS = 50_000
"""Maximum number of columns that are read. A file with more columns is most often transposed."""


_NOT_FOR_FILES = ("idna", "punycode")
"""Codecs that encode domain names, not file contents."""


@dataclass(frozen=True)
class ReadOptions:
    r"""Hold the options for reading a file. Options left at None are detected from the file.

    Parameters
    ----------
    delimiter : str, optional
        One ASCII character between the cells. ``"\\t"`` and ``"tab"`` both mean the tab character.
    encoding : str, optional
        Name of a Python codec. Default: UTF-8, with or without a byte-order mark.
    decimal : {".", ","}, optional
        The decimal mark. Default: the point.
    header : bool, optional
        Whether the first line holds the column names. Default: detected from the first lines.
    missing : tuple of str
        Cell texts that are read as null, in addition to the empty cell.
    on_bad_rows : {"fail", "skip"}
        What to do with rows that have too few or too many cells.
    on_bad_files : {"skip", "fail"}
        What to do with an image or audio file that cannot be read: skip and report it, or stop.
    text : tuple of str
        Names of columns that are read as text, whatever their cells look like. A model sets this to the columns that
        it learned as text.
    target : str, optional
        The column to predict, if it is known before reading. It is then not read as a step of a series.
    progress : callable, optional
        Called with the number of files decoded so far and the total number.

    Raises
    ------
    InputError
        If an option has an invalid value.

    Examples
    --------
    >>> ReadOptions(delimiter="tab").delimiter
    '\t'
    """

    delimiter: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    header: bool | None = None
    missing: tuple[str, ...] = MISSING_MARKERS
    on_bad_rows: Literal["fail", "skip"] = "fail"
    on_bad_files: Literal["skip", "fail"] = "skip"
    text: tuple[str, ...] = ()
    target: str | None = None
    progress: Callable[[int, int], None] | None = None

    def __post_init__(self) -> None:
        if self.delimiter in ("\\t", "tab"):
            object.__setattr__(self, "delimiter", "\t")
        missing = (self.missing,) if isinstance(self.missing, str) else self.missing
        for marker in missing:
            _check_text(marker)
        object.__setattr__(self, "missing", tuple(dict.fromkeys(("", *missing))))
        if self.delimiter is not None and not _is_delimiter(self.delimiter):
            raise InputError(f"`delimiter` {self.delimiter!r}: give one ASCII character, such as ',' or ';'")
        if self.decimal not in (None, ".", ","):
            raise InputError(f"`decimal` {self.decimal!r}: give '.' or ','")
        if self.decimal is not None and self.decimal == self.delimiter:
            raise InputError(f"`decimal` and `delimiter` are both {self.decimal!r}: give two characters")
        if self.on_bad_rows not in ("fail", "skip"):
            raise InputError(f"`on_bad_rows` {self.on_bad_rows!r}: give 'fail' or 'skip'")
        if self.on_bad_files not in ("fail", "skip"):
            raise InputError(f"`on_bad_files` {self.on_bad_files!r}: give 'fail' or 'skip'")
        if self.encoding is not None:
            _check_codec(self.encoding)


def _is_delimiter(text: str) -> bool:
    return len(text) == 1 and text.isascii() and text not in '"\r\n\0'


def _check_text(marker: str) -> None:
    try:
        marker.encode()
    except UnicodeEncodeError:
        raise InputError(f"`missing` {printable(marker)!r}: is not UTF-8; give text in UTF-8") from None


def _check_codec(name: str) -> None:
    try:
        " ".encode(name)
        if codecs.lookup(name).name in _NOT_FOR_FILES:
            raise LookupError(name)
    except (LookupError, ValueError, UnicodeError):
        raise InputError(
            f"`encoding` {printable(name)!r} is not a text encoding: give one such as utf-8, cp1252 or utf-16"
        ) from None
