"""Describe a published table as a TOML file: its data sets, recipes, scales and published numbers."""

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from contramix.errors import InputError, nearest
from contramix.evaluation.baselines import BASELINES
from contramix.evaluation.metrics import METRICS
from contramix.evaluation.probes import PROBES
from contramix.recipe import Recipe, explain
from contramix.reproduction.catalog import Scale
from contramix.reproduction.sources import SOURCES
from contramix.settings import Settings, as_tuple

Names = Annotated[tuple[str, ...], BeforeValidator(as_tuple)]


class SuiteSettings(Settings):
    """Hold the settings of one section of a suite's file, and accept the names that version 0.1 used."""

    old_names: ClassVar[dict[str, str]] = {}
    """Names of settings by their name in version 0.1."""

    @model_validator(mode="before")
    @classmethod
    def _rename(cls, values: Any) -> Any:
        return (
            {cls.old_names.get(key, key): value for key, value in values.items()}
            if isinstance(values, dict)
            else values
        )


class Published(SuiteSettings):
    """Hold a number that a paper published."""

    old_names: ClassVar = {"sure": "provenance"}

    percent: float
    spread: float | None = None
    provenance: Literal["printed", "seen in a crop", "recalled"]
    """Whether the number was read in the text, read in an image of the page, or is remembered."""


class Row(SuiteSettings):
    """Describe a row of the table: a recipe with changes, or the baseline of this name if there is no recipe."""

    name: str
    recipe: str | None = None
    set: dict[str, Any] = Field(default_factory=dict)
    """Settings of the recipe to change at every scale, by dotted name."""
    paper: dict[str, Any] = Field(default_factory=dict)
    """Changes at the scale "paper" only. Published rows may differ in epochs; at smaller scales they are equal."""
    published: Published | None = None


class Budget(SuiteSettings):
    """Describe how a scale differs from what was published."""

    old_names: ClassVar = {"said": "note", "without": "exclude"}

    note: str
    """The differences in words, which every table of results shows."""
    set: dict[str, Any] = Field(default_factory=dict)
    rows: Annotated[int, Field(ge=10)] | None = None
    """Maximum number of training records, which are sampled once."""
    test_rows: Annotated[int, Field(ge=10)] | None = None
    """Maximum number of test records, which are sampled once."""
    seeds: Annotated[int, Field(ge=1)] = 3
    exclude: Names = ()
    """Rows that are left out because they would take too long."""


class Claim(SuiteSettings):
    """State that one row is above another."""

    text: str
    above: str
    below: str


class Block(SuiteSettings):
    """Describe the part of a table that is about one data set."""

    old_names: ClassVar = {"asks": "question"}

    data: str
    name: str | None = None
    """Label of a block whose data set has several blocks in the suite. None: the name of the data set."""
    question: str | None = None
    """The question that an experiment answers. None: the block is a part of the published table."""
    protocol: Literal["probes", "folds"] = "probes"
    """``folds``: the protocol of DACL's graphs, see :mod:`contramix.reproduction.folds`."""
    metric: str | None = None
    probes: Names = ("linear", "knn")
    """Probes whose settings are selected on training rows. Claims are judged by the first one."""
    parity: str | None = None
    """The probe of the paper, whose settings are selected on test rows as published."""
    transductive: bool = False
    """Whether the columns' statistics include the test rows, as published."""
    baselines: Names = ("raw", "untrained")
    set: dict[str, Any] = Field(default_factory=dict)
    rows: Annotated[tuple[Row, ...], BeforeValidator(as_tuple)]
    claims: Annotated[tuple[Claim, ...], BeforeValidator(as_tuple)] = ()
    scales: dict[Scale, Budget]
    """The scales at which the block can run."""

    @model_validator(mode="after")
    def _is_consistent(self) -> "Block":
        named: tuple[tuple[str, Collection[str | None], Collection[str]], ...] = (
            ("data", [self.data], SOURCES),
            ("probe", [*self.probes, self.parity], PROBES),
            ("baseline", self.baselines, BASELINES),
            ("metric", [self.metric], METRICS),
        )
        for what, found, known in named:
            for unknown in (name for name in found if name is not None and name not in known):
                raise ValueError(f"unknown {what} {unknown!r}; {nearest(unknown, known)}")
        names = [row.name for row in self.rows]
        if len(set(names)) < len(names):
            raise ValueError(f"rows of {self.label!r} have one name twice")
        for row in self.rows:
            if row.recipe is None and row.name not in self.baselines:
                raise ValueError(f"row {row.name!r} of {self.label!r} has no recipe and is not one of its baselines")
        for claim in self.claims:
            for name in (claim.above, claim.below):
                if name not in {*names, *self.baselines}:
                    raise ValueError(f"a claim on {self.label!r} names a row {name!r} that does not exist")
            if claim.above == claim.below:
                raise ValueError(f"a claim on {self.label!r} says that {claim.above!r} is above itself")
        for scale, budget in self.scales.items():
            for name in budget.exclude:
                if name not in names:
                    raise ValueError(f"{self.label!r}, {scale}: 'exclude' names a row {name!r} that does not exist")
        return self

    @property
    def label(self) -> str:
        """Return the name of the block within the suite."""
        return self.name or self.data

    def recipes(self, scale: Scale) -> list[Recipe]:
        """Return the recipes of the rows at a scale. Each recipe is named after its row.

        Raises
        ------
        InputError
            If a recipe cannot be made; the message names the block and the row.
        """
        recipes = []
        for row in self.rows:
            if row.recipe is None or row.name in self.scales[scale].exclude:
                continue
            changes = {**self.set, **row.set, **self.scales[scale].set, **(row.paper if scale == "paper" else {})}
            try:
                recipe = Recipe.load(row.recipe, changes, SOURCES[self.data].domain)
            except InputError as error:
                raise InputError(f"{self.label}, row {row.name!r}: {error}") from error
            recipes.append(recipe.model_copy(update={"name": row.name}))
        return recipes


class Suite(SuiteSettings):
    """Describe a published table, or a comparison of one's own."""

    name: str
    title: str
    source: str
    flaws: Names = ()
    """What readers should know about the published protocol."""
    departures: Names = ()
    """Where the protocol here differs from the published one, at every scale."""
    data: Annotated[tuple[Block, ...], BeforeValidator(as_tuple)]

    @model_validator(mode="after")
    def _labels_are_unique(self) -> "Suite":
        names = [block.label for block in self.data]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two blocks are called {name!r}; give one of them another 'name'")
        return self

    @classmethod
    def load(cls, path: Path) -> "Suite":
        """Read the file of a suite.

        Raises
        ------
        InputError
            If the file does not describe a suite; the message names the setting.
        """
        try:
            return cls.model_validate({"name": path.stem, **tomllib.loads(path.read_text(encoding="utf-8"))})
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: not a TOML suite: {error}") from error
        except ValidationError as error:
            raise InputError(f"{path}: {explain(error, cls)}") from error
