"""Recognize files, folders and Python values that hold texts. Data that could also be a table are not recognized."""

import os
from typing import Any

from contramix.domains.text.decoding import decode_text, decompress, read_beginning, split_lines
from contramix.domains.text.file_layouts import TXT, is_documentation, may_be_text, text_files
from contramix.domains.text.labeled_lines import is_prose, split_labels
from contramix.domains.text.values import are_text_files, is_missing, to_strings
from contramix.errors import InputError
from contramix.io.media.archives import is_archive
from contramix.io.media.listing import list_media_files
from contramix.io.media.media_file import MediaFile, UnreadableFileError
from contramix.io.media.recognition import contains_files

EXAMINED_BYTES = 1 << 16
"""Number of bytes at the start of a file that are examined."""
_EXAMINED_FILES = 5
"""Maximum number of files of a folder that are examined."""


def recognizes(path: str | os.PathLike[str]) -> bool:
    """Return whether a file, or most files in a folder or an archive, hold texts.

    A file holds texts if it has several lines that all begin with a label, which is a number, a code such as
    ``DESC:def`` or one of a few repeated words; or if its name ends in ``.txt`` and its content is prose, not a table,
    JSON or HTML. The first 64 KiB of a file, and at most five files, are examined.
    """
    place = os.fsdecode(path)
    try:
        if os.path.isfile(place) and not is_archive(place):
            return may_be_text(place) and _is_text(read_beginning(place, EXAMINED_BYTES), place)
        if not os.path.isdir(place) and not contains_files(path, TXT, ()):
            return False
        files = list_media_files(path, {""} if os.path.isdir(place) else TXT)
        # A folder without .txt files may hold lines that begin with a label, in files such as data.train.gz.
        found = text_files(files) or [item for item in files.files if may_be_text(item.name)]
        records = [item for item in files.files if not is_documentation(item.name)]
        texts = sum(_reads_as_text(item) for item in found[:_EXAMINED_FILES])
        return 2 * len(found) > len(records) and 2 * texts > min(len(found), _EXAMINED_FILES)
    except (InputError, UnreadableFileError, OSError, ValueError):
        return False


def recognizes_values(values: Any) -> bool:
    """Return whether Python values are a list, 1-D array or series of strings, or a list of existing ``.txt`` files.

    A series is one of pandas, polars or Arrow. Some, but not all, of the strings may be missing.
    """
    if are_text_files(values):
        return True
    cells = to_strings(values) or ()
    return any(isinstance(cell, str) for cell in cells) and all(isinstance(c, str) or is_missing(c) for c in cells)


def _reads_as_text(item: MediaFile) -> bool:
    try:
        return _is_text(decompress(item.read())[:EXAMINED_BYTES], item.name)
    except (UnreadableFileError, OSError):
        return False


def _is_text(data: bytes, name: str) -> bool:
    lines = [line for line in split_lines(decode_text(data).text) if line.strip()]
    if len(lines) > 1 and split_labels(lines).labels is not None:
        return True
    return name.lower().endswith(TXT) and is_prose(lines) and not lines[0].lstrip().startswith(("<", "{", "["))
