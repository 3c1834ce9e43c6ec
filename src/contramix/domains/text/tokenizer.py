"""Train, load and apply tokenizers of the Hugging Face tokenizers library, which are stored as JSON strings."""

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

from contramix.errors import InputError, first_line, printable

MAX_CHARACTERS = 100_000
"""Maximum number of characters of a text that are tokenized. Samples are truncated to far fewer tokens anyway."""
MAX_JSON_BYTES = 64 << 20
"""Maximum size of a tokenizer's JSON in bytes."""
MIN_FREQUENCY = 2
"""Minimum number of occurrences of a pair of tokens that byte-pair encoding merges into one."""
_PADDING = ("[PAD]", "<pad>", "<PAD>", "[pad]", "<|pad|>")
_BATCH_SIZE = 1000


def train_tokenizer(texts: Sequence[str], vocabulary: int, lowercase: bool) -> str:
    """Train a tokenizer with byte-level byte-pair encoding, and return it as a JSON string.

    Training is deterministic. The tokenizer can encode any text, and has no special tokens.

    Parameters
    ----------
    texts
        The training texts.
    vocabulary
        Maximum vocabulary size, without a padding token.
    lowercase
        Whether the tokenizer converts texts to lower case.

    Raises
    ------
    InputError
        If the tokenizers library is not installed.
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
    """Load a Hugging Face tokenizer from a file or the hub, and return it as a JSON string.

    Parameters
    ----------
    name
        A JSON file, a folder that holds ``tokenizer.json``, or the name of a model on the hub, such as
        ``"bert-base-uncased"``.

    Raises
    ------
    InputError
        If the tokenizer does not exist, cannot be downloaded or read, or if the tokenizers library is not installed.
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
        reason = first_line(error, 120)
        raise InputError(
            f"{shown}: there is no such file, and the hub does not provide it ({reason}); "
            "give the path of a tokenizer.json"
        ) from None


@lru_cache(maxsize=4)
def open_tokenizer(text: str, max_tokens: int | None = None) -> Any:
    """Create a tokenizer, which does not pad, from its JSON string. The four most recently used ones are cached.

    Parameters
    ----------
    text
        The JSON string.
    max_tokens
        Number of tokens to which the tokenizer truncates texts; None for no truncation.

    Raises
    ------
    ValueError
        If the string is too long, or does not describe a tokenizer.
    InputError
        If the tokenizers library is not installed.
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
        reason = first_line(error, 120)
        raise ValueError(f"not a tokenizer's JSON ({reason}): save it with tokenizers' Tokenizer.save") from None
    return tokenizer


def id_shift(tokenizer: Any) -> int:
    """Return the number (0 or 1) to add to a tokenizer's ids so that id 0 means padding.

    Return 0 if the tokenizer uses id 0 for a padding token, such as ``[PAD]``, and 1 otherwise.
    """
    return 0 if tokenizer.id_to_token(0) in _PADDING else 1


def vocabulary_size(tokenizer: Any) -> int:
    """Return the vocabulary size of a tokenizer, including the padding token 0."""
    return max(tokenizer.get_vocab().values(), default=0) + 1 + id_shift(tokenizer)


def token_ids(tokenizer: Any, texts: Sequence[str]) -> Iterator[list[int]]:
    """Yield the list of token ids of each text, as the tokenizer returns them, without :func:`id_shift` added.

    Only the first 100,000 characters of a text are tokenized.
    """
    for start in range(0, len(texts), _BATCH_SIZE):
        some = [text[:MAX_CHARACTERS] for text in texts[start : start + _BATCH_SIZE]]
        for encoding in tokenizer.encode_batch_fast(some):
            yield encoding.ids


def _tokenizers() -> Any:
    try:
        return import_module("tokenizers")
    except ImportError as error:
        raise InputError("reading text needs tokenizers: pip install 'contramix[text]'") from error
