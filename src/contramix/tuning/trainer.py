"""Pre-train a recipe with the settings of a trial, and score it on held-out rows."""

import hashlib
import math
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float32, Float64
from numpy import ndarray

from contramix.domains import Spec
from contramix.errors import RunError
from contramix.models.inference import embed
from contramix.models.pretraining import Fit, learn_spec
from contramix.recipe import Recipe
from contramix.runtime.randomness import Key
from contramix.samples.samples import Samples, compute_fingerprint, take
from contramix.training.loop import Plan
from contramix.training.reporter import Reporter
from contramix.tuning.scorers import HoldoutSplit, Scorer


class PreparedRows(NamedTuple):
    """Collect a split and the samples of all rows. Only the rows for pre-training determine how rows are encoded.

    Parameters
    ----------
    split
        Rows for pre-training and rows for scoring.
    spec
        Specification that converts the table to samples, learned from the rows for pre-training.
    x
        Samples of all rows, held-out ones included.
    notes
        Notes for the user on columns that are not used as inputs.
    """

    split: HoldoutSplit
    spec: Spec
    x: Samples
    notes: tuple[str, ...]


class Trainer:
    """Pre-train recipes without labels, and score them on rows that pre-training did not use.

    Split 0 is the split of the search. Splits 1, 2 and so on are fresh: they have other held-out rows, another seed of
    pre-training, and other labels.

    Parameters
    ----------
    table, target
        All rows, and the name of the target column, which is never an input.
    recipe
        Recipe whose settings are searched. Its data settings determine how columns become inputs.
    scorer
        Object that chooses the held-out rows and scores their representations.
    seed
        Seed of all random choices.
    steps
        Maximum number of pre-training steps of a recipe.
    device
        Name of the device to train on, such as ``"cuda"`` or ``"auto"``.
    """

    def __init__(
        self,
        table: pa.Table,
        recipe: Recipe,
        target: str | None,
        scorer: Scorer,
        *,
        seed: int,
        steps: int,
        device: str,
    ) -> None:
        self.scorer, self.steps, self.device = scorer, steps, device
        self._seed = Key(seed, "split")

        @lru_cache(maxsize=1)
        def rows(split: int) -> PreparedRows:
            holdout = scorer.split(self.seed(split))
            # Held-out rows contribute neither a mean nor a category.
            spec, notes = learn_spec(table.take(pa.array(holdout.train)), recipe, target)
            return PreparedRows(holdout, spec, spec.tensorize(table), notes)

        self.rows = rows

    def seed(self, split: int) -> int:
        """Return the seed of a split, which also seeds its labels and its pre-training."""
        return self._seed.at(split).seed % 2**32

    def begin(self, recipe: Recipe, split: int) -> Fit:
        """Return the pre-training of a recipe on the training rows of a split, before its first step.

        The recipe's number of steps is reduced to at most about the trainer's maximum. ``split`` is the split's number.
        """
        rows = self.rows(split)
        x = take(rows.x, torch.from_numpy(rows.split.train))
        fit = Fit.begin(recipe, rows.spec, x, self.seed(split), self.device)
        return replace(fit, plan=shorten_plan(self.steps, fit.plan))

    def score(self, recipe: Recipe, split: int, title: str, reporter: Reporter) -> Float64[ndarray, " m"]:
        """Pre-train a recipe on a split, and return the per-row scores of the held-out rows.

        Parameters
        ----------
        recipe
            Recipe with the settings of a trial.
        split
            Number of the split: 0 for the search, else a fresh split.
        title
            Title of the progress display.
        reporter
            Object that receives the progress.

        Raises
        ------
        RunError
            If training diverges.
        """
        fit, rows = self.begin(recipe, split), self.rows(split)
        for _ in reporter.steps(title, fit.plan, 0, fit.steps()):
            pass
        encoder = fit.finish().encoder

        def features(which: ndarray) -> Float32[ndarray, " m d"]:
            z = embed(encoder, take(rows.x, torch.from_numpy(which)))
            if not np.isfinite(z).all():
                raise RunError("the representations are not finite")
            return z

        return self.scorer(rows.split, features)


def shorten_plan(steps: int, plan: Plan) -> Plan:
    """Return a training plan with at most about ``steps`` steps.

    If an epoch has fewer than ``steps`` steps, the number of epochs is rounded up to complete epochs.

    Examples
    --------
    >>> shorten_plan(500, Plan(batch_size=512, steps_per_epoch=29, epochs=100))
    Plan(batch_size=512, steps_per_epoch=29, epochs=18)
    >>> shorten_plan(500, Plan(batch_size=512, steps_per_epoch=2000, epochs=5))
    Plan(batch_size=512, steps_per_epoch=500, epochs=1)
    """
    if plan.steps <= steps:
        return plan
    each = min(plan.steps_per_epoch, steps)
    return plan._replace(steps_per_epoch=each, epochs=math.ceil(steps / each))


def fingerprint(table: pa.Table, recipe: Recipe, target: str | None, scorer: Scorer) -> str:
    """Return a hash of the input rows and of how they are scored, to detect when a search is resumed on other data."""
    spec, _ = learn_spec(table, recipe, target)
    digest = hashlib.sha256(f"{spec.model_dump_json()}{scorer.identity()}".encode())
    digest.update(compute_fingerprint(spec.tensorize(table)).encode())
    return digest.hexdigest()[:32]
