"""Who takes part in a comparison: pre-trained models, and the plain baselines that they have to beat."""

from collections.abc import Callable, Collection, Sequence
from functools import cache

import numpy as np
import torch
from jaxtyping import Float32
from numpy import ndarray

from contramix.evaluation.baselines import ENSEMBLES, pca, raw_features, untrained_encoder
from contramix.evaluation.domain_baselines import PLAIN, Whole
from contramix.evaluation.features import frozen_features
from contramix.evaluation.probes import PROBES
from contramix.evaluation.problem import PredictionProblem
from contramix.evaluation.protocol import Candidate, RowKind, probe_candidate
from contramix.models.labeled_records import LabeledRecords
from contramix.recipe import Recipe

BASELINES = {
    "raw": "the columns as the encoder sees them",
    "pca": "their leading principal components, as many as the encoder is wide",
    "untrained": "the same encoder with its first weights",
    "trees": "extremely randomised trees on the columns",
    "boosting": "histogram gradient boosting on the columns",
    "tfidf": "TF-IDF of words and pairs of words, and a linear model",
    "wl": "Weisfeiler-Lehman colours of graphs, and a linear model",
    "rocket": "random convolutional kernels of series, and a ridge model",
    "gaussian": "the same encoder pre-trained with Gaussian noise instead",
    "supervised": "the same network trained on the labels alone",
}
"""Baselines by name, and what they are."""


def plain_baselines(
    data: LabeledRecords, recipe: Recipe, names: Collection[str], probes: Sequence[str], device: torch.device
) -> list[Candidate]:
    """The baselines asked for that train no network, in the order of ``BASELINES``."""
    raw = raw_features(data.spec, data.x)

    @cache
    def untrained(seed: int) -> Float32[ndarray, " n d"]:
        return frozen_features(untrained_encoder(recipe, data.spec, seed).to(device), data.x)

    width = untrained_encoder(recipe, data.spec, 0).width

    components: dict[int, Float32[ndarray, " n d"]] = {}

    def principal(problem: PredictionProblem) -> Float32[ndarray, " n d"]:
        if problem.split not in components:  # learned from all training rows of the split, labelled or not
            train = np.setdiff1d(np.arange(len(raw)), problem.test)
            components[problem.split] = pca(raw, train, width)
        return components[problem.split]

    made: list[Candidate] = []
    for name in (n for n in BASELINES if n in names):
        if name in PLAIN:
            made.append(Candidate(name, "baseline", name, PLAIN[name](Whole(data.spec, data.content, data.x))))
        elif name in ENSEMBLES:
            made.append(probe_candidate(name, "baseline", lambda problem: raw, name, ENSEMBLES[name]))
        elif name == "raw":
            made += probe_candidates(name, "baseline", lambda problem: raw, probes)
        elif name == "pca":
            made += probe_candidates(name, "baseline", principal, probes)
        elif name == "untrained":
            made += probe_candidates(name, "baseline", lambda problem: untrained(problem.split), probes)
    return made


def probe_candidates(
    name: str,
    kind: RowKind,
    features: Callable[[PredictionProblem], ndarray],
    probes: Sequence[str],
    seconds: float = 0.0,
) -> list[Candidate]:
    """One candidate for each probe of the same features; kNN is tried with all labels only."""
    return [
        probe_candidate(name, kind, features, probe, PROBES[probe], probe != "knn", seconds)
        for probe in probes
        if probe in PROBES
    ]
