"""Define candidates: the models and baselines that are compared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float32
from numpy import ndarray

from contramix.encoders.encoder import Encoder
from contramix.evaluation.probes import PROBES, Probe
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.models.finetuning import fine_tune
from contramix.samples.samples import Samples, take

RowKind = Literal["baseline", "pretrained"]


@dataclass
class Candidate:
    """Describe one row of a comparison: its names, and how it predicts.

    Parameters
    ----------
    name
        Name of the model or baseline, such as ``imix-npair``.
    kind
        Whether it is a baseline or a pre-trained model that is compared with the baselines.
    probe
        Name of the probe, such as ``linear``; a baseline without a probe has its own name here.
    predict
        Function that predicts the test rows of a problem from its training rows and their targets.
    few_labels
        Whether it is also scored with few labels.
    seconds
        Time that its features took to compute, including pre-training.
    """

    name: str
    kind: RowKind
    probe: str
    predict: Callable[[PredictionProblem], Predictions]
    few_labels: bool = True
    seconds: float = 0.0


def probe_candidate(
    name: str,
    kind: RowKind,
    features: Callable[[PredictionProblem], Float32[ndarray, " n d"]],
    probe: str,
    predict: Probe,
    few_labels: bool = True,
    seconds: float = 0.0,
) -> Candidate:
    """Return a candidate that is a probe on features of all records.

    Parameters
    ----------
    name, kind, few_labels, seconds
        See :class:`Candidate`.
    features
        Function that returns the features of all records. They may depend on the split of the problem.
    probe, predict
        Name of the probe, and the probe itself.
    """
    return Candidate(name, kind, probe, lambda problem: predict(problem, features(problem)), few_labels, seconds)


def probe_candidates(
    name: str,
    kind: RowKind,
    features: Callable[[PredictionProblem], ndarray],
    probes: Sequence[str],
    seconds: float = 0.0,
) -> list[Candidate]:
    """Return one candidate for each named probe on the same features.

    The nearest-neighbor probe is scored with all labels only. ``finetune``, which is no probe of frozen features, is
    skipped.
    """
    return [
        probe_candidate(name, kind, features, probe, PROBES[probe], probe != "knn", seconds)
        for probe in probes
        if probe in PROBES
    ]


def fine_tuning_candidate(
    name: str,
    kind: RowKind,
    encoder_of: Callable[[int], Encoder],
    x: Samples,
    device: torch.device,
    seconds: float = 0.0,
) -> Candidate:
    """Return a candidate that trains all weights of an encoder on the labels.

    Parameters
    ----------
    name, kind, seconds
        See :class:`Candidate`.
    encoder_of
        Function from the seed of a split to the encoder whose weights training starts from.
    x
        Samples of all records.
    device
        Device to train on.
    """

    def predict(problem: PredictionProblem) -> Predictions:
        train, test = (take(x, torch.from_numpy(np.asarray(rows))) for rows in (problem.train, problem.test))
        fine_tuned = fine_tune(
            encoder_of(problem.split), train, problem.y, problem.task, seed=problem.seed, device=str(device)
        )
        scores = fine_tuned.scores(test)
        if problem.task.kind == "regression":
            return Predictions(scores)
        return Predictions(scores.argmax(1), scores)

    return Candidate(name, kind, "finetune", predict, seconds=seconds)
