"""A suite: a published table as a TOML file. Which data, which recipes, at which scale, and the numbers published."""

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from contramix.errors import InputError, nearest
from contramix.evaluation.baselines import BASELINES
from contramix.evaluation.metrics import METRICS
from contramix.evaluation.probes import PROBES
from contramix.recipe import Recipe, explain
from contramix.reproduction.catalogue import Scale
from contramix.reproduction.sources import SOURCES
from contramix.settings import Settings, as_tuple

Names = Annotated[tuple[str, ...], BeforeValidator(as_tuple)]


class Published(Settings):
    """A number in a paper."""

    percent: float
    spread: float | None = None
    sure: Literal["printed", "seen in a crop", "recalled"]
    """Whether it was read in the text, in a picture of the page, or is remembered."""


class Row(Settings):
    """A line of the table: a recipe with changes, or, without a recipe, a baseline of its name."""

    name: str
    recipe: str | None = None
    set: dict[str, Any] = Field(default_factory=dict)
    """Settings of the recipe to change at every scale, by dotted name."""
    paper: dict[str, Any] = Field(default_factory=dict)
    """Changed at paper scale only: where published rows differ in length, a smaller scale has them equal."""
    published: Published | None = None


class Budget(Settings):
    """How a scale differs from what was published."""

    said: str
    """In words, for every table of results."""
    set: dict[str, Any] = Field(default_factory=dict)
    rows: Annotated[int, Field(ge=10)] | None = None
    """Training records at most, drawn once."""
    test_rows: Annotated[int, Field(ge=10)] | None = None
    seeds: Annotated[int, Field(ge=1)] = 3
    without: Names = ()
    """Rows that would take too long."""


class Claim(Settings):
    """That one row is above another."""

    text: str
    above: str
    below: str


class Block(Settings):
    """The part of a table that is of one data set."""

    data: str
    name: str | None = None
    """Where one data set stands more than once in a suite; None: that of the data."""
    asks: str | None = None
    """An experiment, not a part of what was published: the question that it answers."""
    protocol: Literal["probes", "folds"] = "probes"
    """``folds``: that of DACL's graphs, see :mod:`contramix.reproduction.folds`."""
    metric: str | None = None
    probes: Names = ("linear", "knn")
    """Their settings are chosen on training rows; the first one's scores stand for the row."""
    parity: str | None = None
    """The paper's own probe, whose settings are picked on test rows as published."""
    transductive: bool = False
    """Statistics of columns from test rows too, as published."""
    baselines: Names = ("raw", "untrained")
    set: dict[str, Any] = Field(default_factory=dict)
    rows: Annotated[tuple[Row, ...], BeforeValidator(as_tuple)]
    claims: Annotated[tuple[Claim, ...], BeforeValidator(as_tuple)] = ()
    scales: dict[Scale, Budget]
    """Those at which it can be run."""

    @model_validator(mode="after")
    def _is_whole(self) -> "Block":
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
            raise ValueError(f"rows of {self.called!r} have one name twice")
        for row in self.rows:
            if row.recipe is None and row.name not in self.baselines:
                raise ValueError(f"row {row.name!r} of {self.called!r} has no recipe, and is none of the baselines")
        for claim in self.claims:
            for name in (claim.above, claim.below):
                if name not in {*names, *self.baselines}:
                    raise ValueError(f"a claim on {self.called!r} names a row {name!r}, and there is none")
            if claim.above == claim.below:
                raise ValueError(f"a claim on {self.called!r} is that {claim.above!r} is above itself")
        for scale, budget in self.scales.items():
            for name in budget.without:
                if name not in names:
                    raise ValueError(f"{self.called!r}, {scale}, is without a row {name!r}, and there is none")
        return self

    @property
    def called(self) -> str:
        """Its name within the suite."""
        return self.name or self.data

    def recipes(self, scale: Scale) -> list[Recipe]:
        """Those of the rows, at a scale, each with its row's name."""
        made = []
        for row in self.rows:
            if row.recipe is None or row.name in self.scales[scale].without:
                continue
            changes = {**self.set, **row.set, **self.scales[scale].set, **(row.paper if scale == "paper" else {})}
            try:
                recipe = Recipe.load(row.recipe, changes, SOURCES[self.data].domain)
            except InputError as error:
                raise InputError(f"{self.called}, row {row.name!r}: {error}") from error
            made.append(recipe.model_copy(update={"name": row.name}))
        return made


class Suite(Settings):
    """A published table."""

    name: str
    title: str
    source: str
    flaws: Names = ()
    """What is to be known of the published protocol."""
    departures: Names = ()
    """Where ours is another, at every scale."""
    data: Annotated[tuple[Block, ...], BeforeValidator(as_tuple)]

    @model_validator(mode="after")
    def _names_are_of_one_block(self) -> "Suite":
        names = [block.called for block in self.data]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two blocks are called {name!r}; give one a name of its own")
        return self

    @classmethod
    def load(cls, path: Path) -> "Suite":
        """Read a suite's file.

        Raises
        ------
        InputError
            If it is no suite: the message names the setting.
        """
        try:
            return cls.model_validate({"name": path.stem, **tomllib.loads(path.read_text(encoding="utf-8"))})
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: not a TOML suite: {error}") from error
        except ValidationError as error:
            raise InputError(f"{path}: {explain(error, cls)}") from error
