"""Define and check the options for reading files."""

import codecs
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from contramix.errors import InputError, printable

MISSING_MARKERS = (
    "", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "Null", "null", "None", "none", "?", "-",
)  # fmt: skip
"""Cell texts of a delimited file that are read as null by default. An empty cell is always read as null."""

MAX_COLUMNS = 50_000
"""Maximum number of columns of a table. A file with more columns is most often transposed."""


_NOT_FOR_FILES = ("idna", "punycode")
"""Python codecs that are rejected as a file's encoding, because they encode internet domain names."""


@dataclass(frozen=True)
class ReadOptions:
    r"""Configure how files are read.

    Parameters
    ----------
    delimiter : str, optional
        The ASCII character between two cells. ``"\\t"`` and ``"tab"`` both mean the tab character.
        Default: detected from the first lines.
    encoding : str, optional
        Name of a Python codec. Default: UTF-8, with or without a byte-order mark.
    decimal : {".", ","}, optional
        The decimal mark of numbers. Default: the point. Files with decimal commas then raise an error, unless commas
        separate the cells.
    header : bool, optional
        Whether the first line holds the column names. Default: detected from the first lines.
    missing : tuple of str
        Cell texts that are read as null, in addition to the empty cell.
    on_bad_rows : {"fail", "skip"}
        Whether a row with too few or too many cells raises an error or is skipped.
    on_bad_files : {"skip", "fail"}
        Whether an image or audio file that cannot be read is skipped and reported, or raises an error.
    text : tuple of str
        Names of columns that are read as text even if all their cells are numbers or dates. For data that are read
        for a trained model, these are the columns that were text in its training data.
    target : str, optional
        Name of the column to predict, if it is known before reading. In a table of time series, this column is not
        read as a time step.
    progress : callable, optional
        Function that is called with the number of files decoded so far and the total number of files.
    vectors : path, optional
        Folder in which the vectors that a backbone computes are kept, so that none is computed twice. Default: they are
        not kept.
    vectors_progress : callable, optional
        Function that is called with the number of texts or images whose vectors are known so far, and their number.

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
    vectors: Path | None = None
    vectors_progress: Callable[[int, int], None] | None = None

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

    @property
    def facts(self) -> dict[str, Any]:
        """Return the options that change what is read from a table, by name, as values that JSON can hold."""
        others = ("progress", "target", "vectors", "vectors_progress")
        return {name: value for name, value in asdict(self).items() if name not in others}

    def without_callbacks(self) -> "ReadOptions":
        """Return a copy that another process can receive."""
        return replace(self, progress=None, vectors_progress=None)


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
