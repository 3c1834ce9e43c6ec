"""Where ``fit(X)`` and ``contramix pretrain FILE`` meet: from a table and a recipe to a model."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import torch
from jaxtyping import Float
from torch import Tensor, nn

from contramix.domains.table.canonical import in_words
from contramix.domains.table.describe import describe
from contramix.domains.table.spec import TableSpec
from contramix.encoders.encoder import Encoder, wrap
from contramix.errors import InputError, nearest
from contramix.objective import Objective
from contramix.pretrained import Pretrained
from contramix.randomness import Key, seeded
from contramix.recipe import Recipe
from contramix.training import Plan, State, Step, pretrain, recalibrate_bn


def learn_columns(
    table: pa.Table, recipe: Recipe, target: str | None = None, also: pa.Table | None = None
) -> tuple[TableSpec, tuple[str, ...]]:
    """Learn a table's columns from its rows, and from those of ``also`` (a transductive protocol) if given."""
    return describe(table if also is None else _joined(table, also, target), recipe.table, target)


def _joined(table: pa.Table, also: pa.Table, target: str | None) -> pa.Table:
    """The rows of both; those of ``also`` need no target."""
    there = set(also.column_names)
    columns = []
    for name in table.column_names:
        mine = table.column(name)
        if name == target:
            theirs = pa.chunked_array([pa.nulls(also.num_rows, mine.type)])
        elif name not in there:
            raise InputError(f"--transductive: there is no column {name!r} in it; {nearest(name, there)}")
        else:
            mine, theirs = _alike(name, mine, also.column(name))
        columns.append(pa.chunked_array([*mine.chunks, *theirs.chunks]))
    return pa.table(columns, table.column_names)


def _alike(name: str, mine: pa.ChunkedArray, theirs: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Two columns in one type: whole numbers and others are numbers, and an empty column is of any kind."""
    if mine.type == theirs.type:
        return mine, theirs
    if theirs.null_count == len(theirs):
        return mine, pa.chunked_array([pa.nulls(len(theirs), mine.type)])
    if mine.null_count == len(mine):
        return pa.chunked_array([pa.nulls(len(mine), theirs.type)]), theirs
    if all(pa.types.is_integer(c.type) or pa.types.is_floating(c.type) for c in (mine, theirs)):
        return mine.cast(pa.float64(), safe=False), theirs.cast(pa.float64(), safe=False)
    raise InputError(
        f"--transductive: column {name!r} is {in_words(theirs.type)} there and {in_words(mine.type)} in DATA; "
        "write both alike"
    )


def resolve_device(device: str) -> torch.device:
    """``auto`` is the GPU if there is one.

    Raises
    ------
    InputError
        If there is no such device.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
        torch.zeros((), device=found).item()
    except (RuntimeError, AssertionError, ImportError) as error:
        why = str(error).partition("\n")[0].partition(". ")[0]
        why = why if len(why) <= 100 else f"{why[:97]}..."
        raise InputError(f"device {device!r} is not to be had here ({why}); try 'cpu'") from error
    return found


@dataclass
class Fit:
    """A run in memory: iterate over ``steps()``, then ``finish()``."""

    recipe: Recipe
    spec: TableSpec
    x: Float[Tensor, " n *s"]
    plan: Plan
    state: State
    seed: int
    own_encoder: bool
    seen: dict[str, Any] = field(default_factory=dict)
    """What was seen on the way, for the model's facts: alarms, the last reading."""

    @classmethod
    def begin(
        cls,
        recipe: Recipe,
        spec: TableSpec,
        x: Float[Tensor, " n *s"],
        seed: int,
        device: str = "auto",
        module: nn.Module | None = None,
    ) -> "Fit":
        """Build networks and optimiser; nothing is trained yet.

        Parameters
        ----------
        recipe, spec, x
            How to train, what the data are, and the data (see :meth:`TableSpec.tensorize`).
        seed
            Decides the first weights and all that is drawn.
        device
            ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ...
        module
            An encoder of the user's, instead of the recipe's.
        """
        place = resolve_device(device)
        plan = recipe.train.plan(len(x))
        x = x.to(place)
        with seeded(Key(seed).at("weights")):
            encoder = wrap(module, spec.inputs()) if module is not None else recipe.encoder.build(spec.inputs())
            layout = spec.layout().to(place)
            objective = Objective(encoder, recipe, recipe.extra, layout=layout, pool=x).to(place)
        optimizer = recipe.train.build(objective.parameters())
        return cls(recipe, spec, x, plan, State(objective, optimizer), seed, module is not None)

    @property
    def encoder(self) -> Encoder:
        """What is trained."""
        return self.state.objective.encoder

    @property
    def fingerprint(self) -> str:
        """Stands for the data: the same rows give the same one, whatever they came from."""
        x = self.x.cpu().contiguous()
        return hashlib.sha256(repr(tuple(x.shape)).encode() + x.numpy().tobytes()).hexdigest()[:32]

    def steps(self) -> Iterator[Step]:
        """Take the steps that remain."""
        return pretrain(self.x, self.state, self.recipe.train, self.plan, self.seed)

    def finish(self) -> Pretrained:
        """The model as it is now, in evaluation mode."""
        if self.recipe.train.recalibrate_bn:
            recalibrate_bn(self.encoder, self.x)
        facts = {
            "seed": self.seed,
            "rows": len(self.x),
            "steps": self.state.step,
            "epochs": self.plan.epochs,
            "batch_size": self.plan.batch_size,
            "device": self.x.device.type,
            "own_encoder": self.own_encoder,
            **self.seen,
        }
        return Pretrained(self.recipe, self.spec, self.encoder.eval(), facts)
