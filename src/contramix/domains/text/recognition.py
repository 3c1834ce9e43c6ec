"""Whether a path or a Python value is text, beyond doubt: what could be a table is one."""

import os
from typing import Any

from contramix.domains.text.decoding import beginning, decoded, lines_of, unpacked
from contramix.domains.text.file_layouts import TXT, documents, is_about, may_be_text
from contramix.domains.text.labelled_lines import is_prose, split_labels
from contramix.domains.text.values import are_files, cells_of, is_missing
from contramix.errors import InputError
from contramix.io.media.archives import is_archive
from contramix.io.media.listing import list_media_files
from contramix.io.media.media_file import MediaFile, UnreadableFileError
from contramix.io.media.recognition import contains_files

LOOKED_AT = 1 << 16
"""Bytes of a file that are looked at."""
_FILES = 5
"""Files of a folder that are looked at."""


def recognizes(path: str | os.PathLike[str]) -> bool:
    """Whether a file, or most files of a folder or an archive, are text: lines that begin with a label, whatever the
    name, or prose in ``.txt`` files.
    """
    place = os.fsdecode(path)
    try:
        if os.path.isfile(place) and not is_archive(place):
            return may_be_text(place) and _is_text(beginning(place, LOOKED_AT), place)
        if not os.path.isdir(place) and not contains_files(path, TXT, ()):
            return False
        files = list_media_files(path, {""} if os.path.isdir(place) else TXT)
        # In a folder without any .txt it may be lines that begin with a label, in files such as data.train.gz.
        found = documents(files) or [item for item in files.files if may_be_text(item.name)]
        records = [item for item in files.files if not is_about(item.name)]
        texts = sum(_reads_as_text(item) for item in found[:_FILES])
        return 2 * len(found) > len(records) and 2 * texts > min(len(found), _FILES)
    except (InputError, UnreadableFileError, OSError, ValueError):
        return False


def recognizes_values(values: Any) -> bool:
    """Whether values are texts: strings in a list, an array of one axis or a series, or a list of text files."""
    if are_files(values):
        return True
    cells = cells_of(values) or ()
    return any(isinstance(cell, str) for cell in cells) and all(isinstance(c, str) or is_missing(c) for c in cells)


def _reads_as_text(item: MediaFile) -> bool:
    try:
        return _is_text(unpacked(item.read())[:LOOKED_AT], item.name)
    except (UnreadableFileError, OSError):
        return False


def _is_text(data: bytes, name: str) -> bool:
    lines = [line for line in lines_of(decoded(data).text) if line.strip()]
    if len(lines) > 1 and split_labels(lines).labels is not None:
        return True
    return name.lower().endswith(TXT) and is_prose(lines) and not lines[0].lstrip().startswith(("<", "{", "["))
