"""Measure during training how healthy the networks are, on a fixed sample of the training rows.

A reading depends on the state and the seed of a run only. It is taken in evaluation mode, and draws from generators of
its own. Therefore training gives the same bytes with and without readings.
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
"""Maximum number of rows in a reading. A share of a few thousandths of them is still measurable."""
VIEW_ROWS = 512
"""Maximum number of rows of which a reading makes views. With it a reading costs about one or two steps, and twenty
readings less than 3 % of a thousand steps."""
DEAD_UNIT_ROWS = 16 * MONITORED_ROWS
"""Maximum number of rows on which a unit that seems dead is checked again."""
BATCH_NORM_STEPS = 40
"""Number of steps after which the error of BatchNorm's running statistics is below 2 % (0.9^40). Before, units seem
dead that are not: up to 17 % of them after 5 steps of healthy runs on four tables, none from step 20 on."""
BOUND_ROWS = 256
"""Maximum number of rows by whose soft labels floor and chance of the loss are computed. Their mean entropy is known to
about 2 %."""
MAX_READINGS, MIN_READINGS, STEPS_PER_READING = 20, 5, 50
"""Largest and smallest number of readings of a run; in between there is one every 50 steps. More would cost too
much."""
_WHAT = "the target"
"""Name of the labels in messages, which are not shown."""


@dataclass(frozen=True)
class Reading:
    """Hold the measures that were taken after a step."""

    step: int
    epoch: int
    loss: float
    bounds: Mapping[str, float]
    """``floor`` and ``chance`` of the loss, if the method knows them."""
    health: Mapping[str, float]
    """Measures by name (:data:`contramix.monitoring.representation_measures.MEANING`)."""

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> "Reading":
        """Restore a reading from a line of a run's log."""
        bounds = {name: line[name] for name in Bounds._fields if name in line}
        return cls(line["step"], line["epoch"], line["loss"], bounds, line["health"])

    def line(self) -> dict[str, Any]:
        """Return what a reading adds to the step's line in the run's log."""
        return {**self.bounds, "health": dict(self.health)}

    def flat(self) -> dict[str, Any]:
        """Return step, epoch, loss, floor, chance and all measures in one dictionary."""
        return {"step": self.step, "epoch": self.epoch, "loss": self.loss, **self.bounds, **self.health}


def reading_steps(plan: Plan) -> frozenset[int]:
    """Return the steps after which readings are taken: the last of the first epoch, and evenly spaced ones.

    Examples
    --------
    >>> sorted(reading_steps(Plan(batch_size=16, steps_per_epoch=4, epochs=3)))
    [3, 4, 5, 8, 10, 12]
    """
    number = min(MAX_READINGS, max(MIN_READINGS, plan.steps // STEPS_PER_READING), plan.steps)
    evenly = {math.ceil(plan.steps * n / number) for n in range(1, number + 1)}
    return frozenset(evenly | {plan.steps_per_epoch})


def monitored_rows(rows: int, seed: int) -> Int[Tensor, " k"]:
    """Return the numbers of the rows on which readings are taken, given the number of rows and the run's seed."""
    return sample_rows(rows, MONITORED_ROWS, Key(seed).at("health"))


def first_settled_step(encoder: nn.Module) -> int:
    """Return the first step at which an encoder behaves in evaluation mode nearly as in training."""
    return BATCH_NORM_STEPS if any(isinstance(part, _BatchNorm) for part in encoder.modules()) else 0


class Health:
    """Take readings of a run.

    Parameters
    ----------
    fit
        Run to monitor. Its state is not changed.
    labels
        Target values for a kNN score: a chunked array of all rows, or an array of the rows :func:`monitored_rows`. Rows
        without a value are left out.

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
        """Take a reading of the networks as they are after a step.

        Raises
        ------
        RunError
            If a representation is not finite, so that training cannot continue.
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
        """Measure the two views of rows before i-Mix, as the online network sees them."""
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
    """Return the finite values, rounded to six decimals."""
    return {name: round(value, 6) for name, value in found.items() if math.isfinite(value)}


@contextmanager
def _evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Put a module into evaluation mode while a block runs; restore the mode of each submodule afterwards."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def _labels(values: pa.Array | pa.ChunkedArray) -> tuple[Tensor, Tensor] | None:
    """Return the numbers of the rows with a label, and class numbers or numeric targets.

    The result is None if the labels cannot be predicted: if there is one class only, or if they are identifiers.
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
