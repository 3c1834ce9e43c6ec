"""Define recipes: all settings of a pre-training run, which can be read from and written to a TOML file."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tomli_w
from pydantic import BeforeValidator, ValidationError, create_model, model_validator
from pydantic_core import PydanticCustomError

from contramix.backbones import open_backbone
from contramix.backbones.settings import BACKBONE_DOMAINS, BackboneSettings
from contramix.domains import DOMAINS, find_domain_of_values
from contramix.domains.table.settings import TableSettings
from contramix.encoders import AnyEncoder
from contramix.encoders.mlp import MLP
from contramix.errors import InputError, nearest
from contramix.recipes import recipe_path
from contramix.recipes.inheritance import extend, override, read_settings
from contramix.registry import settings_within
from contramix.settings import Settings, as_tuple
from contramix.training.loop import Train
from contramix.training.objective import ExtraSettings, TermSettings

VECTOR = "vector"
"""Name of the column with the vectors that a backbone computes."""


class CommonSettings(TermSettings):
    """Configure what recipes of all domains share: method, noise, i-Mix, further loss terms, encoder and training.

    Attributes
    ----------
    name, domain
        Name of the recipe, and the domain of the data it is for, such as "table" or "image".
    extra
        Further terms of the loss. The settings ``method``, ``noise``, ``imix`` and ``weight`` of the recipe define the
        first term. A further term without a method uses the method of the first term.
    encoder, train
        Settings of the encoder, and of the training loop.
    backbone
        Pre-trained encoder that turns texts or images into vectors first; None: there is none. The recipe is then one
        for tables, whose rows are these vectors.
    """

    name: str = "custom"
    domain: str = "table"
    extra: Annotated[tuple[ExtraSettings, ...], BeforeValidator(as_tuple)] = ()
    encoder: AnyEncoder = MLP()
    train: Train = Train()
    backbone: BackboneSettings | None = None


if TYPE_CHECKING:
    AllSettings = CommonSettings
else:
    # One section per domain, which is named like it.
    sections = {name: (domain.settings, domain.settings()) for name, domain in DOMAINS.items()}
    AllSettings = create_model("AllSettings", __base__=CommonSettings, **sections)


class Recipe(AllSettings):
    """Configure a pre-training run: method, noise, i-Mix, encoder, training, and how the data of the domain are read.

    Examples
    --------
    >>> recipe = Recipe.load("imix-npair", {"noise.rate": 0.3})
    >>> recipe.noise.rate
    0.3
    >>> Recipe.from_toml(recipe.to_toml()) == recipe
    True
    """

    @model_validator(mode="after")
    def _check_domain(self) -> "Recipe":
        if self.domain not in DOMAINS:
            what = {"domain": self.domain, "known": ", ".join(map(repr, DOMAINS)), "path": ("domain",)}
            raise PydanticCustomError("domain", "unknown domain '{domain}'; give one of {known}", what)
        if self.backbone is not None and self.domain != "table":
            what = {"domain": self.domain, "path": ("backbone",)}
            raise PydanticCustomError("backbone", "belongs to recipes for tables, and this one is for '{domain}'", what)
        for other in DOMAINS:
            if (
                other not in (self.domain, self.source_domain)
                and getattr(self, other) != type(self).model_fields[other].default
            ):
                what = {"mine": self.domain, "other": other, "path": (other,)}
                raise PydanticCustomError("domain", "a recipe for domain '{mine}' has no section '{other}'", what)
        return self

    @property
    def data(self) -> Settings:
        """Return the settings of data preparation, in the section named like the domain, such as ``table``."""
        section: Settings = getattr(self, self.domain)
        return section

    @property
    def table_settings(self) -> TableSettings:
        """Return the section ``table``, which holds the defaults if the recipe is for another domain."""
        section: TableSettings = getattr(self, "table")  # noqa: B009  mypy does not know the sections of domains
        return section

    @property
    def makes_vectors(self) -> bool:
        """Return whether records are turned into vectors after they are read."""
        return bool(self.backbone or self.table_settings.backbones or self.table_settings.embedding)

    @property
    def source_domain(self) -> str:
        """Return the domain of the data that are read: that of the backbone, or else that of the recipe."""
        return self.domain if self.backbone is None else self.backbone.domain

    @classmethod
    def load(
        cls,
        recipe: "str | Path | Recipe",
        overrides: Mapping[str, Any] | None = None,
        domain: str | None = None,
    ) -> "Recipe":
        """Load a recipe by name or from a TOML file, or copy a recipe object, and change some of its settings.

        A file may begin with ``extends = "imix-npair"`` and then states only what differs from that recipe.

        Parameters
        ----------
        recipe
            A name (``contramix recipes`` lists them), a path ending in ``.toml``, or a recipe.
        overrides
            Values of settings to change, by dotted name, such as ``{"noise.rate": 0.3}``. A new ``kind`` of a section
            resets the other settings of the section to their defaults.
        domain
            Domain of the data, which the recipe must be for. None: the domain that occurs in the overrides, such as
            "audio" in ``{"audio.mels": 16}``, or else "table". :func:`resolve` detects the domain from data.

        Raises
        ------
        InputError
            If the recipe does not exist or is for another domain, or if a setting or value is unknown or not allowed.
        """
        changes = dict(overrides or {})
        sections = {str(name).partition(".")[0] for name in changes}
        domain = domain or changes.get("domain") or next((name for name in DOMAINS if name in sections), None)
        if isinstance(recipe, Recipe):
            found, source = recipe.to_dict(), f"recipe {recipe.name}"
        else:
            path = recipe_path(recipe, domain or "table")
            # Sections that the file leaves out are filled with their defaults, so that overrides can reach into them.
            defaults = cls().model_dump(exclude_none=True)
            found = {**defaults, "name": path.stem, **read_settings(path, domain or "table")}
            source = f"recipe {recipe}"
        for name, value in sorted(changes.items(), key=lambda kv: not str(kv[0]).endswith(".kind")):
            override(found, str(name), value)
        made = cls._validated(found, source)
        if domain is not None and made.domain != domain:
            raise InputError(
                f"{source} is for domain {made.domain!r}, and the data are {domain!r}; 'contramix recipes' lists the "
                f'recipes for each domain, or write domain = "{domain}" into your own'
            )
        return made

    @classmethod
    def from_toml(cls, text: str, source: str = "recipe") -> "Recipe":
        """Parse a recipe from the text of a TOML file. Error messages call it ``source``.

        Raises
        ------
        InputError
            If the text is not TOML, or if a setting or value is unknown or not allowed.
        """
        try:
            return cls._validated(extend(tomllib.loads(text), source), source)
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"{source}: not TOML: {error}") from error

    @classmethod
    def _validated(cls, found: Mapping[str, Any], source: str) -> "Recipe":
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            raise InputError(f"{source}: {explain(error)}") from error

    def to_dict(self) -> dict[str, Any]:
        """Return all settings as a nested dictionary of plain Python values, without the sections of other domains."""
        return self.model_dump(exclude_none=True, exclude=DOMAINS.keys() - {self.domain, self.source_domain})

    def to_toml(self) -> str:
        """Return all settings as the text of a TOML file."""
        return tomli_w.dumps(self.to_dict())

    def differences(self, other: "Recipe") -> list[str]:
        """Return one line for each setting whose value differs in another recipe, such as "noise.rate: 0.2 and 0.3"."""
        mine, theirs = dict(_flat(self.to_dict())), dict(_flat(other.to_dict()))
        names = sorted(mine.keys() | theirs.keys())
        return [f"{n}: {mine.get(n)!r} and {theirs.get(n)!r}" for n in names if mine.get(n) != theirs.get(n)]


def resolve(
    recipe: str | Path | Recipe, overrides: Mapping[str, Any] | None, X: Any, domain: str | None = None
) -> Recipe:
    """Load the recipe for some data: detect the domain of the data, load the recipe for it, and apply the overrides.

    Parameters
    ----------
    recipe, overrides
        See :meth:`Recipe.load`.
    X
        The data: the path of a file or folder, or Python values such as an array or a data frame.
    domain
        Domain of the data, such as "image". None: the override ``domain``, or the domain of a recipe object, or else
        the domain that is detected from the data. A recipe file must be for this domain, or for tables if there is a
        backbone, which turns the data into vectors.

    Raises
    ------
    InputError
        If the domain, the recipe or a setting is unknown or not for the domain of the data.

    Examples
    --------
    >>> resolve("imix-npair", {"train.epochs": 3}, ["a short text", "another one"]).domain
    'text'
    """
    changes = dict(overrides or {})
    stated = domain or changes.get("domain") or (recipe.source_domain if isinstance(recipe, Recipe) else None)
    if stated is not None and stated not in DOMAINS:
        raise InputError(f"`domain` {stated!r} is not known; {nearest(str(stated), DOMAINS)}")
    found = find_domain_of_values(X) if stated is None else stated
    backbone = _has_backbone(recipe, changes)
    for name in changes:
        section = str(name).partition(".")[0]
        if section in DOMAINS and section != found and not (backbone and section == "table"):
            raise InputError(f"{name}: a setting for domain {section!r}, and the data are {found!r} (see `domain`)")
    if not backbone:
        return _with_hashes(Recipe.load(recipe, changes, found))
    if found not in BACKBONE_DOMAINS:
        raise InputError(f"`backbone`: turns texts or images into vectors, and the data are {found!r} (see `domain`)")
    changes.pop("domain", None)
    made = Recipe.load(recipe, {"backbone.domain": found, "table.keep": [VECTOR], **changes}, "table")
    if made.backbone is None or made.backbone.sha256 is not None:
        return made
    return Recipe.load(made, {"backbone.sha256": open_backbone(made.backbone).weights_sha256})


def _with_hashes(recipe: Recipe) -> Recipe:
    """Return a recipe in which the hash of the weights of each column's backbone is stated."""
    stated = {
        name: {**each.model_dump(exclude_none=True), "sha256": each.sha256 or open_backbone(each).weights_sha256}
        for name, each in recipe.table_settings.backbones.items()
    }
    return Recipe.load(recipe, {"table.backbones": stated}) if stated else recipe


def _has_backbone(recipe: str | Path | Recipe, changes: Mapping[str, Any]) -> bool:
    """Return whether a recipe with these changes of settings has a backbone."""
    if any(str(name).partition(".")[0] == "backbone" for name in changes):
        return True
    if isinstance(recipe, Recipe):
        return recipe.backbone is not None
    return Path(recipe).suffix == ".toml" and "backbone" in read_settings(recipe_path(recipe), "table")


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{prefix}{name}.")
        else:
            yield prefix + name, inner


def explain(error: ValidationError, model: type[Settings] = Recipe) -> str:
    """Describe the first error of a validation in a line such as "noise.rate: should be less than 1 (it is 2)".

    Parameters
    ----------
    error
        Error that pydantic raised.
    model
        Class of the settings that were validated. If the error is an unknown setting, similar ones are suggested from
        the settings of this class.
    """
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
