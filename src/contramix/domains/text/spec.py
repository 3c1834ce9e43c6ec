"""Learn a tokenizer and document frequencies of tokens from texts, and convert texts to token ids."""

import base64
from collections.abc import Sequence
from math import ceil
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
from contramix.domains.text.column import CONTENT, TEXT
from contramix.domains.text.settings import MAX_TOKENS, TextSettings
from contramix.domains.text.tokenizer import (
    MAX_JSON_BYTES,
    id_shift,
    load_tokenizer,
    open_tokenizer,
    token_ids,
    train_tokenizer,
    vocabulary_size,
)
from contramix.encoders.encoder import Inputs
from contramix.errors import InputError
from contramix.samples.samples import Samples

MAX_FEATURES = 4096
"""Maximum number of TF-IDF features of a baseline: the tokens that occur in the most texts are used."""
MAX_AUTO_TOKENS = 128
"""Maximum tokens per sample if ``text.max_tokens`` is ``"auto"``. The cost of attention grows with its square."""
_COVERED_SHARE = 0.99
"""Share of the training texts that are not truncated if ``text.max_tokens`` is ``"auto"``."""
_SPECIAL_TOKENS = 8
"""Maximum number of tokens that a tokenizer is assumed to add to a text; two or three are usual."""


class TextSpec(Spec):
    """Convert texts to token ids with a learned or given tokenizer, and compute TF-IDF features for baselines.

    Parameters
    ----------
    column
        Name of the column of texts in the user's table; ``text`` if the texts came from files.
    tokenizer
        The tokenizer as a JSON string, in the format of the Hugging Face tokenizers library.
    max_tokens
        Number of tokens of a sample. Longer texts are truncated, shorter ones padded.
    vocabulary
        Vocabulary size, including token 0 for padding.
    documents
        Number of training texts that contain each token, in order of token ids. :func:`encode_counts` encodes the
        numbers as a string.
    """

    domain: Literal["text"] = "text"
    format_version: Literal[1] = 1
    column: str = TEXT
    tokenizer: str = Field(max_length=MAX_JSON_BYTES, repr=False)
    max_tokens: int = Field(ge=1, le=MAX_TOKENS)
    vocabulary: int = Field(ge=2, le=10_000_000)
    documents: str = Field(repr=False)

    @model_validator(mode="after")
    def _check_sizes(self) -> "TextSpec":
        if vocabulary_size(open_tokenizer(self.tokenizer, self.max_tokens)) != self.vocabulary:
            raise ValueError("the tokenizer does not have as many tokens as the vocabulary")
        if len(decode_counts(self.documents)) != self.vocabulary:
            raise ValueError("documents: need one count for each token")
        return self

    @classmethod
    def learn(
        cls,
        table: pa.Table,
        settings: TextSettings,
        target: str | None = None,
        extra_rows: pa.Table | None = None,
    ) -> tuple["TextSpec", tuple[str, ...]]:
        """Train or load a tokenizer, and count how many training texts in ``table`` contain each token.

        Texts of ``extra_rows`` are used to train the tokenizer, but are not counted. ``target`` names the column of
        labels, which is not used as an input.

        Returns
        -------
        spec, notes
            The specification, and messages about truncated and empty texts.

        Raises
        ------
        InputError
            If there are no texts or all are empty, if the tokenizer cannot be loaded, or if the table has no column
            ``target``.
        """
        texts = extract_texts(table)
        if not texts:
            raise InputError(f"the column {TEXT!r} has no texts to learn from")
        if settings.tokenizer == "train":
            more = [] if extra_rows is None else extract_texts(extra_rows)
            # One token of the vocabulary is for padding.
            json = train_tokenizer([*texts, *more], settings.vocabulary - 1, settings.lowercase)
        else:
            json = load_tokenizer(settings.tokenizer)
        tokenizer = open_tokenizer(json)
        shift, vocabulary = id_shift(tokenizer), vocabulary_size(tokenizer)
        documents, lengths = np.zeros(vocabulary, np.int64), np.zeros(len(texts), np.int64)
        for row, ids in enumerate(token_ids(tokenizer, texts)):
            lengths[row] = len(ids)
            documents[np.unique(ids) + shift if ids else []] += 1
        documents[0] = 0
        if not lengths.any():
            raise InputError(f"all {len(texts):,} texts are empty")
        max_tokens = settings.max_tokens
        if max_tokens == "auto":
            covering = np.sort(lengths)[ceil(_COVERED_SHARE * len(lengths)) - 1]
            max_tokens = int(min(MAX_AUTO_TOKENS, max(1, covering)))
        spec = cls(
            column=CONTENT.metadata(table).get("column", TEXT),
            tokenizer=json,
            max_tokens=max_tokens,
            vocabulary=vocabulary,
            documents=encode_counts(documents),
            target=target,
            rows=len(texts),
            left_out=CONTENT.left_out(table, target),
        )
        return spec, _length_notes(texts, int((lengths > max_tokens).sum()), max_tokens)

    @property
    def kinds(self) -> dict[str, list[str]]:
        """Return the names of the input columns, grouped by kind: always ``{"text": ["text"]}``."""
        return {"text": [TEXT]}

    @property
    def summary(self) -> str:
        """Describe the sample length and the vocabulary size, such as ``"up to 128 of 4,000 tokens each"``."""
        return f"up to {self.max_tokens:,} of {self.vocabulary:,} tokens each"

    def input_notes(self, table: pa.Table, known: Sequence[str] = ()) -> tuple[str, ...]:
        """Return one message if texts in ``table`` are truncated, and one if texts are empty, each with their number.

        ``known`` is not used.
        """
        texts = extract_texts(table)
        # A token stands for at least one byte, or for no text, like [CLS]. Short texts therefore need no check.
        long = [text for text in texts if len(text.encode()) + _SPECIAL_TOKENS > self.max_tokens]
        truncated = sum(len(ids) > self.max_tokens for ids in token_ids(open_tokenizer(self.tokenizer), long))
        return _length_notes(texts, truncated, self.max_tokens)

    def tensorize(self, table: pa.Table, first_row: int = 0) -> Int32[Tensor, " n L"]:
        """Convert n texts to a tensor of token ids (n, max_tokens).

        Longer texts are truncated, and shorter ones padded with 0. ``first_row`` is not used.

        Raises
        ------
        InputError
            If the table has no column of texts.
        """
        texts, tokenizer = extract_texts(table), open_tokenizer(self.tokenizer, self.max_tokens)
        out, shift = np.zeros((len(texts), self.max_tokens), np.int32), id_shift(tokenizer)
        for row, ids in enumerate(token_ids(tokenizer, texts)):
            kept = ids[: self.max_tokens]
            out[row, : len(kept)] = kept
            out[row, : len(kept)] += shift
        return torch.from_numpy(out)

    def inputs(self) -> Inputs:
        """Return the properties of samples that an encoder is built for: the sample length and the vocabulary size."""
        return Inputs((self.max_tokens,), kind="tokens", tokens=self.vocabulary)

    def features(self, x: Samples) -> Float32[ndarray, " n d"]:
        """Compute TF-IDF features for baselines from token ids, one row per text and one column per token.

        Columns and term frequencies are those of :meth:`term_frequencies`. Rows have Euclidean norm 1, as in
        scikit-learn's ``TfidfVectorizer(sublinear_tf=True)``. ``x`` holds token ids as :meth:`tensorize` returns them.
        """
        documents = decode_counts(self.documents)[self._commonest_tokens]
        idf = np.log((1 + self.rows) / (1 + documents)) + 1  # as in scikit-learn
        weights = torch.from_numpy(self.term_frequencies(x)) * torch.from_numpy(idf).float()
        return np.asarray(normalize(weights, dim=1).numpy())

    def term_frequencies(self, x: Samples) -> Float32[ndarray, " n d"]:
        """Compute the sublinear frequency of each token in each text: 1 + log(count), or 0.

        Columns are the tokens that occur in the most training texts, at most 4,096. ``x`` holds token ids as
        :meth:`tensorize` returns them.
        """
        if not isinstance(x, Tensor):
            raise TypeError("texts are a tensor of tokens")
        tokens = self._commonest_tokens
        feature_of_token = torch.full((self.vocabulary,), len(tokens))
        feature_of_token[torch.from_numpy(tokens)] = torch.arange(len(tokens))
        index = feature_of_token[x.cpu().long()]
        counts = torch.zeros(len(x), len(tokens) + 1).scatter_add_(1, index, torch.ones(index.shape))[:, :-1]
        return np.asarray(torch.where(counts > 0, 1 + counts.log(), 0.0).numpy())

    @property
    def _commonest_tokens(self) -> Int[ndarray, " d"]:
        """Return the ids of the tokens that occur in the most training texts, at most ``MAX_FEATURES``, in order."""
        documents = decode_counts(self.documents)
        commonest = np.argsort(-documents, kind="stable")[:MAX_FEATURES]
        return np.sort(commonest[documents[commonest] > 0])


