"""Define how the columns of a table are read: the section ``table`` of a recipe."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from contramix.settings import Settings, as_tuple


def _as_names(value: Any) -> Any:
    """Convert column names to text: a column may be called 7, which TOML reads as a number."""
    names = as_tuple(value)
    return tuple(str(n) if type(n) is int else n for n in names) if isinstance(names, tuple) else names


Names = Annotated[tuple[str, ...], BeforeValidator(_as_names)]


class TableSettings(Settings):
    """Set how the columns of a table are read.

    Parameters
    ----------
    numeric
        ``"standard"``: numbers become standard scores. ``"quantile"``: they become normal quantiles, for heavy tails
        and outliers.
    mixing
        ``"typed"``: numbers are averaged; categories and one-hot groups are copied from one of the rows. ``"raw"``:
        every element is averaged, as in the published code.
    onehot_levels
        Maximum number of categories of a text column that is one-hot encoded. A column of more is stored as codes, for
        which the encoder learns vectors.
    infinite
        Whether infinite values are an ``"error"`` or ``"missing"``.
    categorical
        Columns of numbers that are categories, such as postal codes.
    drop
        Columns that are left out.
    """

    numeric: Literal["standard", "quantile"] = "standard"
    mixing: Literal["typed", "raw"] = "typed"
    onehot_levels: int = Field(default=32, ge=0, le=1000)
    infinite: Literal["error", "missing"] = "error"
    categorical: Names = ()
    drop: Names = ()
