"""Where ``fit(X)`` and ``contramix pretrain FILE`` meet: from a table and a recipe to a model."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor, nn

from contramix.domains import DOMAINS, Spec
from contramix.encoders.encoder import Encoder
from contramix.encoders.frontend import AsStored
from contramix.encoders.sync_batch_norm import synced
from contramix.errors import InputError
from contramix.models.building import build_encoder
from contramix.models.pretrained import Pretrained
from contramix.recipe import Recipe
from contramix.runtime import distributed
from contramix.runtime.precision import in_bfloat16
from contramix.runtime.randomness import Key, seeded
from contramix.samples.graphs import Graphs
from contramix.samples.samples import Samples, compute_fingerprint
from contramix.samples.shuffling import sample_rows
from contramix.training.loop import Plan, State, Step, pretrain, recalibrate_bn
from contramix.training.objective import Objective


def learn_spec(
    table: pa.Table, recipe: Recipe, target: str | None = None, also: pa.Table | None = None
) -> tuple[Spec, tuple[str, ...]]:
    """Learn what the records are from their rows, and from those of ``also`` (a transductive protocol) if given."""
    spec, notes = DOMAINS[recipe.domain].spec.learn(table, recipe.data, target, also)
    return spec, notes


def resolve_device(device: str) -> torch.device:
    """``auto`` is the GPU if there is one; of several processes on a machine each takes its own.

    Raises
    ------
    InputError
        If there is no such device.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and distributed.world_size() > 1:
        device = f"cuda:{distributed.local_rank()}"
    try:
        found = torch.device(device)
        torch.zeros((), device=found).item()
    except (RuntimeError, AssertionError, ImportError) as error:
        why = str(error).partition("\n")[0].partition(". ")[0]
        why = why if len(why) <= 100 else f"{why[:97]}..."
        raise InputError(f"device {device!r} is not to be had here ({why}); try 'cpu'") from error
    return found


POOL_ROWS, POOL_NUMBERS, TOGETHER = 2**16, 2**24, 16
"""Of samples that do not lie in memory, so many are drawn from at most, of so many numbers together (64 MB), taken as
so many that lie next to one another, or a disk would read all of its pages."""


def as_pool(encoder: Encoder, x: Samples) -> Tensor | None:
    """The training samples for noise that draws from them, where they are inputs as they lie; a sample of those that do
    not lie in memory."""
    if isinstance(x, Graphs) or not x.dtype.is_floating_point or not isinstance(encoder.front, AsStored):
        return None
    if isinstance(x, Tensor):
        return x
    number = min(POOL_ROWS, POOL_NUMBERS // max(1, math.prod(x.shape[1:])))
    if len(x) <= number:
        return x[:]
    places = sample_rows(len(x) // TOGETHER, max(1, number // TOGETHER), Key("pool")).sort().values
    return x[(places[:, None] * TOGETHER + torch.arange(TOGETHER)).flatten()]


@dataclass(frozen=True)
class Fit:
    """Pre-train in memory: iterate over ``steps()``, then call ``finish()``."""

    recipe: Recipe
    spec: Spec
    x: Samples
    plan: Plan
    state: State
    seed: int
    own_encoder: bool

    @classmethod
    def begin(
        cls,
        recipe: Recipe,
        spec: Spec,
        x: Samples,
        seed: int,
        device: str = "auto",
        module: nn.Module | None = None,
    ) -> "Fit":
        """Build networks and optimiser; nothing is trained yet.

        Parameters
        ----------
        recipe, spec, x
            How to train, what the data are, and the data (see :meth:`contramix.domains.Spec.tensorize`).
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
            encoder = build_encoder(recipe.encoder, spec, module)
            layout = spec.layout()
            on_device = None if layout is None else layout.to(place)
            objective = Objective(encoder, recipe, recipe.extra, layout=on_device, pool=as_pool(encoder, x)).to(place)
        if distributed.world_size() > 1 and recipe.train.batch_norm == "sync":
            objective = synced(objective)
        optimizer = recipe.train.build(objective.parameters())
        return cls(recipe, spec, x, plan, State(objective, optimizer), seed, module is not None)

    @property
    def encoder(self) -> Encoder:
        """What is trained."""
        return self.state.objective.encoder

    @cached_property
    def fingerprint(self) -> str:
        """Stands for the data: the same rows give the same one, whatever they came from."""
        return compute_fingerprint(self.x)

    def steps(self) -> Iterator[Step]:
        """Take the steps that remain."""
        return pretrain(self.x, self.state, self.recipe.train, self.plan, self.seed)

    def finish(self, facts: Mapping[str, Any] | None = None) -> Pretrained:
        """Return the model as it is now, in evaluation mode.

        Parameters
        ----------
        facts
            What is to be kept in the model's facts besides how it was trained, such as alarms.
        """
        train = self.recipe.train
        if train.recalibrate_bn:
            recalibrate_bn(self.encoder, self.x)
        how = {
            "seed": self.seed,
            "rows": len(self.x),
            "steps": self.state.step,
            "epochs": self.plan.epochs,
            "batch_size": self.plan.batch_size,
            "device": self.x.device.type,
            "precision": "bfloat16" if in_bfloat16(train.precision, self.state.objective, self.x.device) else "float32",
            "own_encoder": self.own_encoder,
        }
        return Pretrained(self.recipe, self.spec, self.encoder.eval(), {**how, **(facts or {})})
