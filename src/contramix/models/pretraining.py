"""Pre-train a model on samples. Both ``ContrastiveEncoder.fit`` and ``contramix pretrain`` use this module."""

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
    table: pa.Table, recipe: Recipe, target: str | None = None, extra_rows: pa.Table | None = None
) -> tuple[Spec, tuple[str, ...]]:
    """Learn the specification of a data set, such as its columns, categories, means and image size.

    Parameters
    ----------
    table
        Training records, one per row.
    recipe
        Recipe, which holds the domain (such as table or image) and the settings of data preparation.
    target
        Name of the column with the labels, which is not an input; None: there is no such column.
    extra_rows
        Further records whose statistics are learned too, such as unlabeled test rows (transductive learning).

    Returns
    -------
    tuple
        The specification, and notes for the user on columns that are not used as inputs.

    Raises
    ------
    InputError
        If the records cannot be used, for example because no column is left.
    """
    spec, notes = DOMAINS[recipe.domain].spec.learn(table, recipe.data, target, extra_rows)
    return spec, notes


def resolve_device(device: str) -> torch.device:
    """Return the torch device with a name such as ``"cpu"`` or ``"cuda:1"``; ``"auto"``: the GPU, or else the CPU.

    If several processes train together, ``"cuda"`` is the GPU whose number is the local rank of this process.

    Raises
    ------
    InputError
        If the device does not exist.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and distributed.world_size() > 1:
        device = f"cuda:{distributed.local_rank()}"
    try:
        found = torch.device(device)
        torch.zeros((), device=found).item()
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).partition("\n")[0].partition(". ")[0]
        reason = reason if len(reason) <= 100 else f"{reason[:97]}..."
        raise InputError(f"device {device!r} is not available ({reason}); try 'cpu'") from error
    return found


POOL_ROWS, POOL_NUMBERS = 2**16, 2**24
"""Maximum number of samples in the pool for noise if the data are not in memory, and maximum number of values in it
(64 MB)."""
POOL_BLOCK = 16
"""Number of consecutive samples that are drawn together for the pool. Single samples would make a disk read every page
of the file."""


def noise_pool(encoder: Encoder, x: Samples) -> Tensor | None:
    """Return the training samples from which noise may copy values into other samples.

    The pool holds all samples if they are in memory, otherwise a random subset. The result is None for graphs, for
    tokens, and if the encoder has an input transform, such as that from audio to a spectrogram, because noise applies
    to the inputs of the first layer, which then differ from the stored values.
    """
    if isinstance(x, Graphs) or not x.dtype.is_floating_point or not isinstance(encoder.front, AsStored):
        return None
    if isinstance(x, Tensor):
        return x
    number = min(POOL_ROWS, POOL_NUMBERS // max(1, math.prod(x.shape[1:])))
    if len(x) <= number:
        return x[:]
    blocks = sample_rows(len(x) // POOL_BLOCK, max(1, number // POOL_BLOCK), Key("pool")).sort().values
    return x[(blocks[:, None] * POOL_BLOCK + torch.arange(POOL_BLOCK)).flatten()]


@dataclass(frozen=True)
class Fit:
    """Pre-train a model: create it with :meth:`begin`, iterate over :meth:`steps`, then call :meth:`finish`.

    Parameters
    ----------
    recipe
        Recipe of the model.
    spec
        Specification of the data.
    x
        Training samples.
    plan
        Batch size, steps per epoch, and number of epochs.
    state
        Networks, optimizer, and number of steps taken.
    seed
        Seed of all random draws.
    own_encoder
        Whether the encoder is a module that the user gave.
    """

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
        """Build the networks and the optimizer of a training that has not started yet.

        Parameters
        ----------
        recipe
            Recipe of the model.
        spec
            Specification of the data.
        x
            Training samples, which ``spec.tensorize(table)`` returns.
        seed
            Seed of the initial weights and of all random draws in training.
        device
            Device to train on: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, or ``"auto"`` (the GPU, or else the CPU).
        module
            PyTorch module of the user that replaces the recipe's encoder; None: the recipe's encoder.
        """
        target_device = resolve_device(device)
        plan = recipe.train.plan(len(x))
        x = x.to(target_device)
        with seeded(Key(seed).at("weights")):
            encoder = build_encoder(recipe.encoder, spec, module)
            layout = spec.layout()
            on_device = None if layout is None else layout.to(target_device)
            pool = noise_pool(encoder, x)
            objective = Objective(encoder, recipe, recipe.extra, layout=on_device, pool=pool).to(target_device)
        if distributed.world_size() > 1 and recipe.train.batch_norm == "sync":
            objective = synced(objective)
        optimizer = recipe.train.build(objective.parameters())
        return cls(recipe, spec, x, plan, State(objective, optimizer), seed, module is not None)

    @property
    def encoder(self) -> Encoder:
        """Return the encoder that is trained."""
        return self.state.objective.encoder

    @cached_property
    def fingerprint(self) -> str:
        """Return a hash of the samples. Equal samples have the same hash, whatever file they were read from."""
        return compute_fingerprint(self.x)

    def steps(self) -> Iterator[Step]:
        """Train for the remaining steps of the plan, and yield each step after it has been taken."""
        return pretrain(self.x, self.state, self.recipe.train, self.plan, self.seed)

    def finish(self, facts: Mapping[str, Any] | None = None) -> Pretrained:
        """Return the model with its present weights, in evaluation mode.

        Parameters
        ----------
        facts
            Further entries for the model's ``facts``, which are saved in config.json, such as alarms.
        """
        train = self.recipe.train
        if train.recalibrate_bn:
            recalibrate_bn(self.encoder, self.x)
        training = {
            "seed": self.seed,
            "rows": len(self.x),
            "steps": self.state.step,
            "epochs": self.plan.epochs,
            "batch_size": self.plan.batch_size,
            "device": self.x.device.type,
            "precision": "bfloat16" if in_bfloat16(train.precision, self.state.objective, self.x.device) else "float32",
            "own_encoder": self.own_encoder,
        }
        return Pretrained(self.recipe, self.spec, self.encoder.eval(), {**training, **(facts or {})})
