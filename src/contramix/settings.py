"""What a user may set: frozen, strict, and loud about names it does not know."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Settings(BaseModel):
    """Settings of one part of a recipe. Unknown names, wrong types and NaN are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def as_tuple(value: Any) -> Any:
    """TOML has lists only, and one name or number may stand alone."""
    if isinstance(value, str | int | float):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Cut = Annotated[tuple[str, ...], BeforeValidator(as_tuple), Field(min_length=1)]
"""Where something is mixed: ``"input"``, a stage of the encoder, ``"output"``; several are drawn anew each step.
``"auto"`` is the first of them where samples have one shape: of tables and images the input, of graphs the output."""
