"""Define the baselines that pre-trained models are compared with on the same rows and labels.

To add a baseline, write it in a file of this folder and add one line to the list below. To use it by default in a data
domain, add its name to the ``baselines`` of the domain.
"""

from collections.abc import Collection

from contramix.errors import InputError
from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs, EvaluationRecords
from contramix.evaluation.baselines.blend import BLEND
from contramix.evaluation.baselines.boosting import BOOSTING
from contramix.evaluation.baselines.chance import CHANCE
from contramix.evaluation.baselines.foundation import TABICL, TABPFN
from contramix.evaluation.baselines.gaussian import GAUSSIAN
from contramix.evaluation.baselines.logmel import LOGMEL
from contramix.evaluation.baselines.networks import SUPERVISED, UNTRAINED
from contramix.evaluation.baselines.pca import PCA_BASELINE, PIXELS
from contramix.evaluation.baselines.raw import FROZEN, RAW, RAW_QUANTILE
from contramix.evaluation.baselines.rocket import ROCKET
from contramix.evaluation.baselines.tfidf import TFIDF
from contramix.evaluation.baselines.trees import EXTRA_TREES, FOREST
from contramix.evaluation.baselines.wl import WL
from contramix.evaluation.candidates import Candidate

BASELINES: dict[str, Baseline] = {
    baseline.name: baseline
    for baseline in (
        CHANCE,
        RAW,
        FROZEN,
        RAW_QUANTILE,
        PCA_BASELINE,
        UNTRAINED,
        EXTRA_TREES,
        FOREST,
        BOOSTING,
        BLEND,
        TABPFN,
        TABICL,
        LOGMEL,
        PIXELS,
        TFIDF,
        WL,
        ROCKET,
        GAUSSIAN,
        SUPERVISED,
    )
}
"""Baselines by name, in the order in which a comparison lists them."""


def make_baselines(inputs: BaselineInputs, names: Collection[str]) -> list[Candidate]:
    """Build the candidates (models that a comparison scores) of the named baselines, in the order of ``BASELINES``.

    Baselines whose optional package is not installed are left out; see :func:`note_unavailable`.

    Raises
    ------
    InputError
        If a baseline is for another data domain.
    """
    named = [baseline for name, baseline in BASELINES.items() if name in names]
    missing = find_unavailable(inputs, names)
    for baseline in named:
        if not baseline.suits(inputs.recipe.domain):
            raise InputError(
                f"the baseline {baseline.name!r} is for the domain {' or '.join(baseline.domains or ())!r}"
            )
    return [candidate for baseline in named if baseline.name not in missing for candidate in baseline.make(inputs)]


def find_unavailable(inputs: BaselineInputs, names: Collection[str]) -> dict[str, str]:
    """Return the named baselines that cannot be run, with the reason, such as ``{"tabpfn": "not installed"}``."""
    checks = {name: BASELINES[name].unavailable for name in BASELINES if name in names}
    reasons = {name: check(inputs) for name, check in checks.items() if check is not None}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def note_unavailable(inputs: BaselineInputs, names: Collection[str]) -> list[str]:
    """Return one sentence on the named baselines that cannot be run, and why; an empty list if all can be run."""
    missing = find_unavailable(inputs, names)
    listed = ", ".join(f"{name} ({reason})" for name, reason in missing.items())
    return [f"optional baselines that were not run: {listed}"] if missing else []


__all__ = ["BASELINES", "Baseline", "BaselineInputs", "EvaluationRecords", "make_baselines", "note_unavailable"]
