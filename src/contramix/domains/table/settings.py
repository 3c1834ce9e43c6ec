"""Define the section ``table`` of a recipe, which configures how the columns of a table are read and encoded."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from contramix.backbones.settings import BackboneSettings
from contramix.settings import Settings, as_tuple


def _as_names(value: Any) -> Any:
    """Convert a setting to a tuple of column names: integers become strings, since a column may be named ``"7"``."""
    names = as_tuple(value)
    return tuple(str(n) if type(n) is int else n for n in names) if isinstance(names, tuple) else names


def _as_backbones(value: Any) -> Any:
    """Convert names of backbones to settings."""
    if not isinstance(value, dict):
        return value
    return {name: {"name": each} if isinstance(each, str) else each for name, each in value.items()}


Names = Annotated[tuple[str, ...], BeforeValidator(_as_names)]


class TableSettings(Settings):
    """Configure how the columns of a table are read, encoded and mixed.

    Parameters
    ----------
    numeric
        ``"standard"``: numbers become standard scores. ``"quantile"``: numbers are mapped to normal quantiles, which
        suits heavy tails and outliers.
    mixing
        How two rows are mixed. ``"typed"``: numbers are averaged; categories and one-hot groups are copied from one of
        the rows. ``"raw"``: every element except integer codes is averaged, as in the experiments of the i-Mix paper.
    onehot_levels
        Maximum number of categories of a text column that is one-hot encoded. A column with more categories is stored
        as integer codes, which index the encoder's embedding layer.
    infinite
        ``"error"``: infinite values raise an error. ``"missing"``: they count as missing.
    categorical
        Names of numeric columns whose values are categories, such as postal codes.
    drop
        Names of columns to leave out.
    keep
        Names of the only columns to use; empty: all columns.
    embedding
        Names of columns of numbers that together are one vector, such as an embedding; ``"*"``: all columns of numbers.
        They are replaced by a column ``vector``.
    backbones
        Settings of the backbone for each column that holds texts, or paths of images: a pre-trained encoder that turns
        the column into one of vectors. The name of a backbone may stand for its settings.
    """

    numeric: Literal["standard", "quantile"] = "standard"
    mixing: Literal["typed", "raw"] = "typed"
    onehot_levels: int = Field(default=32, ge=0, le=1000)
    infinite: Literal["error", "missing"] = "error"
    categorical: Names = ()
    drop: Names = ()
    keep: Names = ()
    embedding: Names = ()
    backbones: Annotated[dict[str, BackboneSettings], BeforeValidator(_as_backbones)] = Field(default_factory=dict)
