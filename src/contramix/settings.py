"""Define the base of all settings: frozen, strict, and rejecting unknown names."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Settings(BaseModel):
    """Hold the settings of one section of a recipe. Unknown names, wrong types and NaN are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def as_tuple(value: Any) -> Any:
    """Convert a TOML list, or a single name or number, to a tuple."""
    if isinstance(value, str | int | float):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Cut = Annotated[tuple[str, ...], BeforeValidator(as_tuple), Field(min_length=1)]
"""Where noise or mixing is applied: ``"input"``, after a named stage of the encoder, or ``"output"``. With several
cuts, one is drawn at each step. ``"auto"`` is the first cut at which all samples have the same shape: the input for
tables and images, the output for graphs."""
