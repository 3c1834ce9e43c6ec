"""Define how texts are read and tokenized: the section ``text`` of a recipe."""

from typing import Annotated, Literal

from pydantic import Field

from contramix.settings import Settings

MAX_TOKENS = 4096
"""Maximum number of tokens of a sample, the upper limit of ``text.max_tokens``."""


class TextSettings(Settings):
    """Configure how texts are read and tokenized.

    Parameters
    ----------
    column
        Column of a table that holds the texts. ``"auto"``: a column with a usual name (text, sentence, review,
        question, ...), else the column with the longest texts.
    tokenizer
        ``"train"``: train a byte-pair encoding on the training texts. Otherwise a Hugging Face tokenizer: a
        ``tokenizer.json`` file, a folder that holds one, or the name of a model on the Hugging Face hub.
    vocabulary
        Maximum vocabulary size of a trained tokenizer, including the padding token.
    lowercase
        Whether a trained tokenizer converts texts to lower case.
    max_tokens
        Number of tokens to which longer texts are truncated. ``"auto"``: the smallest number that fits 99 % of the
        training texts, but at most 128.
    """

    column: Annotated[str, Field(min_length=1)] = "auto"
    tokenizer: Annotated[str, Field(min_length=1)] = "train"
    vocabulary: int = Field(default=4000, ge=300, le=200_000)
    lowercase: bool = True
    max_tokens: Literal["auto"] | Annotated[int, Field(ge=1, le=MAX_TOKENS)] = "auto"
