"""From a name in a recipe to a member of an axis, and back; and the nearest name for a mistyped one."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, BeforeValidator, PlainSerializer
from pydantic_core import PydanticCustomError

from contramix.errors import InputError


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that ends an error message: the nearest known name, or all of them."""
    known = sorted(known)
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"


def choice(members: Mapping[str, type[BaseModel]]) -> tuple[BeforeValidator, PlainSerializer]:
    """How a recipe reads and writes a member of an axis: as ``{"kind": name, ...settings}``, or its bare name.

    Use it as ``Annotated[Operator, *choice(OPERATORS)]``. The dict is looked up at use, so that a member
    entered later is known too.
    """

    def read(value: Any) -> Any:
        if isinstance(value, BaseModel):
            return value
        if isinstance(value, str):
            value = {"kind": value}
        if not isinstance(value, Mapping) or not isinstance(value.get("kind"), str):
            raise PydanticCustomError("kind", "needs a kind, one of: {known}", {"known": ", ".join(sorted(members))})
        kind, rest = value["kind"], {k: v for k, v in value.items() if k != "kind"}
        if kind not in members:
            hint = nearest(kind, members)
            raise PydanticCustomError("kind", "unknown kind '{kind}'; {hint}", {"kind": kind, "hint": hint})
        return members[kind].model_validate(rest)

    def write(value: BaseModel) -> dict[str, Any]:
        return {"kind": kind_of(value, members), **value.model_dump(exclude_none=True)}

    return BeforeValidator(read), PlainSerializer(write)


def kind_of(value: BaseModel, members: Mapping[str, type[BaseModel]]) -> str:
    """The name under which a member stands in its axis.

    Raises
    ------
    InputError
        If its class was never entered in the axis's dict.
    """
    for name, cls in members.items():
        if type(value) is cls:
            return name
    raise InputError(f"{type(value).__name__} is in no axis: enter it in the folder's dict to use it in a recipe")
