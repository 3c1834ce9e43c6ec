"""Train or load tokenizers of the Hugging Face tokenizers library; they are stored as JSON."""

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

from contramix.errors import InputError, printable

MAX_CHARACTERS = 100_000
"""Maximum number of characters of a text that are tokenized; no input of a network is longer."""
MAX_JSON_BYTES = 64 << 20
"""Maximum size of a tokenizer's JSON."""
MIN_FREQUENCY = 2
"""Minimum number of times that a pair of tokens occurs to be merged."""
_PADDING = ("[PAD]", "<pad>", "<PAD>", "[pad]", "<|pad|>")
_BATCH_SIZE = 1000


def train_tokenizer(texts: Sequence[str], vocabulary: int, lowercase: bool) -> str:
    """Train a byte-level byte-pair encoding, and return it as JSON. The result depends on the texts only.

    The encoding represents any text, and has no special tokens.

    Parameters
    ----------
    texts
        The training texts.
    vocabulary
        Maximum number of tokens.
    lowercase
        Whether texts are converted to lower case.

    Raises
    ------
    InputError
        If tokenizers is not installed.
    """
    made = _tokenizers()
    tokenizer = made.Tokenizer(made.models.BPE())
    lower = [made.normalizers.Lowercase()] if lowercase else []
    tokenizer.normalizer = made.normalizers.Sequence([made.normalizers.NFC(), made.normalizers.Strip(), *lower])
    tokenizer.pre_tokenizer = made.pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = made.decoders.ByteLevel()
    trainer = made.trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=MIN_FREQUENCY,
        initial_alphabet=sorted(made.pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator((text[:MAX_CHARACTERS] for text in texts), trainer)
    return str(tokenizer.to_str())


def load_tokenizer(name: str) -> str:
    """Return a tokenizer of Hugging Face as JSON.

    Parameters
    ----------
    name
        A JSON file, a folder that holds tokenizer.json, or the name of a model on the Hugging Face hub.

    Raises
    ------
    InputError
        If there is none, it cannot be downloaded or read, or tokenizers is not installed.
    """
    shown = f"text.tokenizer {printable(name, 200)!r}"
    path = os.path.join(name, "tokenizer.json") if os.path.isdir(name) else name
    if os.path.isfile(path):
        try:
            with open(path, "rb") as file:
                text = file.read(MAX_JSON_BYTES + 1).decode()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{shown}: cannot be read ({printable(str(error), 120)})") from None
    elif path != name or name.endswith(".json"):
        raise InputError(f"{shown}: there is no file {printable(path)}")
    else:
        text = _from_hub(name, shown)
    try:
        open_tokenizer(text)
    except ValueError as error:
        raise InputError(f"{shown}: {error}") from None
    return text


def _from_hub(name: str, shown: str) -> str:
    made = _tokenizers()
    try:
        return str(made.Tokenizer.from_pretrained(name).to_str())
    except Exception as error:  # the hub's client raises what its network library does
        reason = printable(str(error).partition("\n")[0], 120)
        raise InputError(
            f"{shown}: there is no such file, and the hub does not provide it ({reason}); "
            "give the path of a tokenizer.json"
        ) from None


@lru_cache(maxsize=4)
def open_tokenizer(text: str, max_tokens: int | None = None) -> Any:
    """Create a tokenizer from its JSON. It does not pad.

    Parameters
    ----------
    text
        The JSON.
    max_tokens
        Number of tokens that texts are truncated to; None for no truncation.

    Raises
    ------
    ValueError
        If the JSON is not a tokenizer.
    InputError
        If tokenizers is not installed.
    """
    if len(text) > MAX_JSON_BYTES:
        raise ValueError(f"more than {MAX_JSON_BYTES >> 20} MiB, too large for a tokenizer")
    made = _tokenizers()
    try:
        tokenizer = made.Tokenizer.from_str(text)
        tokenizer.no_padding()
        if max_tokens is None:
            tokenizer.no_truncation()
        else:
            tokenizer.enable_truncation(max(max_tokens, tokenizer.num_special_tokens_to_add(False)))
    except Exception as error:
        reason = printable(str(error).partition("\n")[0], 120)
        raise ValueError(f"not a tokenizer's JSON ({reason}): save it with tokenizers' Tokenizer.save") from None
    return tokenizer


def id_shift(tokenizer: Any) -> int:
    """Return what is added to a tokenizer's ids to make 0 the padding: 0 if it is already, else 1."""
    return 0 if tokenizer.id_to_token(0) in _PADDING else 1


def vocabulary_size(tokenizer: Any) -> int:
    """Return the number of different tokens, including 0 for padding."""
    return max(tokenizer.get_vocab().values(), default=0) + 1 + id_shift(tokenizer)


def token_ids(tokenizer: Any, texts: Sequence[str]) -> Iterator[list[int]]:
    """Yield the token ids of each text, as the tokenizer numbers them."""
    for start in range(0, len(texts), _BATCH_SIZE):
        some = [text[:MAX_CHARACTERS] for text in texts[start : start + _BATCH_SIZE]]
        for encoding in tokenizer.encode_batch_fast(some):
            yield encoding.ids


def _tokenizers() -> Any:
    try:
        return import_module("tokenizers")
    except ImportError as error:
        raise InputError("reading text needs tokenizers: pip install 'contramix[text]'") from error
