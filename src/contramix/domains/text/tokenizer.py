"""From texts to tokens: byte-pair encoding trained on the texts, or any tokenizer of Hugging Face's; kept as JSON."""

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

from contramix.errors import InputError, printable

MOST_CHARACTERS = 100_000
"""Of a text; what comes behind could fill no network's input, and is not looked at."""
MAX_JSON_BYTES = 64 << 20
LEAST_OFTEN = 2
"""Pairs that occur less often are not joined."""
_PADDING = ("[PAD]", "<pad>", "<PAD>", "[pad]", "<|pad|>")
_AT_ONCE = 1000


def trained(texts: Sequence[str], vocabulary: int, lowercase: bool) -> str:
    """A byte-level byte-pair encoding of at most so many tokens, as JSON; the same texts give the same.

    It can write any text, and has no token that stands for anything but text.

    Raises
    ------
    InputError
        tokenizers is not installed.
    """
    made = _tokenizers()
    tokenizer = made.Tokenizer(made.models.BPE())
    lower = [made.normalizers.Lowercase()] if lowercase else []
    tokenizer.normalizer = made.normalizers.Sequence([made.normalizers.NFC(), made.normalizers.Strip(), *lower])
    tokenizer.pre_tokenizer = made.pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = made.decoders.ByteLevel()
    trainer = made.trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=LEAST_OFTEN,
        initial_alphabet=sorted(made.pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator((text[:MOST_CHARACTERS] for text in texts), trainer)
    return str(tokenizer.to_str())


def found(name: str) -> str:
    """A tokenizer of Hugging Face's as JSON: a file, a folder that holds tokenizer.json, or a name on the hub.

    Raises
    ------
    InputError
        There is none, it cannot be fetched or read, or tokenizers is not installed.
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
        opened(text)
    except ValueError as error:
        raise InputError(f"{shown}: {error}") from None
    return text


def _from_hub(name: str, shown: str) -> str:
    made = _tokenizers()
    try:
        return str(made.Tokenizer.from_pretrained(name).to_str())
    except Exception as error:  # the hub's client raises what its network library does
        said = printable(str(error).partition("\n")[0], 120)
        raise InputError(
            f"{shown}: no such file here, and the hub does not give it ({said}); give the path of a tokenizer.json"
        ) from None


@lru_cache(maxsize=4)
def opened(text: str, at_most: int | None = None) -> Any:
    """A tokenizer from its JSON, which gives at most so many tokens of a text, and no padding.

    Raises
    ------
    ValueError
        It is none.
    InputError
        tokenizers is not installed.
    """
    if len(text) > MAX_JSON_BYTES:
        raise ValueError(f"more than {MAX_JSON_BYTES >> 20} MiB, which is no tokenizer's")
    made = _tokenizers()
    try:
        tokenizer = made.Tokenizer.from_str(text)
        tokenizer.no_padding()
        if at_most is None:
            tokenizer.no_truncation()
        else:
            tokenizer.enable_truncation(max(at_most, tokenizer.num_special_tokens_to_add(False)))
    except Exception as error:
        said = printable(str(error).partition("\n")[0], 120)
        raise ValueError(f"not a tokenizer's JSON ({said}): save it with tokenizers' Tokenizer.save") from None
    return tokenizer


def shift_of(tokenizer: Any) -> int:
    """What is added to a tokenizer's numbers, so that 0 stands for padding: 0 where it does already, else 1."""
    return 0 if tokenizer.id_to_token(0) in _PADDING else 1


def size_of(tokenizer: Any) -> int:
    """How many tokens there are, with 0 for padding."""
    return max(tokenizer.get_vocab().values(), default=0) + 1 + shift_of(tokenizer)


def tokens_of(tokenizer: Any, texts: Sequence[str]) -> Iterator[list[int]]:
    """The tokenizer's own numbers for each text."""
    for start in range(0, len(texts), _AT_ONCE):
        some = [text[:MOST_CHARACTERS] for text in texts[start : start + _AT_ONCE]]
        for encoding in tokenizer.encode_batch_fast(some):
            yield encoding.ids


def _tokenizers() -> Any:
    try:
        return import_module("tokenizers")
    except ImportError as error:
        raise InputError("reading text needs tokenizers: pip install 'contramix[text]'") from error