def extract_texts(table: pa.Table) -> list[str]:
    """Return the texts of a table's column ``text`` as strings. A null becomes an empty string.

    Raises
    ------
    InputError
        If the table has no column of texts.
    """
    return [text or "" for text in CONTENT.select(table).to_pylist()]


def encode_counts(counts: Int[ndarray, " V"]) -> str:
    """Encode an array of counts as a base64 string of 32-bit little-endian integers, to be stored in JSON.

    Examples
    --------
    >>> decode_counts(encode_counts(np.array([0, 7, 300]))).tolist()
    [0, 7, 300]
    """
    return base64.b64encode(counts.astype("<i4").tobytes()).decode()


def decode_counts(text: str) -> Int[ndarray, " V"]:
    """Decode a string that :func:`encode_counts` returned to an array of counts.

    Raises
    ------
    ValueError
        If the string is not valid base64, or a count is negative.
    """
    counts = np.frombuffer(base64.b64decode(text, validate=True), "<i4").astype(np.int64)
    if (counts < 0).any():
        raise ValueError("a count is below 0")
    return counts


def _length_notes(texts: Sequence[str], truncated: int, max_tokens: int) -> tuple[str, ...]:
    empty = sum(not text.strip() for text in texts)
    return (
        *([f"{truncated:,} texts are longer than {max_tokens:,} tokens and are truncated"] if truncated else ()),
        *([f"{empty:,} texts are empty or missing; they stay records without tokens"] if empty else ()),
    )
