"""Lines that begin with a label, as those of TREC and SST-2 do; and lines that are text rather than a table."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_LABEL = re.compile(r"(\S{1,40})(?:[ \t]+(.*))?")
_CODE = re.compile(r"-?\d{1,4}|__label__\S+|[A-Z]{2,6}(?::\w+)?")
"""Labels beyond doubt: numbers, fastText's, TREC's own."""
_DELIMITERS = "\t;|,"
_WORDY = 0.5
_LOOKED_AT = 2000


class Labelled(NamedTuple):
    """Texts, and their labels; None where the lines have none."""

    texts: list[str]
    labels: list[str] | None


def split_labels(lines: Sequence[str]) -> Labelled:
    """Take the labels off lines, if every line begins with one of few, and words follow.

    Few are two, or two thirds as many as there are lines, where all are numbers or codes; where they look like words,
    which could begin a sentence, a tenth.

    Examples
    --------
    >>> split_labels(["1 a fine film", "0 dull", "1 warm and funny"])
    Labelled(texts=['a fine film', 'dull', 'warm and funny'], labels=['1', '0', '1'])
    >>> split_labels(["I came", "I saw"]).labels is None
    True
    """
    pairs = [_LABEL.fullmatch(line) for line in lines]
    found = [pair for pair in pairs if pair is not None]
    if len(found) < len(lines) or not found:
        return Labelled(list(lines), None)
    labels, texts = [pair[1] for pair in found], [(pair[2] or "").strip() for pair in found]
    kinds = set(labels)
    coded = all(_CODE.fullmatch(label) for label in kinds)
    few = max(2, 2 * len(lines) // 3) if coded else len(lines) // 10
    if not (1 if coded else 2) <= len(kinds) <= few or any(set(label) & set(_DELIMITERS) for label in kinds):
        return Labelled(list(lines), None)
    return Labelled(texts, labels) if _wordy(texts) else Labelled(list(lines), None)


def is_prose(lines: Sequence[str]) -> bool:
    """Whether lines are text: most of their pieces are words, and no delimiter makes them the rows of a table.

    Examples
    --------
    >>> is_prose(["Well, it rained.", "So we stayed in, and read, and slept."])
    True
    >>> is_prose(["name,town", "ann,ulm"]), is_prose(["1 0.5", "2 0.25"])
    (False, False)
    """
    there = [line for line in lines[:_LOOKED_AT] if line.strip()]
    return _wordy(there) and not (len(there) > 1 and any(_is_table(there, mark) for mark in _DELIMITERS))


def _is_table(lines: Sequence[str], delimiter: str) -> bool:
    counts = {line.count(delimiter) for line in lines}
    return len(counts) == 1 and counts != {0}


def _wordy(texts: Sequence[str]) -> bool:
    """Whether most of what stands between spaces, marks aside, is words: letters, apostrophes and hyphens only."""
    pieces = [piece.strip(".,;:!?\"'()`") for text in texts[:_LOOKED_AT] for piece in text.split()]
    pieces = [piece for piece in pieces if piece]
    words = sum(piece.replace("'", "").replace("-", "").isalpha() for piece in pieces)
    return bool(pieces) and words >= _WORDY * len(pieces)
