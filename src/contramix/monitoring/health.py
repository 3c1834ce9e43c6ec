"""Measure during training whether the networks learn well, on a fixed sample of the training rows.

A reading (the values measured after one step) depends only on the networks and the seed of the run. It is taken in
evaluation mode with separate random generators. Therefore training gives the same bytes with and without readings.
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
from contramix.monitoring.view_similarity import ViewSimilarity
from contramix.runtime.randomness import Key, seeded
from contramix.samples.samples import sequential_batches, take
from contramix.samples.shuffling import sample_rows
from contramix.training.loop import Plan, Step
from contramix.training.objective import Objective, Term
from contramix.types import get_values

MONITORED_ROWS = 1024
"""Maximum number of rows on which a reading is taken, large enough to measure shares of a few thousandths."""
VIEW_ROWS = 512
"""Maximum number of rows for which a reading computes two views. A reading then costs as much as one or two training
steps, and twenty readings cost less than 3 % of a thousand steps."""
DEAD_UNIT_ROWS = 16 * MONITORED_ROWS
"""Maximum number of rows on which a unit (an element of the representation) that seems dead is checked again."""
BATCH_NORM_STEPS = 40
"""Number of steps after which the error of BatchNorm's running statistics is below 2 % (0.9^40). Earlier, live units
may seem dead: up to 17 % of them after 5 steps of healthy runs on four tables, none from step 20 on."""
BOUND_ROWS = 256
"""Maximum number of rows from whose soft labels the loss's floor and chance level are computed. The mean entropy of the
labels is then known to about 2 %."""
MAX_READINGS, MIN_READINGS, STEPS_PER_READING = 20, 5, 50
"""Largest and smallest number of readings in a run, and number of steps per reading between these limits. More readings
would take too much time."""
_WHAT = "the target"
"""Name of the labels in error messages, which are never shown."""


@dataclass(frozen=True)
class Reading:
    """Store the values that were measured after a training step.

    Parameters
    ----------
    step, epoch
        Number of the step, from 1, and of the epoch, from 0.
    loss
        Loss of the step's batch.
    bounds
        The smallest possible loss (key ``floor``) and the loss of a network that has learned nothing (key ``chance``).
        A key is absent if the pre-training method cannot compute the value.
    health
        Measures of the representation by name, such as ``effective_rank``; see
        :data:`contramix.monitoring.representation_measures.MEANING`.
    """

    step: int
    epoch: int
    loss: float
    bounds: Mapping[str, float]
    health: Mapping[str, float]

    @classmethod
    def from_line(cls, line: Mapping[str, Any]) -> "Reading":
        """Restore a reading from a line of a run's log that contains the reading's values."""
        bounds = {name: line[name] for name in Bounds._fields if name in line}
        return cls(line["step"], line["epoch"], line["loss"], bounds, line["health"])

    def line(self) -> dict[str, Any]:
        """Return the entries for the step's line of the log: ``floor`` and ``chance`` if known, and ``health``."""
        return {**self.bounds, "health": dict(self.health)}

    def flat(self) -> dict[str, Any]:
        """Return step, epoch, loss, floor and chance (if known) and all health measures in one flat dictionary."""
        return {"step": self.step, "epoch": self.epoch, "loss": self.loss, **self.bounds, **self.health}


