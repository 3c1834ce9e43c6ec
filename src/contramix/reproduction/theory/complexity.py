"""Check Theorem 3 of DACL: compare the Rademacher complexities of two classes of linear functions f(x) = w . x.

The regularizer of mixup noise limits w to ``w' S w <= b``, where S is the second moment of the data. The regularizer of
Gaussian noise limits w to ``||w||^2 <= b``. The complexity of each class is an expectation over random signs s, which
is simulated. The supremum over w is known in closed form: ``sqrt(b)/n E||S^{+1/2} sum_i s_i x_i||`` for
mixup and ``sqrt(b)/n E||sum_i s_i x_i||`` for Gaussian noise.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.monitoring.data_rank import second_moment
from contramix.reproduction.theory.check import Check
from contramix.runtime.randomness import Key

THEOREM = "DACL 3"
ROWS, FEATURES = 200, 50
BUDGET = 1.0
"""Upper bound b on the regularizer."""
SIGN_DRAWS = 8000
"""Number of random sign vectors over which a complexity is averaged."""
STANDARD_ERRORS = 3.0
"""Number of standard errors that are added to a simulated mean before it is compared with a bound."""
RANKS = (1, 5, 20)
"""Dimensions of the subspaces that the data are drawn from."""
MIN_EIGENVALUE = 1e-9
"""Smallest eigenvalue, as a fraction of the largest one, that is not treated as a rounding error."""


class SimulatedMean(NamedTuple):
    """Store a mean over simulated random sign vectors, and the standard error of the mean."""

    mean: float
    error: float


def sample_subspace(rank: int, key: Key, unit_columns: bool) -> Float[Tensor, " n d"]:
    """Draw 200 random rows of 50 features from a random linear subspace.

    Parameters
    ----------
    rank
        Dimension of the subspace.
    key
        Random key that determines the rows and the subspace.
    unit_columns
        Whether to scale each column to a second moment (mean square) of 1. In both cases, the coordinates of the rows
        in the subspace are first drawn from a standard normal distribution.
    """
    generator = key.generator()
    inner = torch.randn(ROWS, rank, generator=generator, dtype=torch.float64)
    axes = torch.linalg.qr(torch.randn(FEATURES, rank, generator=generator, dtype=torch.float64)).Q
    x = inner @ axes.T
    return torch.div(x, x.square().mean(0).sqrt()) if unit_columns else x


def inverse_root(moment: Float[Tensor, " d d"]) -> Float[Tensor, " d d"]:
    """Return the square root of the pseudo-inverse of a symmetric positive semidefinite matrix."""
    values, vectors = torch.linalg.eigh(moment)
    smallest = MIN_EIGENVALUE * values.max()
    return torch.mm(vectors * torch.where(values > smallest, values.clamp(min=smallest).rsqrt(), 0.0), vectors.T)


def simulate(x: Float[Tensor, " n d"], key: Key) -> tuple[SimulatedMean, SimulatedMean]:
    """Estimate the Rademacher complexity of two classes of linear functions f(x) = w . x on the data ``x``.

    Mixup noise allows the functions with ``w' S w <= 1``, where S is the second moment of the data. Gaussian noise
    allows those with ``||w||^2 <= 1``. Returns the complexities for mixup noise and for Gaussian noise, in this order.
    Both are estimated with the same 8,000 random sign vectors.
    """
    signs = torch.randint(0, 2, (SIGN_DRAWS, len(x)), generator=key.generator()).to(x.dtype) * 2 - 1
    sums = signs @ x
    directions = (sums @ inverse_root(second_moment(x)), sums)
    sizes = [BUDGET**0.5 / len(x) * each.norm(dim=1) for each in directions]
    mixup, gaussian = (SimulatedMean(float(s.mean()), float(s.std() / len(s) ** 0.5)) for s in sizes)
    return mixup, gaussian


def checks(seeds: int) -> Iterator[Check]:
    """Yield the checks of Theorem 3 of DACL: mixup noise allows a smaller class of functions than Gaussian noise.

    Functions are linear. The checks are on the upper bounds of the Rademacher complexities of both classes, on the
    ratio of the complexities, and on weights orthogonal to all data. ``seeds`` is the number of random data sets for
    each check.
    """
    for rank in RANKS:
        within, within_gaussian, ratios = [], [], []
        for seed in range(seeds):
            key = Key("theory", 3, rank, seed)
            x = sample_subspace(rank, key.at("data"), unit_columns=True)
            mixup, gaussian = simulate(x, key.at("signs"))
            bound = (BUDGET * rank / ROWS) ** 0.5
            within.append((mixup.mean + STANDARD_ERRORS * mixup.error) / bound)
            bound = (BUDGET * FEATURES / ROWS) ** 0.5
            within_gaussian.append((gaussian.mean + STANDARD_ERRORS * gaussian.error) / bound)
            ratios.append(abs(mixup.mean / gaussian.mean / (rank / FEATURES) ** 0.5 - 1))
        setting = (
            f"rank {rank} of {FEATURES}, {ROWS} rows, columns with second moment 1, {SIGN_DRAWS:,} signs, "
            f"{seeds} data sets"
        )
        statement = "mixup's class <= sqrt(b rank / n), with 3 standard errors; share of the bound"
        yield Check.from_measurements(THEOREM, statement, setting, within, "<=", 1.0)
        statement = "Gaussian noise's class <= sqrt(b d / n), with 3 standard errors; share of the bound"
        yield Check.from_measurements(THEOREM, statement, setting, within_gaussian, "<=", 1.0)
        statement = "mixup's class / Gaussian's = ratio of their bounds, sqrt(rank / d); relative error"
        yield Check.from_measurements(THEOREM, statement, setting, ratios, "<=", 0.02)
    yield from _without_unit_columns(seeds)
    yield _null_space(seeds)


def _without_unit_columns(seeds: int) -> Iterator[Check]:
    """Yield a check that Theorem 3 can fail if columns do not have a second moment of 1.

    The checked statement, which is expected to fail, is that the Rademacher complexity for mixup noise is at most 0.8
    times that for Gaussian noise. ``seeds`` is the number of random data sets.
    """
    ratios = []
    for seed in range(seeds):
        key = Key("theory", 3, "subspace", seed)
        mixup, gaussian = simulate(sample_subspace(5, key.at("data"), unit_columns=False), key.at("signs"))
        ratios.append(mixup.mean / gaussian.mean)
    setting = f"rank 5 of {FEATURES}, with second moment 1 along the 5 directions, {seeds} data sets"
    yield Check.from_measurements(
        THEOREM,
        "smaller by a fifth for any scale of the columns; mixup / Gaussian",
        setting,
        ratios,
        "<=",
        0.8,
        "fails",
    )


def _null_space(seeds: int) -> Check:
    """Check that adding a vector orthogonal to all data to w does not change f(x) = w . x and mixup's regularizer.

    The regularizer is w' S w, where S is the second moment of the data. ``seeds`` is the number of random data sets.
    """
    found = []
    for seed in range(seeds):
        key = Key("theory", 3, "null space", seed)
        x = sample_subspace(5, key.at("data"), unit_columns=True)
        w, v = torch.randn(2, FEATURES, generator=key.at("w").generator(), dtype=torch.float64)
        moment = second_moment(x)
        root = inverse_root(moment)
        v = v - root @ moment @ root @ v  # project on the null space
        v = v / v.norm()  # NaN if the null space is empty: the check fails
        found.append(float((x @ v).abs().max()))
        found.append(float(((w + v) @ moment @ (w + v) - w @ moment @ w).abs()))
    setting = f"rank 5 of {FEATURES}, {seeds} data sets"
    return Check.from_measurements(
        THEOREM, "w plus a direction without data: same f, same regularizer; difference", setting, found, "<=", 1e-10
    )
