"""ROCKET: random convolutional kernels and a ridge model, the plain baseline of time series.

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
from contramix.evaluation.domain_baselines.predictor import Whole
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.runtime.randomness import Key
from contramix.samples.padded_sequences import PaddedSequences
from contramix.samples.samples import sequential_batches

KERNELS = 1000
"""NOTE[DIFF]: the paper has 10,000; a tenth of them takes a tenth of the time."""
LENGTHS = (7, 9, 11)
ALPHAS = np.logspace(-3, 3, 10)


class Kernels(NamedTuple):
    """Kernels that differ in their weights only, so that one convolution does for all of them."""

    weight: Float[Tensor, " k C l"]
    bias: Float[Tensor, " k"]
    dilation: int
    padding: int


def draw(channels: int, steps: int, number: int, generator: torch.Generator) -> list[Kernels]:
    """Random kernels for series of so many channels and steps, section 3.1 of the paper.

    Weights are normal and centred, the bias is uniform in (-1, 1), the dilation is drawn on a logarithmic scale up to
    the length of the series, and half of the kernels see zeros on both sides. Of several channels a kernel looks at
    some, their number too on a logarithmic scale, as in sktime.
    """

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=generator))

    alike: dict[tuple[int, int, int], list[tuple[Tensor, float]]] = defaultdict(list)
    for _ in range(number):
        length = LENGTHS[int(torch.randint(len(LENGTHS), (), generator=generator))]
        dilation = int(2 ** uniform(0.0, log2(max(1.0, (steps - 1) / (length - 1)))))
        span = (length - 1) * dilation
        padding = span // 2 if uniform(0.0, 1.0) < 0.5 or span >= steps else 0
        seen = torch.randperm(channels, generator=generator)[: int(2 ** uniform(0.0, log2(min(channels, length) + 1)))]
        weight = torch.zeros(channels, length)
        weight[seen] = torch.randn(len(seen), length, generator=generator)
        weight[seen] -= weight[seen].mean(1, keepdim=True)
        alike[length, dilation, padding].append((weight, uniform(-1.0, 1.0)))
    return [
        Kernels(torch.stack([w for w, _ in several]), torch.tensor([b for _, b in several]), dilation, padding)
        for (_, dilation, padding), several in sorted(alike.items(), key=lambda item: item[0])
    ]


def transform(x: PaddedSequences, kernels: list[Kernels]) -> Float[Tensor, " B f"]:
    """Of each kernel, where it fits into a series: the share of positive values (PPV), and the maximum.

    Series are taken as long as they are; of a kernel that is wider than a series both are 0.
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


def rocket(whole: Whole) -> Callable[[PredictionProblem], Predictions]:
    """1,000 random kernels and a ridge model; kernels are drawn anew for each split.

    NOTE[DIFF]: series are standardised as for the encoder, by default by all training series, where published ones were
    each by its own: on those they are the same, and on vowels, short series of 12 channels, 98 % of held-out training
    rows are right, not 82 %.
    """
    spec = whole.spec
    if not isinstance(spec, SeriesSpec):
        raise InputError("the baseline 'rocket' is for series")
    front = SeriesFrontend(spec.mean, spec.std, varying=True, each=spec.normalise == "each")

    @lru_cache(maxsize=1)
    def features(split: int) -> Float32[ndarray, " n f"]:
        kernels = draw(spec.channels, spec.steps, KERNELS, Key(split).at("rocket").generator())
        return torch.cat([transform(front(batch), kernels) for batch in sequential_batches(whole.x)]).numpy()

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
