"""Split labels from the beginnings of lines, as in the data sets TREC and SST-2, and recognize prose."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_LABEL = re.compile(r"(\S{1,40})(?:[ \t]+(.*))?")
_CODE = re.compile(r"-?\d{1,4}|__label__\S+|[A-Z]{2,6}(?::\w+)?")
"""Labels that are hardly words: numbers, and the formats of fastText (``__label__x``) and TREC (``DESC:def``)."""
_DELIMITERS = "\t;|,"
_MIN_WORDS = 0.5
"""Minimum share of words among the pieces between spaces, in prose."""
_MAX_LINES = 2000
"""Maximum number of lines that are examined."""


class LabeledLines(NamedTuple):
    """Store the texts of lines, and their labels; ``labels`` is None if the lines do not begin with labels."""

    texts: list[str]
    labels: list[str] | None


def split_labels(lines: Sequence[str]) -> LabeledLines:
    """Split each line into a label (its first word) and a text, if the first words look like labels.

    They look like labels if all are numbers or codes such as ``DESC:def``, and the number of distinct ones is at most
    2/3 of the number of lines. For other words, which could also begin a sentence, the limit is 1/10, and at least two
    must be distinct. In both cases, the texts must consist mostly of words, and labels must not contain ``,``, ``;`` or
    ``|``. Otherwise the lines are returned as texts without labels.

    Examples
    --------
    >>> split_labels(["1 a fine film", "0 dull", "1 warm and funny"])
    LabeledLines(texts=['a fine film', 'dull', 'warm and funny'], labels=['1', '0', '1'])
    >>> split_labels(["I came", "I saw"]).labels is None
    True
    """
    pairs = [_LABEL.fullmatch(line) for line in lines]
    found = [pair for pair in pairs if pair is not None]
    if len(found) < len(lines) or not found:
        return LabeledLines(list(lines), None)
    labels, texts = [pair[1] for pair in found], [(pair[2] or "").strip() for pair in found]
    kinds = set(labels)
    coded = all(_CODE.fullmatch(label) for label in kinds)
    few = max(2, 2 * len(lines) // 3) if coded else len(lines) // 10
    if not (1 if coded else 2) <= len(kinds) <= few or any(set(label) & set(_DELIMITERS) for label in kinds):
        return LabeledLines(list(lines), None)
    return LabeledLines(texts, labels) if _is_words(texts) else LabeledLines(list(lines), None)


def is_prose(lines: Sequence[str]) -> bool:
    """Return whether lines are prose, not a table: mostly words, and no delimiter occurs equally often in every line.

    Examples
    --------
    >>> is_prose(["Well, it rained.", "So we stayed in, and read, and slept."])
    True
    >>> is_prose(["name,town", "ann,ulm"]), is_prose(["1 0.5", "2 0.25"])
    (False, False)
    """
    present = [line for line in lines[:_MAX_LINES] if line.strip()]
    return _is_words(present) and not (len(present) > 1 and any(_is_table(present, mark) for mark in _DELIMITERS))


def _is_table(lines: Sequence[str], delimiter: str) -> bool:
    counts = {line.count(delimiter) for line in lines}
    return len(counts) == 1 and counts != {0}


def _is_words(texts: Sequence[str]) -> bool:
    """Return whether at least half of the space-separated strings in texts are words.

    A word consists of letters, apostrophes and hyphens. Punctuation around it is ignored.
    """
    pieces = [piece.strip(".,;:!?\"'()`") for text in texts[:_MAX_LINES] for piece in text.split()]
    pieces = [piece for piece in pieces if piece]
    words = sum(piece.replace("'", "").replace("-", "").isalpha() for piece in pieces)
    return bool(pieces) and words >= _MIN_WORDS * len(pieces)
