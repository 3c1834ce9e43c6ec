"""Compute features of records without training: common baselines, and parts of a few-label predictor.

They depend on the specification of the data and on fixed random numbers only, so nothing needs to be saved.
"""

from collections import defaultdict
from collections.abc import Callable
from math import log2
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Int, UInt64
from numpy import ndarray
from torch import Tensor
from torch.nn.functional import conv1d, pad

from contramix.domains import Spec
from contramix.domains.audio.spec import AudioSpec
from contramix.domains.series.frontend import SeriesFrontend
from contramix.domains.series.spec import SeriesSpec
from contramix.domains.text.spec import TextSpec
from contramix.errors import InputError
from contramix.predictors.feature_rows import raw_features
from contramix.runtime.randomness import Key
from contramix.samples.padded_sequences import PaddedSequences
from contramix.samples.samples import Samples, sequential_batches

KERNELS = 1000
"""Number of random kernels. NOTE[DIFF]: the ROCKET paper uses 10,000 kernels, which take ten times as long."""
LENGTHS = (7, 9, 11)
"""Lengths of the kernels in time steps, as in the ROCKET paper."""
WL_ROUNDS = 4
"""Number of refinement rounds of Weisfeiler-Lehman colors, as in most published comparisons."""


def logmel(spec: Spec, x: Samples) -> Float32[ndarray, " n d"]:
    """Return the mean over time of each log-mel band of each clip, followed by the standard deviations over time.

    Parameters
    ----------
    spec
        Specification of the clips, which holds the number of bands.
    x
        Clips as samples.

    Raises
    ------
    InputError
        If the records are not audio.
    """
    if not isinstance(spec, AudioSpec):
        raise InputError("the baseline 'logmel' is for audio")
    front = spec.frontend()
    bands = (front(batch)[:, 0] for batch in sequential_batches(x))
    statistics = [torch.cat([band.mean(2), band.std(2, correction=0)], 1) for band in bands]
    return torch.cat(statistics).numpy()


class Kernels(NamedTuple):
    """Store ``k`` random kernels with the same length, dilation and padding, which one convolution applies together.

    Parameters
    ----------
    weight, bias
        Weights of shape (kernels, channels, length), and one bias per kernel.
    dilation, padding
        Dilation of the convolution, and number of zeros to add at both ends of a series.
    """

    weight: Float[Tensor, " k C l"]
    bias: Float[Tensor, " k"]
    dilation: int
    padding: int


def terms(spec: Spec, x: Samples) -> Float32[ndarray, " n d"]:
    """Return the sublinear frequency of each common token in each text, 1 + log(count) or 0.

    A blend turns them into TF-IDF features, with document frequencies that are counted in the labeled texts.

    Raises
    ------
    InputError
        If the records are not texts.
    """
    if not isinstance(spec, TextSpec):
        raise InputError("term frequencies are for texts")
    return spec.term_frequencies(x)


def draw_kernels(channels: int, steps: int, number: int, generator: torch.Generator) -> list[Kernels]:
    """Draw random kernels as in section 3.1 of the ROCKET paper, grouped by length, dilation and padding.

    Weights are normally distributed and then centered, and the bias is uniform in (-1, 1). The dilation is log-uniform
    up to the length of the series. Half of the kernels pad the series with zeros. Each kernel uses a random subset of
    the channels, whose size is log-uniform, as in sktime.

    Parameters
    ----------
    channels, steps
        Number of channels, and of time steps, of a series.
    number
        Number of kernels to draw.
    generator
        Source of random numbers.
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
    """Compute two features per kernel and series: the share of positive convolution outputs, and their maximum.

    Only positions inside a series and its zero padding count. Both features are 0 if the kernel is longer than the
    padded series. Returns an array of shape (series, 2 * kernels).
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


def rocket(spec: Spec, x: Samples, seed: int = 0) -> Float32[ndarray, " n f"]:
    """Return the features of 1,000 random kernels for each series: shape (series, 2,000).

    NOTE[DIFF]: the ROCKET paper standardizes each series with its own mean and standard deviation. Here series are
    standardized as for the encoder, by default with the mean and standard deviation of all training series. For most
    published data sets both give the same values. On JapaneseVowels (short series of 12 channels) the statistics of all
    series raise the accuracy on held-out training rows from 82 % to 98 %.

    Parameters
    ----------
    spec
        Specification of the series.
    x
        Series as samples.
    seed
        Seed of the random kernels.

    Raises
    ------
    InputError
        If the records are not time series.
    """
    if not isinstance(spec, SeriesSpec):
        raise InputError("random convolutions ('rocket') are for series")
    front = SeriesFrontend(spec.mean, spec.std, varying=True, each=spec.normalise == "each")
    kernels = draw_kernels(spec.channels, spec.steps, KERNELS, Key(seed).at("rocket").generator())
    return torch.cat([transform(front(batch), kernels) for batch in sequential_batches(x)]).numpy()


def refine_colors(
    edges: Int[ndarray, " 2 E"], color: UInt64[ndarray, " N"], rounds: int = WL_ROUNDS
) -> UInt64[ndarray, " r N"]:
    """Return the Weisfeiler-Lehman color of each node after 0, 1, ..., ``rounds`` rounds, as 64-bit hashes.

    In each round, the new color of a node is a hash of its color and the sum of its neighbors' hashed colors. The sum
    represents the multiset of the neighbors' colors, since it does not depend on their order. Rounds share no colors.

    Parameters
    ----------
    edges
        Source (row 0) and target (row 1) of each edge, as numbers of nodes.
    color
        Initial color of each node.
    rounds
        Number of rounds.
    """
    found = []
    for number in range(rounds + 1):
        if number:
            neighbors = np.zeros(len(color), np.uint64)
            np.add.at(neighbors, edges[1], _mix(color)[edges[0]])
            color = _mix(_mix(color) * _ODD + neighbors)  # multiplied, to tell it from a neighbor's
        found.append(_mix(color + np.full(1, number, np.uint64) * _ODD))
    return np.stack(found)


_ODD = np.uint64(0x9E3779B97F4A7C15)


def _mix(x: UInt64[ndarray, " *n"]) -> UInt64[ndarray, " *n"]:
    """Hash 64-bit integers one to one to integers that look random (splitmix64)."""
    x = (x + _ODD).astype(np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))


class Block(NamedTuple):
    """Describe how a block of features is computed without training.

    Parameters
    ----------
    compute
        Function of a specification and samples.
    one_scale
        Whether all features are divided by one number, because they share a unit and their relative sizes matter.
    terms
        Whether features are frequencies of terms. They are weighted by the inverse document frequency in the labeled
        records, and then each record is scaled to one norm.
    """

    compute: Callable[[Spec, Samples], Float32[ndarray, " n d"]]
    one_scale: bool = False
    terms: bool = False


BLOCKS = {
    "raw": Block(raw_features),
    "raw-quantile": Block(raw_features),
    "pixels": Block(raw_features, one_scale=True),
    "terms": Block(terms, terms=True),
    "logmel": Block(logmel),
    "rocket": Block(rocket),
}
"""Blocks of features by name. The specifications of ``raw`` and ``raw-quantile`` of a table differ."""
