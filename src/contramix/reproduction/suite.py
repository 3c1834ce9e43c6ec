"""Define the settings of a suite: a TOML file with the data sets, recipes, scales and numbers of a published table."""

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
    """Provide the base class of the settings in one section of a suite's TOML file.

    Subclasses set ``old_names``, a dictionary from names of settings in version 0.1 to the present names. Both are
    accepted.
    """

    old_names: ClassVar[dict[str, str]] = {}
    """Today's names of settings, by their name in version 0.1."""

    @model_validator(mode="before")
    @classmethod
    def _rename(cls, values: Any) -> Any:
        return (
            {cls.old_names.get(key, key): value for key, value in values.items()}
            if isinstance(values, dict)
            else values
        )


class Published(SuiteSettings):
    """Store a score that a paper published.

    Attributes
    ----------
    percent, spread
        The score, and its standard deviation if the paper prints one, in percent.
    provenance
        Where the score is from. "printed": the text of the paper. "seen in a crop": an image of a part of the page.
        "recalled": memory.
    """

    old_names: ClassVar = {"sure": "provenance"}

    percent: float
    spread: float | None = None
    provenance: Literal["printed", "seen in a crop", "recalled"]


class Row(SuiteSettings):
    """Configure a row of a published table: a recipe with changed settings, or a baseline.

    Attributes
    ----------
    name
        Name of the row. Without a recipe, it is the name of a baseline, such as "raw".
    recipe
        Name of the recipe. None: the row is a baseline.
    set
        Settings of the recipe to change at every scale, by dotted name, such as ``{"noise.rate": 0.2}``.
    paper
        Settings to change at the scale "paper" only, such as the number of epochs, in which published rows may differ.
    published
        The score that the paper published for the row. None: the paper has no such row.
    """

    name: str
    recipe: str | None = None
    set: dict[str, Any] = Field(default_factory=dict)
    paper: dict[str, Any] = Field(default_factory=dict)
    published: Published | None = None


class Budget(SuiteSettings):
    """Configure a scale of a block, such as "cpu": how the experiment differs from the published one.

    Attributes
    ----------
    note
        The differences from the published experiment in words, which are shown with every table of results.
    set
        Settings of all recipes to change at this scale, by dotted name, such as ``{"train.epochs": 20}``.
    rows, test_rows
        Maximum numbers of training and test records. If there are more, the same random sample is used in all runs.
        None: all records.
    seeds
        Number of runs of each recipe.
    exclude
        Names of rows of the table that are not run at this scale because they would take too long.
    """

    old_names: ClassVar = {"said": "note", "without": "exclude"}

    note: str
    set: dict[str, Any] = Field(default_factory=dict)
    rows: Annotated[int, Field(ge=10)] | None = None
    test_rows: Annotated[int, Field(ge=10)] | None = None
    seeds: Annotated[int, Field(ge=1)] = 3
    exclude: Names = ()


class Claim(SuiteSettings):
    """Configure a claim of a paper that one row of its table has a better score than another.

    Attributes
    ----------
    text
        The claim in words, such as "i-Mix improves MoCo".
    above, below
        Names of the row with the better score, and of the other one.
    """

    text: str
    above: str
    below: str


class Block(SuiteSettings):
    """Configure a block of a suite: the rows of a published table for one data set.

    Attributes
    ----------
    data, name
        Name of the data set, and name of the block, which is needed only if the suite has several blocks for one data
        set. If ``name`` is None, the block is named after the data set.
    question
        The question that an additional experiment answers. None: the block is a part of the published table.
    protocol
        "probes": train probes on frozen representations. "folds": cross-validate as DACL does on graphs, see
        :mod:`contramix.reproduction.folds`.
    metric
        Name of the metric.
    probes
        Probes whose settings are selected on training rows. Claims are judged with the first one.
    parity
        Name of the probe that the paper uses. As in the paper, its settings are selected on test rows. None: scores are
        not computed with the paper's probe.
    transductive
        Whether column statistics, such as mean and standard deviation, are computed from training and test rows
        together, as in the published experiment. If False, only training rows are used.
    baselines
        Names of the baselines.
    set
        Settings of all recipes to change at every scale, by dotted name.
    rows, claims
        Rows of the table, and the paper's claims about them.
    scales
        The scales at which the block can run, and how each differs from the published experiment.
    """

    old_names: ClassVar = {"asks": "question"}

    data: str
    name: str | None = None
    question: str | None = None
    protocol: Literal["probes", "folds"] = "probes"
    metric: str = "accuracy"
    probes: Names = ("linear", "knn")
    parity: str | None = None
    transductive: bool = False
    baselines: Names = ("raw", "untrained")
    set: dict[str, Any] = Field(default_factory=dict)
    rows: Annotated[tuple[Row, ...], BeforeValidator(as_tuple)]
    claims: Annotated[tuple[Claim, ...], BeforeValidator(as_tuple)] = ()
    scales: dict[Scale, Budget]

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
        """Return the unique label of the block in the suite: ``name``, or the name of the data set if that is None."""
        return self.name or self.data

    def recipes(self, scale: Scale) -> list[Recipe]:
        """Return the recipes of the rows that run at a scale, with all changed settings, each named after its row.

        Raises
        ------
        InputError
            If a recipe or one of its settings is unknown or not allowed. The message names the block and the row.
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
    """Configure a suite: a published table, or a user's own comparison.

    Attributes
    ----------
    name, title, source
        Short name of the suite, its title, and the publication that the table is from.
    flaws
        Sentences on weaknesses of the published protocol.
    departures
        Differences between the protocol here and the published one, at every scale.
    data
        Blocks of the table, each with the rows for one data set.
    """

    name: str
    title: str
    source: str
    flaws: Names = ()
    departures: Names = ()
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
        """Read the TOML file of a suite, check its settings, and return the suite.

        Raises
        ------
        InputError
            If the file is not TOML, or if a setting is unknown, missing or not allowed. The message names the setting.
        """
        try:
            return cls.model_validate({"name": path.stem, **tomllib.loads(path.read_text(encoding="utf-8"))})
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: not a TOML suite: {error}") from error
        except ValidationError as error:
            raise InputError(f"{path}: {explain(error, cls)}") from error
