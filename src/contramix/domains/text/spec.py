"""What was learned of texts: the tokenizer, and how often its tokens occur. Half of a saved model."""

import base64
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float32, Int, Int32
from numpy import ndarray
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn.functional import normalize

from contramix.domains.spec import Spec
from contramix.domains.text.column import TEXT
from contramix.domains.text.settings import MOST_TOKENS
from contramix.domains.text.tokenizer import MAX_JSON_BYTES, opened, shift_of, size_of, tokens_of
from contramix.encoders.encoder import Inputs
from contramix.errors import InputError
from contramix.io.records import is_text
from contramix.samples.samples import Samples

MOST_FEATURES = 4096
"""Tokens that a plain model is given: those in the most texts."""
_SPECIAL = 8
"""Tokens that a tokenizer may add to a text; two or three are usual."""


class TextSpec(Spec):
    """How texts become tokens, and in how many training texts each token occurs.

    Parameters
    ----------
    column
        What the column of texts was called in a table; ``text`` where they came from files.
    tokenizer
        As the tokenizers library writes it.
    max_tokens
        Of a sample.
    vocabulary
        How many tokens there are, with 0 for padding.
    documents
        In how many training texts each occurs, packed (:func:`packed_counts`).
    """

    domain: Literal["text"] = "text"
    format_version: Literal[1] = 1
    column: str = TEXT
    tokenizer: str = Field(max_length=MAX_JSON_BYTES, repr=False)
    max_tokens: int = Field(ge=1, le=MOST_TOKENS)
    vocabulary: int = Field(ge=2, le=10_000_000)
    documents: str = Field(repr=False)

    @model_validator(mode="after")
    def _fits(self) -> "TextSpec":
        if size_of(opened(self.tokenizer, self.max_tokens)) != self.vocabulary:
            raise ValueError("the tokenizer does not have as many tokens as the vocabulary")
        if len(counts_of(self.documents)) != self.vocabulary:
            raise ValueError("documents: not one count for each token")
        return self

    @property
    def kinds(self) -> dict[str, list[str]]:
        """The column of texts."""
        return {"text": [TEXT]}

    @property
    def form(self) -> str:
        """How many tokens a text has, of how many."""
        return f"up to {self.max_tokens:,} of {self.vocabulary:,} tokens each"

    def unknown(self, table: pa.Table, known: Sequence[str] = ()) -> tuple[str, ...]:
        """A note on texts that are cut, and on those in which there is nothing."""
        texts = texts_of(table)
        # A token is a byte at least, or stands for no text, as [CLS] does: short texts need no look.
        long = [text for text in texts if len(text.encode()) + _SPECIAL > self.max_tokens]
        cut = sum(len(ids) > self.max_tokens for ids in tokens_of(opened(self.tokenizer), long))
        return said_of(cut, sum(not text.strip() for text in texts), self.max_tokens)

    def tensorize(self, table: pa.Table) -> Int32[Tensor, " n L"]:
        """Texts as tokens, their starts where they are longer, with 0 behind where they are shorter.

        Raises
        ------
        InputError
            There are no texts.
        """
        texts, tokenizer = texts_of(table), opened(self.tokenizer, self.max_tokens)
        out, shift = np.zeros((len(texts), self.max_tokens), np.int32), shift_of(tokenizer)
        for row, ids in enumerate(tokens_of(tokenizer, texts)):
            kept = ids[: self.max_tokens]
            out[row, : len(kept)] = kept
            out[row, : len(kept)] += shift
        return torch.from_numpy(out)

    def inputs(self) -> Inputs:
        """So many tokens, of so many."""
        return Inputs((self.max_tokens,), kind="tokens", tokens=self.vocabulary)

    def features(self, x: Samples) -> Float32[ndarray, " n d"]:
        """TF-IDF of the tokens, 1 + log of how often a text has each, to length 1; the 4,096 commonest tokens only."""
        if not isinstance(x, Tensor):
            raise TypeError("texts are a tensor of tokens")
        documents = counts_of(self.documents)
        commonest = np.argsort(-documents, kind="stable")[:MOST_FEATURES]
        commonest = np.sort(commonest[documents[commonest] > 0])
        idf = np.log((1 + self.rows) / (1 + documents[commonest])) + 1  # as in scikit-learn
        place = torch.full((self.vocabulary,), len(commonest))
        place[torch.from_numpy(commonest)] = torch.arange(len(commonest))
        at = place[x.cpu().long()]
        counts = torch.zeros(len(x), len(commonest) + 1).scatter_add_(1, at, torch.ones(at.shape))[:, :-1]
        weights = torch.where(counts > 0, 1 + counts.log(), 0.0) * torch.from_numpy(idf).float()
        return np.asarray(normalize(weights, dim=1).numpy())


def texts_of(table: pa.Table) -> list[str]:
    """The texts of a table that was read; a missing one is empty.

    Raises
    ------
    InputError
        There are none.
    """
    if TEXT not in table.column_names:
        raise InputError(f"there is no column {TEXT!r} of texts: read files of text, or name a column by text.column")
    if not is_text(table.schema.field(TEXT).type):
        raise InputError(f"the column {TEXT!r} holds {table.schema.field(TEXT).type}, not text")
    return [text or "" for text in table.column(TEXT).to_pylist()]


def said_of(cut: int, empty: int, max_tokens: int) -> tuple[str, ...]:
    """Notes on texts of which only the start is used, and on those that hold nothing."""
    return (
        *([f"{cut:,} texts are longer than {max_tokens:,} tokens: their start is used"] if cut else ()),
        *([f"{empty:,} texts are empty or missing: each stays a record, without tokens"] if empty else ()),
    )


def packed_counts(counts: Int[ndarray, " V"]) -> str:
    """A count for each token as text, four bytes each in base64.

    Examples
    --------
    >>> counts_of(packed_counts(np.array([0, 7, 300]))).tolist()
    [0, 7, 300]
    """
    return base64.b64encode(counts.astype("<i4").tobytes()).decode()


def counts_of(text: str) -> Int[ndarray, " V"]:
    """The counts again.

    Raises
    ------
    ValueError
        The text is none of :func:`packed_counts`'s.
    """
    counts = np.frombuffer(base64.b64decode(text, validate=True), "<i4").astype(np.int64)
    if (counts < 0).any():
        raise ValueError("a count is below 0")
    return counts
