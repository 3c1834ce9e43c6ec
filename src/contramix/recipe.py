"""A recipe: every setting of a run, as a TOML file. All rows of both papers are recipes."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import tomli_w
from pydantic import BeforeValidator, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from contramix.domains import DOMAINS
from contramix.domains.audio.settings import AudioSettings
from contramix.domains.graph.settings import GraphSettings
from contramix.domains.image.settings import ImageSettings
from contramix.domains.series.settings import SeriesSettings
from contramix.domains.table.settings import TableSettings
from contramix.domains.text.settings import TextSettings
from contramix.encoders import AnyEncoder
from contramix.encoders.mlp import MLP
from contramix.errors import InputError, nearest
from contramix.recipes import recipe_path
from contramix.registry import settings_within
from contramix.settings import Settings, as_tuple
from contramix.training.loop import Train
from contramix.training.objective import ExtraSettings, TermSettings


class Recipe(TermSettings):
    """Every setting of a run. Sections: method, noise, imix, encoder, train, that of its domain, and extra terms.

    Examples
    --------
    >>> recipe = Recipe.load("imix-npair", {"noise.rate": 0.3})
    >>> recipe.noise.rate
    0.3
    >>> Recipe.from_toml(recipe.to_toml()) == recipe
    True
    """

    name: str = "custom"
    domain: str = "table"
    extra: Annotated[tuple[ExtraSettings, ...], BeforeValidator(as_tuple)] = ()
    encoder: AnyEncoder = MLP()
    train: Train = Train()
    table: TableSettings = TableSettings()
    image: ImageSettings = ImageSettings()
    audio: AudioSettings = AudioSettings()
    graph: GraphSettings = GraphSettings()
    text: TextSettings = TextSettings()
    series: SeriesSettings = SeriesSettings()

    @model_validator(mode="after")
    def _of_its_domain(self) -> "Recipe":
        if self.domain not in DOMAINS:
            what = {"domain": self.domain, "known": ", ".join(map(repr, DOMAINS)), "path": ("domain",)}
            raise PydanticCustomError("domain", "unknown domain '{domain}'; give one of {known}", what)
        for other in DOMAINS:
            if other != self.domain and getattr(self, other) != type(self).model_fields[other].default:
                what = {"mine": self.domain, "other": other, "path": (other,)}
                raise PydanticCustomError("domain", "a recipe for domain '{mine}' has no section '{other}'", what)
        return self

    @property
    def data(self) -> Settings:
        """How data are read: the section of the recipe's domain."""
        section: Settings = getattr(self, self.domain)
        return section

    @classmethod
    def load(
        cls,
        recipe: "str | Path | Recipe",
        overrides: Mapping[str, Any] | None = None,
        domain: str | None = None,
    ) -> "Recipe":
        """A recipe by name, from a TOML file, or as it is; then single settings changed.

        Parameters
        ----------
        recipe
            A name (``contramix recipes`` lists them), a path ending in ``.toml``, or a recipe.
        overrides
            Settings by dotted name, such as ``{"noise.rate": 0.3}``. A new ``kind`` begins with its own defaults.
        domain
            Of the data. A name is looked for there (None: among the tables'), and any other recipe must be for it.

        Raises
        ------
        InputError
            For a name, file, setting or value that is not known or not allowed.
        """
        changes = dict(overrides or {})
        named = {str(name).partition(".")[0] for name in changes}
        domain = domain or changes.get("domain") or next((other for other in DOMAINS if other in named), None)
        if isinstance(recipe, Recipe):
            found, source = recipe.to_dict(), f"recipe {recipe.name}"
        else:
            path = recipe_path(recipe, domain or "table")
            # With the defaults of what it leaves out, so that a setting of a member it does not name can be changed.
            found = {**cls().model_dump(exclude_none=True), "name": path.stem, **_parse(path)}
            source = f"recipe {recipe}"
        for name, value in sorted(changes.items(), key=lambda kv: not str(kv[0]).endswith(".kind")):
            _override(found, str(name), value)
        made = cls._validated(found, source)
        if domain is not None and made.domain != domain:
            raise InputError(
                f"{source} is for domain {made.domain!r}, and the data are {domain!r}; 'contramix recipes' lists those "
                f'for each, or write domain = "{domain}" into your own'
            )
        return made

    @classmethod
    def from_toml(cls, text: str, source: str = "recipe") -> "Recipe":
        """Read a recipe's text.

        Raises
        ------
        InputError
            If it is not TOML, or not a recipe.
        """
        try:
            return cls._validated(_settings(tomllib.loads(text), source), source)
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"{source}: not TOML: {error}") from error

    @classmethod
    def _validated(cls, found: Mapping[str, Any], source: str) -> "Recipe":
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            raise InputError(f"{source}: {explain(error)}") from error

    def to_dict(self) -> dict[str, Any]:
        """All settings as plain values; of the domains' sections its own."""
        return self.model_dump(exclude_none=True, exclude=DOMAINS.keys() - {self.domain})

    def to_toml(self) -> str:
        """All settings as TOML."""
        return tomli_w.dumps(self.to_dict())

    def differences(self, other: "Recipe") -> list[str]:
        """Names of the settings that differ, with both values."""
        mine, theirs = dict(_flat(self.to_dict())), dict(_flat(other.to_dict()))
        names = sorted(mine.keys() | theirs.keys())
        return [f"{n}: {mine.get(n)!r} and {theirs.get(n)!r}" for n in names if mine.get(n) != theirs.get(n)]


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{prefix}{name}.")
        else:
            yield prefix + name, inner


def _parse(path: Path) -> dict[str, Any]:
    try:
        return _settings(tomllib.loads(path.read_text(encoding="utf-8-sig")), str(path))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not a TOML recipe: {error}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot read the recipe: {error.strerror}") from error


def _settings(found: dict[str, Any], source: str) -> dict[str, Any]:
    if not found:
        raise InputError(f"{source}: has no settings; 'contramix recipes imix-npair' prints a whole recipe")
    return found


def _override(found: dict[str, Any], name: str, value: Any) -> None:
    *sections, last = name.split(".")
    place = found
    for section in sections:
        inner = place.get(section)
        if isinstance(inner, str):  # a bare kind
            inner = {"kind": inner}
        if inner is None:
            inner = {}
        if not isinstance(inner, dict):
            raise InputError(f"{name}: {section!r} is no section of a recipe, so nothing in it can be set")
        place[section] = place = dict(inner)
    if last == "kind" and place.get("kind") != value:
        place.clear()
    if isinstance(value, str) and value == "none" and name == "imix":
        place.pop(last, None)
    else:
        place[last] = value


def explain(error: ValidationError, model: type[Settings] = Recipe) -> str:
    """The first thing that is wrong with a recipe, or other settings, in one line."""
    first = error.errors(include_url=False)[0]
    context = first.get("ctx", {})
    where = ".".join(str(part) for part in (*first["loc"], *context.get("path", ())))
    if first["type"] == "extra_forbidden" or context.get("type") == "extra_forbidden":
        known = context.get("known") or settings_within(model, first["loc"][:-1])
        return f"unknown setting {where!r}; {nearest(where.rsplit('.', 1)[-1], known)}"
    value = context.get("input", first["input"])
    problem = context.get("problem", first["msg"]).replace("a valid tuple", "a list").removeprefix("Value error, ")
    if first["type"] == "model_type":
        problem = "should be settings in braces, { name = value }"
    shown = "" if isinstance(value, dict | list) else f" (it is {value!r})"
    return f"{where}: {problem[:1].lower()}{problem[1:]}{shown}"
