"""Where ``fit(X)`` and ``contramix pretrain FILE`` meet: from a table and a recipe to a model."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import torch
from jaxtyping import Float
from torch import Tensor, nn

from contramix.domains.table.describe import describe
from contramix.domains.table.spec import TableSpec
from contramix.encoders.encoder import Encoder, wrap
from contramix.errors import InputError
from contramix.objective import Objective
from contramix.pretrained import Pretrained
from contramix.randomness import Key
from contramix.recipe import Recipe
from contramix.training import Plan, State, Step, pretrain, recalibrate_bn


def learn_columns(
    table: pa.Table, recipe: Recipe, target: str | None = None, also: pa.Table | None = None
) -> tuple[TableSpec, tuple[str, ...]]:
    """Learn a table's columns from its rows, and from those of ``also`` (a transductive protocol) if given."""
    rows = table if also is None else pa.concat_tables([table, also.select(table.column_names)])
    return describe(rows, recipe.table, target)


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
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"device {device!r} is not to be had here ({str(error).splitlines()[0]}); try 'cpu'"
        ) from error
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
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(Key(seed).at("weights").seed)
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
        }
        return Pretrained(self.recipe, self.spec, self.encoder.eval(), facts)
