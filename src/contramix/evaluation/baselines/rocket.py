"""Compare with ROCKET: a ridge model on random convolutions, the usual first model of time series.

Dempster, Petitjean & Webb, ROCKET: exceptionally fast and accurate time series classification using random
convolutional kernels, Data Mining and Knowledge Discovery 34 (2020).
"""

from collections import defaultdict
from collections.abc import Callable
from functools import lru_cache
from math import log2
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy import ndarray
from scipy.special import softmax
from sklearn.linear_model import RidgeClassifierCV, RidgeCV
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from torch.nn.functional import conv1d, pad

from contramix.domains.series.frontend import SeriesFrontend
from contramix.domains.series.spec import SeriesSpec
from contramix.errors import InputError
from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs, EvaluationRecords
from contramix.evaluation.candidates import Candidate
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.runtime.randomness import Key
from contramix.samples.padded_sequences import PaddedSequences
from contramix.samples.samples import sequential_batches

KERNELS = 1000
"""Number of random kernels. NOTE[DIFF]: the paper has 10,000, which takes ten times as long."""
LENGTHS = (7, 9, 11)
"""Lengths of the kernels, as in the paper."""
ALPHAS = np.logspace(-3, 3, 10)
"""Regularization strengths of the ridge model to choose from, as in the paper."""


class Kernels(NamedTuple):
    """Hold ``k`` kernels of the same shape, dilation and padding, which one convolution applies."""

    weight: Float[Tensor, " k C l"]
    bias: Float[Tensor, " k"]
    dilation: int
    padding: int


def draw_kernels(channels: int, steps: int, number: int, generator: torch.Generator) -> list[Kernels]:
    """Return ``number`` random kernels for series of a shape, as in section 3.1 of the paper.

    Weights are normal and centered, the bias is uniform in (-1, 1), the dilation is drawn on a logarithmic scale up to
    the length of the series, and half of the kernels pad the series with zeros. With several channels a kernel uses a
    random subset, whose size is drawn on a logarithmic scale too, as in sktime.
    """

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=generator))

    groups: dict[tuple[int, int, int], list[tuple[Tensor, float]]] = defaultdict(list)
    for _ in range(number):
        length = LENGTHS[int(torch.randint(len(LENGTHS), (), generator=generator))]
        dilation = int(2 ** uniform(0.0, log2(max(1.0, (steps - 1) / (length - 1)))))
        span = (length - 1) * dilation
        padding = span // 2 if uniform(0.0, 1.0) < 0.5 or span >= steps else 0
        used = torch.randperm(channels, generator=generator)[: int(2 ** uniform(0.0, log2(min(channels, length) + 1)))]
        weight = torch.zeros(channels, length)
        weight[used] = torch.randn(len(used), length, generator=generator)
        weight[used] -= weight[used].mean(1, keepdim=True)
        groups[length, dilation, padding].append((weight, uniform(-1.0, 1.0)))
    return [
        Kernels(torch.stack([w for w, _ in several]), torch.tensor([b for _, b in several]), dilation, padding)
        for (_, dilation, padding), several in sorted(groups.items(), key=lambda item: item[0])
    ]


def transform(x: PaddedSequences, kernels: list[Kernels]) -> Float[Tensor, " B f"]:
    """Return two features of each kernel: the share of positive values of its convolution (PPV), and the maximum.

    Only positions inside a series and its padding count; if the kernel does not fit into the series, both are 0.
    """
    lengths = x.presence.sum(1)[:, None, None]
    found = []
    for weight, bias, dilation, padding in kernels:
        span = (weight.shape[2] - 1) * dilation
        short = max(0, span + 1 - x.values.shape[2] - 2 * padding)
        out = conv1d(pad(x.values, (padding, padding + short)), weight, bias, dilation=dilation)
        fits = torch.arange(out.shape[2]) < lengths + 2 * padding - span
        positive = ((out > 0) & fits).sum(2) / fits.sum(2).clamp(min=1)
        highest = out.masked_fill(~fits, -torch.inf).amax(2)
        found += [positive, highest.masked_fill(highest.isinf(), 0.0)]
    return torch.cat(found, 1)


def rocket(records: EvaluationRecords) -> Callable[[PredictionProblem], Predictions]:
    """Return a ridge model on the features of 1,000 random kernels, which are drawn again for each split.

    NOTE[DIFF]: series are standardized as for the encoder, by default with the mean and standard deviation of all
    training series; the paper standardizes each series by itself. On most published data both are the same. On
    JapaneseVowels, short series of 12 channels, the accuracy on held-out training rows rises from 82 % to 98 %.

    Raises
    ------
    InputError
        If the records are not time series.
    """
    spec = records.spec
    if not isinstance(spec, SeriesSpec):
        raise InputError("the baseline 'rocket' is for series")
    front = SeriesFrontend(spec.mean, spec.std, varying=True, each=spec.normalise == "each")

    @lru_cache(maxsize=1)
    def features(split: int) -> Float32[ndarray, " n f"]:
        kernels = draw_kernels(spec.channels, spec.steps, KERNELS, Key(split).at("rocket").generator())
        return torch.cat([transform(front(batch), kernels) for batch in sequential_batches(records.x)]).numpy()

    return lambda problem: _ridge(problem, features(problem.split))


def _ridge(problem: PredictionProblem, z: Float32[ndarray, " n f"]) -> Predictions:
    scaler = StandardScaler().fit(z[problem.train])
    train, test = (scaler.transform(z[rows]).astype(np.float64) for rows in (problem.train, problem.test))
    if problem.task.kind == "regression":
        fitted = RidgeCV(ALPHAS).fit(train, problem.y)
        return Predictions(np.asarray(fitted.predict(test)), chosen=f"alpha = {fitted.alpha_:g}")
    fitted = RidgeClassifierCV(ALPHAS).fit(train, problem.y)
    decided = fitted.decision_function(test)
    if decided.ndim == 1:
        decided = np.stack([-decided, decided], 1)
    score = np.zeros((len(test), len(problem.task.classes)))
    score[:, fitted.classes_] = softmax(decided, 1)
    return Predictions(np.asarray(fitted.classes_[decided.argmax(1)]), score, f"alpha = {fitted.alpha_:g}")


def make_rocket(inputs: BaselineInputs) -> list[Candidate]:
    """Return a ridge model on random convolutions of the series."""
    return [Candidate("rocket", "baseline", "rocket", rocket(inputs.records))]


ROCKET = Baseline(
    "rocket",
    "random convolutional kernels of series, and a ridge model",
    "ROCKET's random convolutions and a linear model",
    make_rocket,
)
