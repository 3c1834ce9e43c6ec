"""Detect problems of a run during training, and advise what to change.

To add an alarm, write a function and register it in ``ALARMS``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from torch.nn.modules.dropout import _DropoutNd

from contramix.models.pretraining import Fit
from contramix.monitoring.health import MONITORED_ROWS, Reading, first_settled_step

COLLAPSED_STD = 0.01
"""Feature standard deviation below which a representation has collapsed. On all tables tried it stays above 0.2."""
COLLAPSED_RANK = 1.1
"""Effective rank below which a representation has collapsed. Healthy representations have 10 to 180."""
MIN_WIDTH = 8
"""Smallest width of representations whose effective rank is checked. Narrower ones may legitimately have rank 1."""
MAX_VIEW_COSINE = 0.99
"""Cosine similarity of two views above which positives are too easy. DACL's weakest noise, linear with alpha = 0.9,
gives 0.996, and the strong noises behind its published results give 0.3 to 0.95."""
MIN_VIEW_COSINE = 0.1
"""Cosine similarity of two views below which positives are too hard. Noise that keeps 10 % of a row gives 0.01; SCARF,
which replaces 60 % of the cells in one view, gives 0.4."""
MIN_ROWS = 32
"""Smallest number of rows on which views are compared. With fewer rows the mean cosine has an error of about 0.1."""
MIN_LOSS_DROP = 0.02
"""Smallest decrease of the loss below chance, as a share of the range from chance to the floor. Healthy runs reach a
third before step 50."""
MIN_PROGRESS, RECENT_READINGS, MIN_STEPS = 0.5, 3, 100
"""Share of a run after which the loss is checked, number of readings over which it is averaged, and first step at which
it is checked. With batches of 8 to 32 rows and a low temperature, the loss may stay above chance for 100 steps."""
MAX_LAST_FALL = 0.05
"""Share of the loss's total decrease above which a decrease in the last fifth of a run means that training ended
early."""
MIN_LOG_LINES = 5
"""Smallest number of log lines in the last fifth of a run from which the slope of the loss is estimated."""

STRONGER_NOISE = "noise.rate or noise.std up, noise.alpha or noise.keep_prob down"
WEAKER_NOISE = "noise.rate or noise.std down, noise.alpha or noise.keep_prob up"


class Alarm(NamedTuple):
    """Describe a problem that was detected while a model was pre-trained.

    Parameters
    ----------
    name
        ``"collapse"``, ``"dead_units"``, ``"too_easy"``, ``"too_hard"`` or ``"no_learning"`` (keys of :data:`ALARMS`).
    step
        Number of the step after which the problem was first observed.
    text
        Description of the problem, and what to try.
    """

    name: str
    step: int
    text: str

    def __str__(self) -> str:
        return f"step {self.step}: {self.text}"


class RunFacts(NamedTuple):
    """Collect the properties of a run that the alarms depend on.

    Parameters
    ----------
    steps
        Number of steps of the run.
    rows
        Number of training rows whose representations are measured, such as for the effective rank.
    width
        Number of elements of a representation.
    mixes
        Whether a term of the loss uses i-Mix, which makes queries differ from their keys even without noise.
    drops
        Whether the encoder has dropout, which makes queries differ from their keys even without noise.
    settled
        First step at which dead units are checked: 0, or 40 if the encoder has BatchNorm, whose running statistics are
        inaccurate before.
    """

    steps: int
    rows: int
    width: int
    mixes: bool
    drops: bool
    settled: int

    @classmethod
    def from_fit(cls, fit: Fit) -> "RunFacts":
        """Collect the properties of a training, which need not have started yet."""
        return cls(
            steps=fit.plan.steps,
            rows=min(MONITORED_ROWS, len(fit.x)),
            width=fit.encoder.width,
            mixes=any(term.imix is not None for term in fit.state.objective.summands),
            drops=any(isinstance(part, _DropoutNd) and part.p > 0 for part in fit.encoder.modules()),
            settled=first_settled_step(fit.encoder),
        )


def _collapse(run: RunFacts, readings: Sequence[Reading]) -> str:
    health = readings[-1].health
    if run.width == 1:
        collapsed = health["dead_share"] == 1
    else:
        collapsed = health["feature_std"] < COLLAPSED_STD or (
            run.width >= MIN_WIDTH and health["effective_rank"] < COLLAPSED_RANK
        )
    if not collapsed:
        return ""
    return (
        f"the representation has collapsed: its effective rank is {health['effective_rank']:.1f} of {run.width}, its "
        f"feature std {health['feature_std']:.3f}, so all rows have nearly the same one. Try a lower train.lr, a "
        "method with negatives (npair, simclr or moco) in place of byol or simsiam, or a projector with BatchNorm "
        "(method.projector.kind = 'mlpbn')"
    )


def _dead_units(run: RunFacts, readings: Sequence[Reading]) -> str:
    share = readings[-1].health["dead_share"]
    if not 0 < share < 1 or readings[-1].step < run.settled:
        return ""
    units = round(share * run.width)
    return (
        f"{units} of the {run.width} units of the representation {'is' if units == 1 else 'are'} dead: the same for "
        f"all {run.rows:,} rows that were checked, so they carry no information and no longer learn. Try a lower "
        "train.lr, BatchNorm before the last activation (encoder.kind = 'mlp' has it), or a narrower encoder.width"
    )


def _too_easy(run: RunFacts, readings: Sequence[Reading]) -> str:
    cosine = readings[-1].health.get("view_cosine_input", 0.0)
    if cosine < MAX_VIEW_COSINE or run.mixes or run.drops or run.rows < MIN_ROWS:
        return ""
    return (
        f"positives are too easy: the two views of a row are nearly the same (cosine {cosine:.3f}), so it can be "
        f"recognized without learning much. Try stronger noise ({STRONGER_NOISE}), another noise.kind, or i-Mix "
        "(imix.operator = 'linear')"
    )


def _too_hard(run: RunFacts, readings: Sequence[Reading]) -> str:
    cosine = readings[-1].health.get("view_cosine_input", 1.0)
    if cosine >= MIN_VIEW_COSINE or run.rows < MIN_ROWS:
        return ""
    return (
        f"positives are too hard: the two views of a row share next to nothing (cosine {cosine:.3f}), so there is "
        f"little by which it can be recognized. Try weaker noise ({WEAKER_NOISE}), or noise.views = 'one' of marginal "
        "noise"
    )


def _no_learning(run: RunFacts, readings: Sequence[Reading]) -> str:
    last = readings[-1]
    floor, chance = last.bounds.get("floor"), last.bounds.get("chance")
    if floor is None or chance is None or last.step < max(MIN_STEPS, MIN_PROGRESS * run.steps):
        return ""
    loss = float(np.mean([reading.loss for reading in readings[-RECENT_READINGS:]]))
    if chance - loss > MIN_LOSS_DROP * (chance - floor):
        return ""
    return (
        f"the loss is not below chance: {loss:.3f}, and chance level is {chance:.3f}, so nothing that "
        "distinguishes rows has been learned. Try another train.lr (lower if the loss jumps, higher if it stands "
        f"still), a higher method.temperature, or weaker noise ({WEAKER_NOISE})"
    )


ALARMS: dict[str, Callable[[RunFacts, Sequence[Reading]], str]] = {
    "collapse": _collapse,
    "dead_units": _dead_units,
    "too_easy": _too_easy,
    "too_hard": _too_hard,
    "no_learning": _no_learning,
}
"""Functions by name of the alarm. They take the properties of a run and all its readings (values measured so far), and
return a description of the problem, or an empty string if there is none."""


class Alarms:
    """Check for problems, such as collapse, each time that a training is measured; report each problem once.

    Pass each :class:`contramix.monitoring.health.Reading` (the loss and health measures after one step) to
    :meth:`update`.

    Parameters
    ----------
    fit
        Training to monitor.
    """

    def __init__(self, fit: Fit) -> None:
        self.run = RunFacts.from_fit(fit)
        self.readings: list[Reading] = []
        self.raised: list[Alarm] = []

    def update(self, reading: Reading) -> list[Alarm]:
        """Check the values measured after a step; return new alarms, without those that earlier calls returned.

        ``reading`` holds the loss and the health measures, such as the effective rank.
        """
        self.readings.append(reading)
        before = {alarm.name for alarm in self.raised}
        texts = {name: check(self.run, self.readings) for name, check in ALARMS.items() if name not in before}
        new = [Alarm(name, reading.step, text) for name, text in texts.items() if text]
        self.raised += new
        return new

    def facts(self) -> dict[str, Any]:
        """Return entries for the model's config.json.

        ``alarms`` is a list of all alarms as dictionaries (``name``, ``step``, ``text``). ``health`` is a dictionary of
        the latest step, loss and health measures; it is empty if nothing was measured.
        """
        health = self.readings[-1].flat() if self.readings else {}
        return {"alarms": [alarm._asdict() for alarm in self.raised], "health": health}


def advice_from_log(log: Sequence[Mapping[str, Any]], alarms: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return sentences of advice on what to change in a run, derived from its alarms and the end of its loss curve.

    Parameters
    ----------
    log
        Dictionaries with at least ``step`` and ``loss``, in the order of steps: the lines of ``log.jsonl``, or an
        estimator's ``health_``.
    alarms
        Alarms as dictionaries with the key ``text``: the value of ``alarms`` in a run's config.json.

    Examples
    --------
    >>> falling = [{"step": n, "loss": 100.0 - n} for n in range(1, 101)]
    >>> advice_from_log(falling, [])
    ['The loss was still falling at the end (by 19 % of its total decrease in the last fifth): raise train.epochs.']
    """
    advice = [f"{text[:1].upper()}{text[1:]}." for text in (str(alarm["text"]) for alarm in alarms)]
    share = _last_fall(log)
    if share > MAX_LAST_FALL:
        advice.append(
            f"The loss was still falling at the end (by {100 * share:.0f} % of its total decrease in the "
            "last fifth): raise train.epochs."
        )
    return advice


def _last_fall(log: Sequence[Mapping[str, Any]]) -> float:
    """Return the decrease of the loss in the last fifth of the steps, divided by its decrease in all steps.

    The decrease in the last fifth is that of a straight line fitted to the losses there. The result is 0 if the log has
    fewer than :data:`MIN_LOG_LINES` lines there, or the slope is not below 0 by more than three standard errors.
    """
    step, loss = (np.array([line[name] for line in log], dtype=float) for name in ("step", "loss"))
    last = step > 0.8 * step.max(initial=0)
    if last.sum() < MIN_LOG_LINES:
        return 0.0
    (slope, _), covariance = np.polyfit(step[last], loss[last], 1, cov=True)
    fall = -slope * np.ptp(step[last])
    total = loss[0] - loss[last].mean() + fall / 2
    return float(fall / total) if slope < -3 * covariance[0, 0] ** 0.5 and total > 0 else 0.0
