"""Translate between the names of operators, noises, encoders and methods in recipes, and their classes."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, BeforeValidator, PlainSerializer, ValidationError
from pydantic_core import PydanticCustomError

from contramix.errors import InputError, nearest


def choice(members: Mapping[str, type[BaseModel]]) -> tuple[BeforeValidator, PlainSerializer]:
    """Return a pydantic validator and serializer for a field that holds an instance of one of several classes.

    ``members`` maps names to classes, such as ``{"linear": Linear}``. The validator accepts an instance, a name, or a
    dictionary ``{"kind": name, ...settings}``; the serializer returns such a dictionary. Use both as
    ``Annotated[Operator, *choice(OPERATORS)]``. Classes that are added to ``members`` later are accepted too.
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
            raise _forwarded_error(error, members[kind]) from error

    def write(value: BaseModel) -> dict[str, Any]:
        return {"kind": kind_of(value, members), **value.model_dump(exclude_none=True)}

    return BeforeValidator(read), PlainSerializer(write)


def kind_of(value: BaseModel, members: Mapping[str, type[BaseModel]]) -> str:
    """Return the name under which ``members`` lists the class of ``value``, such as ``"linear"`` for ``Linear()``.

    Raises
    ------
    InputError
        If ``members`` does not list the class.
    """
    for name, cls in members.items():
        if type(value) is cls:
            return name
    raise InputError(
        f"{type(value).__name__} has no name in recipes; first add it to its package's dict, such as OPERATORS"
    )


def _forwarded_error(error: ValidationError, member: type[BaseModel]) -> PydanticCustomError:
    """Convert the first validation error of a nested settings class, ``member``, to one error for the outer validator.

    The context of the new error holds the problem, the wrong value, and the path of the setting inside ``member``. The
    message to the user is made from it (:func:`contramix.recipe.explain`).
    """
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
    """Return the names of the settings in a nested section of a settings class.

    ``section`` is the path of the section, such as ``("method", "projector")``; numbers index into lists.
    """
    fields = model.model_fields
    for part in section:
        inner = fields[str(part)].annotation if str(part) in fields else None
        nested = getattr(inner, "model_fields", None) or next(
            (a.model_fields for a in getattr(inner, "__args__", ()) if hasattr(a, "model_fields")), None
        )
        fields = nested or fields
    return list(fields)
