"""Health while training, without labels: readings of the networks on a fixed sample of the training rows.

A reading is a function of the run's state and seed, takes place in evaluation mode and draws from generators of its
own: training is the same, to the last bit, with and without it.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.modules.batchnorm import _BatchNorm

from contramix.encoders.encoder import Encoder
from contramix.errors import InputError, RunError
from contramix.methods.loss_bounds import Bounds
from contramix.mixing.layout import Layout
from contramix.models.pretraining import Fit
from contramix.models.task import find_task
from contramix.monitoring import representation_measures
from contramix.monitoring.view_similarity import Likeness
from contramix.runtime.randomness import Key, seeded
from contramix.samples.samples import sequential_batches, take
from contramix.samples.shuffling import sample_rows
from contramix.training.loop import Plan, Step
from contramix.training.objective import Objective, Term
from contramix.types import values_of

SAMPLE = 1024
"""Rows that a reading looks at; a share of a few thousandths is still seen in so many."""
VIEWED = 512
"""Rows of which it makes views. So a reading costs about as much as one or two steps, and twenty less than 3 % of a
thousand."""
MORE = 16 * SAMPLE
"""Rows on which a unit that seems dead is looked at again."""
SETTLED = 40
"""Steps after which BatchNorm's running statistics are off by less than 2 % (0.9^40). Before, units look dead that are
not: up to 17 % of them after 5 steps of healthy runs on four tables, none from step 20 on."""
LABELLED = 256
"""Rows whose soft labels decide over floor and chance: their mean entropy is known to about 2 %."""
READINGS, FEWEST, STEPS_APART = 20, 5, 50
"""At most so many readings a run, at least so many, and else one every so many steps, so that they cost little."""


@dataclass(frozen=True)
class Reading:
    """What was seen after a step."""

    step: int
    epoch: int
    loss: float
    bounds: Mapping[str, float]
    """``floor`` and ``chance`` of the loss, where the method knows them."""
    health: Mapping[str, float]
    """Measures by name, those that apply."""

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> "Reading":
        """What :meth:`line` made a part of a run's log."""
        bounds = {name: line[name] for name in Bounds._fields if name in line}
        return cls(line["step"], line["epoch"], line["loss"], bounds, line["health"])

    def line(self) -> dict[str, Any]:
        """As it stands in a run's log, beside what is logged of any step."""
        return {**self.bounds, "health": dict(self.health)}

    def flat(self) -> dict[str, Any]:
        """All in one: step, epoch, loss, floor, chance and the measures."""
        return {"step": self.step, "epoch": self.epoch, "loss": self.loss, **self.bounds, **self.health}