def reading_steps(plan: Plan) -> frozenset[int]:
    """Return the numbers of the steps after which a run is measured: evenly spaced, and the end of the first epoch.

    The evenly spaced ones include the last step. Their number is a fiftieth of the run's steps, but from 5 to 20.

    Examples
    --------
    >>> sorted(reading_steps(Plan(batch_size=16, steps_per_epoch=4, epochs=3)))
    [3, 4, 5, 8, 10, 12]
    """
    number = min(MAX_READINGS, max(MIN_READINGS, plan.steps // STEPS_PER_READING), plan.steps)
    evenly = {math.ceil(plan.steps * n / number) for n in range(1, number + 1)}
    return frozenset(evenly | {plan.steps_per_epoch})


def monitored_rows(rows: int, seed: int) -> Int[Tensor, " k"]:
    """Draw the training rows on whose representations a run is monitored, and return their row numbers.

    ``rows`` is the number of training rows, of which at most :data:`MONITORED_ROWS` are drawn. ``seed`` is the run's.
    """
    return sample_rows(rows, MONITORED_ROWS, Key(seed).at("health"))


def first_settled_step(encoder: nn.Module) -> int:
    """Return the step from which BatchNorm's running statistics are accurate (40), or 0 for encoders without BatchNorm.

    Earlier in training, an encoder's outputs in evaluation mode may differ from those in training mode.
    """
    return BATCH_NORM_STEPS if any(isinstance(part, _BatchNorm) for part in encoder.modules()) else 0


class Health:
    """Measure the quality of representations during a training, such as their effective rank.

    Call :meth:`read` after each step whose number is in the attribute ``due``.

    Parameters
    ----------
    fit
        Training to monitor. Its state is not changed.
    labels
        Target values for a kNN score: a ``pa.ChunkedArray`` with the values of all training rows, or a ``pa.Array``
        with those of the rows that :func:`monitored_rows` returns. Rows with null are left out. None: no kNN score is
        computed.

    Attributes
    ----------
    due
        Numbers of the steps after which to measure (:func:`reading_steps`).

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
        self.due = reading_steps(fit.plan)
        self.settled = first_settled_step(fit.encoder)
        self._fit = fit
        self._key = Key(fit.seed).at("health")
        rows = monitored_rows(len(fit.x), fit.seed)
        self._x = fit.x[rows.to(fit.x.device)]
        self._view_similarity: ViewSimilarity | None = None
        # A cached table keeps the labels of the monitored rows only.
        known = labels if labels is None or isinstance(labels, pa.Array) else labels.take(pa.array(rows.numpy()))
        self._labels = None if known is None else _labels(known)

    @torch.no_grad()
    def read(self, step: Step) -> Reading:
        """Measure the representations after a training step. ``step`` must be the latest step of the training.

        Raises
        ------
        RunError
            If a representation is not finite.
        """
        objective = self._fit.state.objective
        # An encoder of the user's may draw from the global generators in evaluation mode, too.
        with _evaluation_mode(objective), seeded(self._key, self._x.device):
            found = self._measure(objective, step.step)
            bounds = objective.bounds(self._x[:BOUND_ROWS], self._key, self._fit.plan.batch_size)
        return Reading(step.step, step.epoch, float(step.loss), _finite(bounds._asdict()), _finite(found))

    def _measure(self, objective: Objective, step: int) -> dict[str, float]:
        z = objective.encoder(self._x)
        if not bool(z.isfinite().all()):
            raise RunError(f"representations are not finite after step {step}; lower train.lr or set train.clip_norm")
        dead = representation_measures.dead_units(z)
        if step >= self.settled and dead.any():
            more = torch.arange(min(DEAD_UNIT_ROWS, len(self._fit.x)))
            # A unit may respond to few rows only, such as outliers. It is dead if it is constant on many more rows.
            dead &= representation_measures.dead_units(
                torch.cat(
                    [objective.encoder(part) for part in sequential_batches(take(self._fit.x, more), MONITORED_ROWS)]
                )
            )
        terms = [self._measure_term(term, z, self._key.at(n)) for n, term in enumerate(objective.summands)]
        found = {
            "effective_rank": representation_measures.rankme(z),
            "feature_std": representation_measures.feature_std(z),
            "dead_share": float(dead.double().mean()),
            # If several terms train one network, their measures are averaged.
            **{name: float(np.mean([term[name] for term in terms])) for name in terms[0]},
        }
        if self._labels is not None:
            rows, y = self._labels
            found["knn"] = representation_measures.knn_score(z[rows.to(z.device)], y.to(z.device))
        return found

    def _measure_term(self, term: Term, z: Tensor, key: Key) -> dict[str, float]:
        """Compute the measures that need two views of each row, for one term of the loss.

        They are returned by name: ``alignment``, ``uniformity``, ``view_cosine_input`` and ``view_cosine_output``. The
        views have the term's noise, without i-Mix. ``z`` holds the representations of the monitored rows without noise.
        """
        network = term.method.online
        x = self._x[:VIEW_ROWS]
        first, second, cut = term.noisy(x, key)
        similarity = self._similarity_at(network.encoder, cut, term.layout)
        h_first, h_second = (get_values(network.encoder.run(view, start=cut)) for view in (first, second))
        u, v = (normalize(network.projector(h), dim=1) for h in (h_first, h_second))
        return {
            "alignment": representation_measures.alignment(u, v),
            "uniformity": (representation_measures.uniformity(u) + representation_measures.uniformity(v)) / 2,
            "view_cosine_input": similarity(get_values(first), get_values(second)),
            "view_cosine_output": representation_measures.centered_cosine(h_first, h_second, z.double().mean(0)),
        }

    def _similarity_at(self, encoder: Encoder, cut: str, layout: Layout | None) -> ViewSimilarity:
        if cut == "input":
            if self._view_similarity is None:
                self._view_similarity = ViewSimilarity(get_values(encoder.front(self._x)), layout)
            return self._view_similarity
        return ViewSimilarity(get_values(encoder.run(encoder.front(self._x[:VIEW_ROWS]), stop=cut)))


def _finite(found: Mapping[str, float]) -> dict[str, float]:
    """Return the finite values of a dictionary, rounded to six decimals."""
    return {name: round(value, 6) for name, value in found.items() if math.isfinite(value)}


@contextmanager
def _evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Put a module into evaluation mode within a ``with`` block; restore the mode of each submodule afterwards."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def _labels(values: pa.Array | pa.ChunkedArray) -> tuple[Tensor, Tensor] | None:
    """Return the numbers of the rows that have a label, and the class numbers or numeric targets of these rows.

    The result is None if no row has a label, or the labels cannot be predicted: there is only one class, or the labels
    seem to be identifiers.
    """
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    labeled = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
    values = values.take(pa.array(labeled))
    if not len(values):
        return None
    try:
        task = find_task(_WHAT, values, _WHAT)
        y = task.encode(values, _WHAT)
    except InputError:
        return None
    return torch.from_numpy(labeled), torch.from_numpy(y)
