"""Alarms: what readings say is wrong with a run, while it goes on, and what to try.

A new alarm is one function and one line in ``ALARMS``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from torch.nn.modules.dropout import _DropoutNd

from contramix.models.pretraining import Fit
from contramix.monitoring.health import SAMPLE, Reading, settled

ONE_WAY = 0.01
"""Feature std below this is collapse: rows of all tables tried stay above 0.2 from the first step on."""
ONE_DIMENSION = 1.1
"""An effective rank below this is collapse, of a representation with room for more: healthy ones have 10 to 180."""
ROOM = 8
"""Narrower representations may well use one direction; their effective rank is not judged."""
TOO_EASY = 0.99
"""Views this alike leave nothing to learn but to copy: DACL's weakest noise, linear with alpha = 0.9, leaves 0.996, and
the strong noises that its results rest on leave 0.3 to 0.95."""
TOO_HARD = 0.1
"""Views this different share next to nothing: keeping 10 % of a row leaves 0.01, SCARF's 60 % in one view 0.4."""
FEWEST_ROWS = 32
"""The mean cosine of fewer rows is off by about 0.1, too much to judge views by."""
LEARNED = 0.02
"""Of the way from chance to the floor; healthy runs have come a third of it before step 50."""
LATE, RECENT, FEWEST_STEPS = 0.5, 3, 100
"""No learning is judged in the second half of a run, by the mean loss of three readings, not before step 100: in
batches of 8 to 32 rows at a low temperature, the loss may begin above chance and needs that long."""
FALLING = 0.05
"""Of the whole fall of the loss: what falls that much in the last fifth of a run has not levelled off."""
FEWEST_LINES = 5
"""Lines of a log in that fifth, to lay a straight line through."""

STRONGER = "noise.rate or noise.std up, noise.alpha or noise.keep_prob down"
WEAKER = "noise.rate or noise.std down, noise.alpha or noise.keep_prob up"


class Alarm(NamedTuple):
    """What was seen, what it means, and what to try."""

    name: str
    step: int
    text: str

    def __str__(self) -> str:
        return f"step {self.step}: {self.text}"


class Run(NamedTuple):
    """What readings must be seen against."""

    steps: int
    rows: int
    """In the sample."""
    width: int
    """Of the representation."""
    mixes: bool
    """Whether queries differ from their keys by i-Mix, whatever the noise."""
    drops: bool
    """Whether they differ by dropout."""
    settled: int
    """The step from which on units are judged (:func:`contramix.monitoring.health.settled`)."""

    @classmethod
    def of(cls, fit: Fit) -> "Run":
        """What is known of a run before it begins."""
        return cls(
            steps=fit.plan.steps,
            rows=min(SAMPLE, len(fit.x)),
            width=fit.encoder.width,
            mixes=any(term.imix is not None for term in fit.state.objective.summands),
            drops=any(isinstance(part, _DropoutNd) and part.p > 0 for part in fit.encoder.modules()),
            settled=settled(fit.encoder),
        )


def _collapse(run: Run, readings: Sequence[Reading]) -> str:
    health = readings[-1].health
    if run.width == 1:
        gone = health["dead_share"] == 1
    else:
        gone = health["feature_std"] < ONE_WAY or (run.width >= ROOM and health["effective_rank"] < ONE_DIMENSION)
    if not gone:
        return ""
    return (
        f"the representation has collapsed: its effective rank is {health['effective_rank']:.1f} of {run.width}, its "
        f"feature std {health['feature_std']:.3f}, so all rows get nearly the same one. Try a lower train.lr, a method "
        "with negatives (npair, simclr or moco) in place of byol or simsiam, or a projector with BatchNorm "
        "(method.projector.kind = 'mlpbn')"
    )


def _dead_units(run: Run, readings: Sequence[Reading]) -> str:
    share = readings[-1].health["dead_share"]
    if not 0 < share < 1 or readings[-1].step < run.settled:
        return ""
    units = round(share * run.width)
    return (
        f"{units} of the {run.width} units of the representation {'is' if units == 1 else 'are'} dead: the same for "
        f"all {run.rows:,} rows looked at, so they carry nothing and learn no more. Try a lower train.lr, BatchNorm "
        "before the last activation (encoder.kind = 'mlp' has it), or a narrower encoder.width"
    )


