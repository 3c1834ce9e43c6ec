"""Where settings are pre-trained and judged: on one split for the search, on fresh ones to check what it found."""

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


class Rows(NamedTuple):
    """A split, and all rows as its training rows make them."""

    part: HoldoutSplit
    spec: Spec
    x: Samples
    notes: tuple[str, ...]
    """On columns that are left out."""


class Trainer:
    """Pre-trains settings without labels, and has them judged by rows that it did not see.

    Split 0 is the search's, the others are fresh: other rows held out, another seed of pre-training, other labels.

    Parameters
    ----------
    table, target
        All rows, and a column that is no input.
    judge
        Who says which rows are held out, and scores.
    seed, steps, device
        Of all randomness; the longest that is trained; where.
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
        def rows(split: int) -> Rows:
            part = scorer.part(self.seed(split))
            # Not a mean nor a level comes from rows held out.
            spec, notes = learn_spec(table.take(pa.array(part.train)), recipe, target)
            return Rows(part, spec, spec.tensorize(table), notes)

        self.rows = rows

    def seed(self, split: int) -> int:
        """Of a split, of its labels and of its pre-training."""
        return self._seed.at(split).seed % 2**32

    def begin(self, recipe: Recipe, split: int) -> Fit:
        """Build networks; nothing is trained yet."""
        rows = self.rows(split)
        x = take(rows.x, torch.from_numpy(rows.part.train))
        fit = Fit.begin(recipe, rows.spec, x, self.seed(split), self.device)
        return replace(fit, plan=at_most(self.steps, fit.plan))

    def score(self, recipe: Recipe, split: int, title: str, reporter: Reporter) -> Float64[ndarray, " m"]:
        """Pre-train, and have it judged: what each row adds to the score.

        Raises
        ------
        RunError
            If it diverges.
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

        return self.scorer(rows.part, features)


def at_most(steps: int, plan: Plan) -> Plan:
    """A plan cut short to about so many steps, in whole epochs where an epoch is shorter.

    Examples
    --------
    >>> at_most(500, Plan(batch_size=512, steps_per_epoch=29, epochs=100))
    Plan(batch_size=512, steps_per_epoch=29, epochs=18)
    >>> at_most(500, Plan(batch_size=512, steps_per_epoch=2000, epochs=5))
    Plan(batch_size=512, steps_per_epoch=500, epochs=1)
    """
    if plan.steps <= steps:
        return plan
    each = min(plan.steps_per_epoch, steps)
    return plan._replace(steps_per_epoch=each, epochs=math.ceil(steps / each))


def fingerprint(table: pa.Table, recipe: Recipe, target: str | None, scorer: Scorer) -> str:
    """Stands for the rows and for what is to be predicted of them."""
    spec, _ = learn_spec(table, recipe, target)
    digest = hashlib.sha256(f"{spec.model_dump_json()}{scorer.same_for()}".encode())
    digest.update(compute_fingerprint(spec.tensorize(table)).encode())
    return digest.hexdigest()[:32]
