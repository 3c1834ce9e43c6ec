"""Recognize lines that begin with a label, as in TREC and SST-2, and lines that are prose rather than a table."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_LABEL = re.compile(r"(\S{1,40})(?:[ \t]+(.*))?")
_CODE = re.compile(r"-?\d{1,4}|__label__\S+|[A-Z]{2,6}(?::\w+)?")
"""Labels beyond doubt: numbers, and those of fastText and TREC."""
_DELIMITERS = "\t;|,"
_MIN_WORDS = 0.5
"""Minimum share of words among what is separated by spaces, in prose."""
_MAX_LINES = 2000
"""Maximum number of lines that are examined."""


class LabeledLines(NamedTuple):
    """Hold texts and their labels; None if lines have none."""

    texts: list[str]
    labels: list[str] | None


def split_labels(lines: Sequence[str]) -> LabeledLines:
    """Separate labels from lines, if every line begins with a label and words follow.

    There may be two different labels, or two thirds of the number of lines, if all are numbers or codes. If labels are
    words, which could also begin a sentence, there may be a tenth of the number of lines.

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
    """Return whether lines are prose: most of what they hold are words, and no delimiter makes them rows of a table.

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
    """Return whether most of what is separated by spaces is words: letters, apostrophes and hyphens."""
    pieces = [piece.strip(".,;:!?\"'()`") for text in texts[:_MAX_LINES] for piece in text.split()]
    pieces = [piece for piece in pieces if piece]
    words = sum(piece.replace("'", "").replace("-", "").isalpha() for piece in pieces)
    return bool(pieces) and words >= _MIN_WORDS * len(pieces)
