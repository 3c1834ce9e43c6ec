"""Define how texts are read and tokenized: the section ``text`` of a recipe."""

from typing import Annotated, Literal

from pydantic import Field

from contramix.settings import Settings

MAX_TOKENS = 4096
"""Maximum number of tokens of a sample."""


class TextSettings(Settings):
    """Set how texts are read and tokenized.

    Parameters
    ----------
    column
        Column of a table that holds the texts. ``"auto"``: a column with a usual name (text, sentence, review,
        question, ...), else the column with the longest texts.
    tokenizer
        ``"train"``: train a byte-pair encoding on the training texts. Else a tokenizer of Hugging Face: a
        tokenizer.json, a folder that holds one, or the name of a model on the hub, from which it is downloaded.
    vocabulary
        Maximum number of tokens of a tokenizer that is trained, including one for padding.
    lowercase
        Whether a tokenizer that is trained converts texts to lower case.
    max_tokens
        Number of tokens that longer texts are truncated to. ``"auto"``: what 99 % of the training texts need, at most
        128.
    """

    column: Annotated[str, Field(min_length=1)] = "auto"
    tokenizer: Annotated[str, Field(min_length=1)] = "train"
    vocabulary: int = Field(default=4000, ge=300, le=200_000)
    lowercase: bool = True
    max_tokens: Literal["auto"] | Annotated[int, Field(ge=1, le=MAX_TOKENS)] = "auto"
