"""From a name in a recipe to a member of an axis, and back."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, BeforeValidator, PlainSerializer, ValidationError
from pydantic_core import PydanticCustomError

from contramix.errors import InputError, nearest


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
        try:
            return members[kind].model_validate(rest)
        except ValidationError as error:
            raise _passed_on(error, members[kind]) from error

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


def _passed_on(error: ValidationError, member: type[BaseModel]) -> PydanticCustomError:
    """A member's first error, so that the recipe's own error can name the whole path."""
    first = error.errors(include_url=False)[0]
    inner = first.get("ctx", {})
    return PydanticCustomError(
        "member",
        "{problem}",
        {
            "type": inner.get("type", first["type"]),
            "problem": inner.get("problem", first["msg"]),
            "path": (*first["loc"], *inner.get("path", ())),
            "known": inner.get("known") or settings_within(member, first["loc"][:-1]),
            "input": inner.get("input", first["input"]),
        },
    )


def settings_within(model: type[BaseModel], section: Iterable[int | str]) -> list[str]:
    """Settings known in a section of a model, as far as its fields are fixed."""
    fields = model.model_fields
    for part in section:
        inner = fields[str(part)].annotation if str(part) in fields else None
        nested = getattr(inner, "model_fields", None) or next(
            (a.model_fields for a in getattr(inner, "__args__", ()) if hasattr(a, "model_fields")), None
        )
        fields = nested or fields
    return list(fields)
