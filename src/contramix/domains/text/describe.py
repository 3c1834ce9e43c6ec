"""Learn a specification from texts: the tokenizer, how long texts are, and how often tokens occur."""

from math import ceil

import numpy as np
import pyarrow as pa

from contramix.domains.spec import left_out
from contramix.domains.text.column import COLUMN, TEXT
from contramix.domains.text.settings import TextSettings
from contramix.domains.text.spec import TextSpec, packed_counts, said_of, texts_of
from contramix.domains.text.tokenizer import found, opened, shift_of, size_of, tokens_of, trained
from contramix.errors import InputError

MOST_AUTO = 128
"""Tokens of a text, unless more are asked for: attention takes their square."""
_SHARE = 0.99


def describe(
    table: pa.Table, settings: TextSettings, target: str | None = None, also: pa.Table | None = None
) -> tuple[TextSpec, tuple[str, ...]]:
    """Learn from training texts; the tokenizer also from those of ``also``, if given. With notes.

    Raises
    ------
    InputError
        No text has a token, the tokenizer cannot be had, or there is no column ``target``.
    """
    texts = texts_of(table)
    if not texts:
        raise InputError(f"the column {TEXT!r} has no texts to learn from")
    if settings.tokenizer == "train":
        more = [] if also is None else texts_of(also)
        json = trained([*texts, *more], settings.vocabulary - 1, settings.lowercase)  # less the one for padding
    else:
        json = found(settings.tokenizer)
    tokenizer = opened(json)
    shift, vocabulary = shift_of(tokenizer), size_of(tokenizer)
    documents, lengths = np.zeros(vocabulary, np.int64), np.zeros(len(texts), np.int64)
    for row, ids in enumerate(tokens_of(tokenizer, texts)):
        lengths[row] = len(ids)
        documents[np.unique(ids) + shift if ids else []] += 1
    documents[0] = 0
    if not lengths.any():
        raise InputError(f"all {len(texts):,} texts are empty")
    at_most = settings.max_tokens
    if at_most == "auto":
        at_most = int(min(MOST_AUTO, max(1, np.sort(lengths)[ceil(_SHARE * len(lengths)) - 1])))
    noted = table.schema.field(TEXT).metadata or {}
    spec = TextSpec(
        column=noted.get(COLUMN, TEXT.encode()).decode(),
        tokenizer=json,
        max_tokens=at_most,
        vocabulary=vocabulary,
        documents=packed_counts(documents),
        target=target,
        rows=len(texts),
        left_out=left_out(table, TEXT, target, "is not the column of texts"),
    )
    empty = sum(not text.strip() for text in texts)
    return spec, said_of(int((lengths > at_most).sum()), empty, at_most)