def _too_easy(run: Run, readings: Sequence[Reading]) -> str:
    cosine = readings[-1].health.get("view_cosine_input", 0.0)
    if cosine < TOO_EASY or run.mixes or run.drops or run.rows < FEWEST_ROWS:
        return ""
    return (
        f"positives are too easy: the two views of a row are nearly the same (cosine {cosine:.3f}), so it is found "
        f"again by copying, and little need be learned. Try stronger noise ({STRONGER}), another noise.kind, or i-Mix "
        "(imix.operator = 'linear')"
    )


def _too_hard(run: Run, readings: Sequence[Reading]) -> str:
    cosine = readings[-1].health.get("view_cosine_input", 1.0)
    if cosine >= TOO_HARD or run.rows < FEWEST_ROWS:
        return ""
    return (
        f"positives are too hard: the two views of a row share next to nothing (cosine {cosine:.3f}), so there is "
        f"little to find it again by. Try weaker noise ({WEAKER}), or of marginal noise noise.views = 'one'"
    )


def _no_learning(run: Run, readings: Sequence[Reading]) -> str:
    last = readings[-1]
    floor, chance = last.bounds.get("floor"), last.bounds.get("chance")
    if floor is None or chance is None or last.step < max(FEWEST_STEPS, LATE * run.steps):
        return ""
    loss = float(np.mean([reading.loss for reading in readings[-RECENT:]]))
    if chance - loss > LEARNED * (chance - floor):
        return ""
    return (
        f"the loss is not below chance: {loss:.3f}, where knowing nothing gives {chance:.3f}, so nothing that tells "
        "rows apart has been learned. Try another train.lr (lower if the loss jumps, higher if it stands still), a "
        f"higher method.temperature, or weaker noise ({WEAKER})"
    )


ALARMS: dict[str, Callable[[Run, Sequence[Reading]], str]] = {
    "collapse": _collapse,
    "dead_units": _dead_units,
    "too_easy": _too_easy,
    "too_hard": _too_hard,
    "no_learning": _no_learning,
}
"""Each tells what is wrong after the last of some readings; nothing is wrong if it says nothing."""


class Alarms:
    """Raises each alarm once, at the reading where it arises.

    Parameters
    ----------
    fit
        The run that is read.
    """

    def __init__(self, fit: Fit) -> None:
        self.run = Run.of(fit)
        self.readings: list[Reading] = []
        self.raised: list[Alarm] = []

    def see(self, reading: Reading) -> list[Alarm]:
        """The alarms that are new with a reading."""
        self.readings.append(reading)
        before = {alarm.name for alarm in self.raised}
        texts = {name: check(self.run, self.readings) for name, check in ALARMS.items() if name not in before}
        new = [Alarm(name, reading.step, text) for name, text in texts.items() if text]
        self.raised += new
        return new

    def facts(self) -> dict[str, Any]:
        """What a model keeps of them: ``alarms``, and the last reading as ``health``."""
        health = self.readings[-1].flat() if self.readings else {}
        return {"alarms": [alarm._asdict() for alarm in self.raised], "health": health}


def advice_from_log(log: Sequence[Mapping[str, Any]], alarms: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a run's log and alarms say about it, in sentences; none where there is nothing to say.

    Parameters
    ----------
    log
        Lines of ``log.jsonl`` (:func:`contramix.runs.log.read_log`), or an encoder's ``health_``.
    alarms
        ``alarms`` of a run's config.json.

    Examples
    --------
    >>> falling = [{"step": n, "loss": 100.0 - n} for n in range(1, 101)]
    >>> advice_from_log(falling, [])
    ['The loss was still falling when the run ended (by 19 % of its whole fall in the last fifth): raise train.epochs.']
    """
    said = [f"{text[:1].upper()}{text[1:]}." for text in (str(alarm["text"]) for alarm in alarms)]
    share = _last_fall(log)
    if share > FALLING:
        said.append(
            f"The loss was still falling when the run ended (by {100 * share:.0f} % of its whole fall in the last "
            "fifth): raise train.epochs."
        )
    return said


def _last_fall(log: Sequence[Mapping[str, Any]]) -> float:
    """How much of the loss's whole fall came in the last fifth of the steps, by a straight line through it; 0 where its
    slope may be chance (three standard errors)."""
    step, loss = (np.array([line[name] for line in log], dtype=float) for name in ("step", "loss"))
    last = step > 0.8 * step.max(initial=0)
    if last.sum() < FEWEST_LINES:
        return 0.0
    (slope, _), covariance = np.polyfit(step[last], loss[last], 1, cov=True)
    fall = -slope * np.ptp(step[last])
    whole = loss[0] - loss[last].mean() + fall / 2
    return float(fall / whole) if slope < -3 * covariance[0, 0] ** 0.5 and whole > 0 else 0.0
