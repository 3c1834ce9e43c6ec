"""Define candidates: the models and baselines that a comparison scores."""

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
from contramix.models.task import Task
from contramix.samples.samples import Samples, take

RowKind = Literal["baseline", "pretrained"]


@dataclass
class Candidate:
    """Describe a model or a baseline in a comparison: its names, and the function that makes its predictions.

    Parameters
    ----------
    name
        Name of the model or baseline, such as ``imix-npair``.
    kind
        ``"baseline"``, or ``"pretrained"`` for a model that is compared with the baselines.
    probe
        Name of the probe (a simple predictor on frozen features), such as ``linear``. A baseline that does not use a
        probe repeats its own name here.
    predict
        Function that learns from the labeled training rows of a problem and returns predictions for its test rows.
    few_labels
        Whether the candidate is also scored when only a few rows of each class are labeled.
    seconds
        Time in seconds to compute its features, including pre-training.
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
    """Return a candidate that applies one probe to features of the records.

    Parameters
    ----------
    name, kind
        Name of the model or baseline, and whether it is a ``"baseline"`` or ``"pretrained"``.
    features
        Function that returns the features of all records for a problem. They may depend on the problem's split.
    probe
        Name of the probe, such as ``linear``.
    predict
        Function of the probe: it takes a problem and the features of all records, and predicts the test rows.
    few_labels
        Whether the candidate is also scored when only a few rows of each class are labeled.
    seconds
        Time in seconds to compute the features, including pre-training.
    """
    return Candidate(name, kind, probe, lambda problem: predict(problem, features(problem)), few_labels, seconds)


def probe_candidates(
    name: str,
    kind: RowKind,
    features: Callable[[PredictionProblem], ndarray],
    probes: Sequence[str],
    seconds: float = 0.0,
    vectors: Float32[ndarray, " n k"] | None = None,
) -> list[Candidate]:
    """Return one candidate for each named probe, all on the same features.

    If there are vectors of a backbone, the predictions of the probe ``linear`` are averaged with those of the same
    probe on the vectors: a representation of vectors is meant to be used together with them. The name ``finetune`` is
    skipped, because fine-tuning does not use frozen features. The nearest-neighbor probe ``knn`` is not scored with few
    labels.

    Parameters
    ----------
    name, kind
        Name of the model or baseline, and whether it is a ``"baseline"`` or ``"pretrained"``.
    features
        Function that returns the features of all records for a problem.
    probes
        Names of the probes, such as ``("linear", "knn")``.
    seconds
        Time in seconds to compute the features, including pre-training.
    vectors
        Vectors of all records by a backbone; None: there is no backbone.
    """

    found = dict(PROBES)
    if vectors is not None:
        found["linear"] = _with_vectors(PROBES["linear"], vectors)
    return [
        probe_candidate(name, kind, features, probe, found[probe], probe != "knn", seconds)
        for probe in probes
        if probe in PROBES
    ]


def _with_vectors(probe: Probe, vectors: Float32[ndarray, " n k"]) -> Probe:
    """Return a probe that averages the predictions from features with those from vectors of the same records."""

    def predict(problem: PredictionProblem, z: ndarray) -> Predictions:
        return mean_predictions(problem.task, [probe(problem, vectors), probe(problem, z)])

    return predict


def mean_predictions(task: Task, parts: Sequence[Predictions]) -> Predictions:
    """Average the class probabilities, or the predicted numbers, of several models.

    Parameters
    ----------
    task
        Task (classification or regression) of the models.
    parts
        Predictions of each model for the same test rows.
    """
    if task.kind == "regression":
        return Predictions(np.mean([part.value for part in parts], axis=0))
    score = np.mean([part.score for part in parts if part.score is not None], axis=0)
    return Predictions(score.argmax(1), score)


def fine_tuning_candidate(
    name: str,
    kind: RowKind,
    encoder_of: Callable[[int], Encoder],
    x: Samples,
    device: torch.device,
    seconds: float = 0.0,
) -> Candidate:
    """Return a candidate that trains all weights of an encoder on the labels of the training rows.

    Parameters
    ----------
    name, kind
        Name of the model or baseline, and whether it is a ``"baseline"`` or ``"pretrained"``.
    encoder_of
        Function that takes the seed of an encoder and returns the encoder to fine-tune.
    x
        Samples of all records.
    device
        Device to train on.
    seconds
        Time in seconds that pre-training took.
    """

    def predict(problem: PredictionProblem) -> Predictions:
        train, test = (take(x, torch.from_numpy(np.asarray(rows))) for rows in (problem.train, problem.test))
        fine_tuned = fine_tune(
            encoder_of(problem.encoder_seed), train, problem.y, problem.task, seed=problem.seed, device=str(device)
        )
        scores = fine_tuned.scores(test)
        if problem.task.kind == "regression":
            return Predictions(scores)
        return Predictions(scores.argmax(1), scores)

    return Candidate(name, kind, "finetune", predict, seconds=seconds)
