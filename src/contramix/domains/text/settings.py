"""How texts are read, and in what pieces the network sees them: the recipe's section ``text``."""

from typing import Annotated, Literal

from pydantic import Field

from contramix.settings import Settings

MOST_TOKENS = 4096


class TextSettings(Settings):
    """How texts are read, and in what pieces the network sees them.

    Parameters
    ----------
    column
        Of a table: the column of texts. ``"auto"``: one that is called so (text, sentence, review, question, ...), else
        the column of text with the longest cells.
    tokenizer
        ``"train"``: byte-pair encoding learned from the training texts. Else one of Hugging Face's: a tokenizer.json, a
        folder that holds one, or a name on the hub, which is asked for it.
    vocabulary
        Of a tokenizer that is trained: how many tokens at most, with the one for padding.
    lowercase
        Whether a tokenizer that is trained takes capital letters for small ones.
    max_tokens
        Longer texts keep their start. ``"auto"``: what 99 % of the training texts need, at most 128.
    """

    column: Annotated[str, Field(min_length=1)] = "auto"
    tokenizer: Annotated[str, Field(min_length=1)] = "train"
    vocabulary: int = Field(default=4000, ge=300, le=200_000)
    lowercase: bool = True
    max_tokens: Literal["auto"] | Annotated[int, Field(ge=1, le=MOST_TOKENS)] = "auto"
