"""How a table's columns are read: the recipe's section ``table``."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from contramix.settings import Settings, as_tuple


def _as_names(value: Any) -> Any:
    """A column may be called 7, which TOML takes for a number."""
    names = as_tuple(value)
    return tuple(str(n) if type(n) is int else n for n in names) if isinstance(names, tuple) else names


Names = Annotated[tuple[str, ...], BeforeValidator(_as_names)]


class TableSettings(Settings):
    """How a table's columns are read.

    Parameters
    ----------
    numeric
        ``"standard"``: standard score. ``"quantile"``: normal quantiles, for heavy tails and outliers.
    mixing
        ``"typed"``: numbers are averaged, levels and one-hot groups are taken whole. ``"raw"``: every element is
        averaged, as in the published code.
    onehot_levels
        A text column of at most so many levels is one-hot; of more, codes with learned vectors.
    infinite
        Infinite values are an ``"error"``, or ``"missing"``.
    categorical
        Columns of numbers that are levels: postcodes, coded answers.
    drop
        Columns to leave out.
    """

    numeric: Literal["standard", "quantile"] = "standard"
    mixing: Literal["typed", "raw"] = "typed"
    onehot_levels: int = Field(default=32, ge=0, le=1000)
    infinite: Literal["error", "missing"] = "error"
    categorical: Names = ()
    drop: Names = ()