def due(plan: Plan) -> frozenset[int]:
    """The steps after which there is a reading: the first epoch's last, and evenly to the end.

    Examples
    --------
    >>> sorted(due(Plan(batch_size=16, steps_per_epoch=4, epochs=3)))
    [3, 4, 5, 8, 10, 12]
    """
    number = min(READINGS, max(FEWEST, plan.steps // STEPS_APART), plan.steps)
    evenly = {math.ceil(plan.steps * n / number) for n in range(1, number + 1)}
    return frozenset(evenly | {plan.steps_per_epoch})


def looked_at(rows: int, seed: int) -> Int[Tensor, " k"]:
    """The rows that readings look at."""
    return sample_rows(rows, SAMPLE, Key(seed).at("health"))


def settled(encoder: nn.Module) -> int:
    """The step from which on an encoder in evaluation mode is what it is in training."""
    return SETTLED if any(isinstance(part, _BatchNorm) for part in encoder.modules()) else 0


class Health:
    """Reads the health of a run.

    Parameters
    ----------
    fit
        The run; its state is looked at, never changed.
    labels
        For a kNN score: what is to be predicted of each row, or as one array of the rows :func:`looked_at` only. Rows
        without one are left out.

    Examples
    --------
    >>> import numpy as np
    >>> import pyarrow as pa
    >>> from contramix.models.pretraining import Fit, learn_spec
    >>> from contramix.recipe import Recipe
    >>> table = pa.table({"a": np.arange(32.0), "b": np.arange(32.0) % 5})
    >>> recipe = Recipe.load("imix-npair", {"train.epochs": 2})
    >>> spec, _ = learn_spec(table, recipe)
    >>> fit = Fit.begin(recipe, spec, spec.tensorize(table), seed=0)
    >>> health = Health(fit)
    >>> readings = [health.read(step) for step in fit.steps() if step.step in health.due]
    >>> readings[-1].health["effective_rank"] > 1
    True
    """

    def __init__(self, fit: Fit, labels: pa.ChunkedArray | pa.Array | None = None) -> None:
        self.due = due(fit.plan)
        self.settled = settled(fit.encoder)
        self._fit = fit
        self._key = Key(fit.seed).at("health")
        rows = looked_at(len(fit.x), fit.seed)
        self._x = fit.x[rows.to(fit.x.device)]
        self._likeness: Likeness | None = None
        # Of rows that lie in a file only those labels are there that are looked at.
        mine = labels if labels is None or isinstance(labels, pa.Array) else labels.take(pa.array(rows.numpy()))
        self._labels = None if mine is None else _labels(mine)

    @torch.no_grad()
    def read(self, step: Step) -> Reading:
        """Look at the networks as they are after a step.

        Raises
        ------
        RunError
            If a representation is not finite, so that there is nothing to read, and nothing to go on with.
        """
        objective = self._fit.state.objective
        # A user's encoder may draw from the global state in evaluation mode too.
        with _evaluating(objective), seeded(self._key, self._x.device):
            found = self._measure(objective, step.step)
            bounds = objective.bounds(self._x[:LABELLED], self._key, self._fit.plan.batch_size)
        return Reading(step.step, step.epoch, float(step.loss), _finite(bounds._asdict()), _finite(found))

    def _measure(self, objective: Objective, step: int) -> dict[str, float]:
        z = objective.encoder(self._x)
        if not bool(z.isfinite().all()):
            raise RunError(f"representations are not finite after step {step}; lower train.lr or set train.clip_norm")
        dead = representation_measures.dead(z)
        if step >= self.settled and dead.any():
            more = torch.arange(min(MORE, len(self._fit.x)))
            # A unit may answer to few rows only, such as outliers: dead is what says nothing of many more, too.
            dead &= representation_measures.dead(
                torch.cat([objective.encoder(part) for part in sequential_batches(take(self._fit.x, more), SAMPLE)])
            )
        terms = [self._of_term(term, z, self._key.at(n)) for n, term in enumerate(objective.summands)]
        found = {
            "effective_rank": representation_measures.effective_rank(z),
            "feature_std": representation_measures.feature_std(z),
            "dead_share": float(dead.double().mean()),
            # Of several losses on one network, what they are on average.
            **{name: float(np.mean([term[name] for term in terms])) for name in terms[0]},
        }
        if self._labels is not None:
            rows, y = self._labels
            found["knn"] = representation_measures.knn_score(z[rows.to(z.device)], y.to(z.device))
        return found

    def _of_term(self, term: Term, z: Tensor, key: Key) -> dict[str, float]:
        """Of the two views before i-Mix, as the online network sees them."""
        network = term.method.online
        x = self._x[:VIEWED]
        first, second, cut = term.noisy(x, key)
        likeness = self._likeness_at(network.encoder, cut, term.layout)
        h_first, h_second = (values_of(network.encoder.run(view, start=cut)) for view in (first, second))
        u, v = (normalize(network.projector(h), dim=1) for h in (h_first, h_second))
        return {
            "alignment": representation_measures.alignment(u, v),
            "uniformity": (representation_measures.uniformity(u) + representation_measures.uniformity(v)) / 2,
            "view_cosine_input": likeness(values_of(first), values_of(second)),
            "view_cosine_output": representation_measures.centred_cosine(h_first, h_second, z.double().mean(0)),
        }

    def _likeness_at(self, encoder: Encoder, cut: str, layout: Layout | None) -> Likeness:
        if cut == "input":
            if self._likeness is None:
                self._likeness = Likeness(values_of(encoder.front(self._x)), layout)
            return self._likeness
        return Likeness(values_of(encoder.run(encoder.front(self._x[:VIEWED]), stop=cut)))


def _finite(found: Mapping[str, float]) -> dict[str, float]:
    """What is a number, to six digits after the point."""
    return {name: round(value, 6) for name, value in found.items() if math.isfinite(value)}


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode for a while; then each part is in the mode that it was in."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def _labels(values: pa.Array | pa.ChunkedArray) -> tuple[Tensor, Tensor] | None:
    """Which rows of the sample have a label, and class numbers or quantities; None where nothing can be predicted."""
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    there = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
    values = values.take(pa.array(there))
    if not len(values):
        return None
    try:
        task = find_task(_WHAT, values, _WHAT)
        y = task.encode(values, _WHAT)
    except InputError:  # one class only, or an identifier
        return None
    return torch.from_numpy(there), torch.from_numpy(y)


_WHAT = "the target"
