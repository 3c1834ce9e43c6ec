"""Define the pydantic base class of all settings: immutable, strictly typed, without unknown names."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Settings(BaseModel):
    """Provide the base class of all settings. Instances are frozen. Unknown names, wrong types and NaN are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def as_tuple(value: Any) -> Any:
    """Convert a list, or a single string or number, to a tuple; return any other value unchanged."""
    if isinstance(value, str | int | float):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Cut = Annotated[tuple[str, ...], BeforeValidator(as_tuple), Field(min_length=1)]
"""Type of the setting that says where noise or mixing is applied: ``"input"``, after a named stage of the encoder, or
``"output"``. With several cuts, one is drawn at each training step. ``"auto"`` is the first cut at which all samples
have the same shape: the input for tables and images, the output for graphs."""
