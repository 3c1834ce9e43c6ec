"""Theorem 3 of DACL: how rich the functions are that each regulariser allows, by simulation.

f(x) = w . x. Mixup's regulariser allows ``w' S w <= b`` (S the second moment), Gaussian noise's ``||w||^2 <= b``. The
Rademacher complexity of each is a mean over random signs, its supremum over w known in closed form:
``sqrt(b)/n E||S^{+1/2} sum_i s_i x_i||`` and ``sqrt(b)/n E||sum_i s_i x_i||``.
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
ROWS, FEATURES, BUDGET = 200, 50, 1.0
SIGNS = 8000
ERRORS = 3.0
"""Standard errors of the simulation that a comparison allows for."""
RANKS = (1, 5, 20)
TINY = 1e-9
"""Eigenvalues below this share of the largest are 0 but for rounding."""


class Simulated(NamedTuple):
    """A mean over random signs, and its standard error."""

    mean: float
    error: float


def on_a_subspace(rank: int, key: Key, unit_columns: bool) -> Float[Tensor, " n d"]:
    """Rows of a rank; their columns each of second moment 1, or the coordinates of the subspace."""
    generator = key.generator()
    inner = torch.randn(ROWS, rank, generator=generator, dtype=torch.float64)
    axes = torch.linalg.qr(torch.randn(FEATURES, rank, generator=generator, dtype=torch.float64)).Q
    x = inner @ axes.T
    return torch.div(x, x.square().mean(0).sqrt()) if unit_columns else x


def inverse_root(moment: Float[Tensor, " d d"]) -> Float[Tensor, " d d"]:
    """S^{+1/2}: of the pseudo-inverse."""
    values, vectors = torch.linalg.eigh(moment)
    there = values > TINY * values.max()
    return torch.mm(vectors * torch.where(there, values.clamp(min=TINY * values.max()).rsqrt(), 0.0), vectors.T)


def simulate(x: Float[Tensor, " n d"], key: Key) -> tuple[Simulated, Simulated]:
    """The complexity of mixup's class and of Gaussian noise's, by the same signs."""
    signs = torch.randint(0, 2, (SIGNS, len(x)), generator=key.generator()).to(x.dtype) * 2 - 1
    sums = signs @ x
    classes = (sums @ inverse_root(second_moment(x)), sums)
    sizes = [BUDGET**0.5 / len(x) * each.norm(dim=1) for each in classes]
    mixup, gaussian = (Simulated(float(s.mean()), float(s.std() / len(s) ** 0.5)) for s in sizes)
    return mixup, gaussian


def checks(seeds: int) -> Iterator[Check]:
    """The proof's inequality, the order of the classes and what it depends on, and directions without data."""
    for rank in RANKS:
        within, within_gaussian, ratios = [], [], []
        for seed in range(seeds):
            key = Key("theory", 3, rank, seed)
            x = on_a_subspace(rank, key.at("data"), unit_columns=True)
            mixup, gaussian = simulate(x, key.at("signs"))
            bound = (BUDGET * rank / ROWS) ** 0.5
            within.append((mixup.mean + ERRORS * mixup.error) / bound)
            within_gaussian.append((gaussian.mean + ERRORS * gaussian.error) / (BUDGET * FEATURES / ROWS) ** 0.5)
            ratios.append(abs(mixup.mean / gaussian.mean / (rank / FEATURES) ** 0.5 - 1))
        setting = f"rank {rank} of {FEATURES}, {ROWS} rows, columns of size 1, {SIGNS:,} signs, {seeds} data sets"
        statement = "mixup's class <= sqrt(b rank / n), with 3 standard errors; share of the bound"
        yield Check.of(THEOREM, statement, setting, within, "<=", 1.0)
        statement = "Gaussian noise's class <= sqrt(b d / n), with 3 standard errors; share of the bound"
        yield Check.of(THEOREM, statement, setting, within_gaussian, "<=", 1.0)
        statement = "mixup's class / Gaussian's is as their bounds are, sqrt(rank / d); off by a share of"
        yield Check.of(THEOREM, statement, setting, ratios, "<=", 0.02)
    yield from _without_unit_columns(seeds)
    yield _null_space(seeds)


def _without_unit_columns(seeds: int) -> Iterator[Check]:
    """The theorem compares bounds at columns of one size; the classes themselves depend on it."""
    ratios = []
    for seed in range(seeds):
        key = Key("theory", 3, "subspace", seed)
        mixup, gaussian = simulate(on_a_subspace(5, key.at("data"), unit_columns=False), key.at("signs"))
        ratios.append(mixup.mean / gaussian.mean)
    setting = f"rank 5 of {FEATURES}, of size 1 along the 5 directions, {seeds} data sets"
    yield Check.of(
        THEOREM,
        "smaller by a fifth whatever the columns' size; mixup / Gaussian",
        setting,
        ratios,
        "<=",
        0.8,
        "fails",
    )


def _null_space(seeds: int) -> Check:
    """Directions in which no data lie: free for mixup's regulariser, and nothing there changes on data."""
    found = []
    for seed in range(seeds):
        key = Key("theory", 3, "null space", seed)
        x = on_a_subspace(5, key.at("data"), unit_columns=True)
        w, v = torch.randn(2, FEATURES, generator=key.at("w").generator(), dtype=torch.float64)
        moment = second_moment(x)
        root = inverse_root(moment)
        v = v - root @ moment @ root @ v  # what of it lies in the null space
        v = v / v.norm()  # NaN where nothing of it does, which fails
        found.append(float((x @ v).abs().max()))
        found.append(float(((w + v) @ moment @ (w + v) - w @ moment @ w).abs()))
    setting = f"rank 5 of {FEATURES}, {seeds} data sets"
    return Check.of(
        THEOREM, "w plus a direction without data: same f, same penalty; difference", setting, found, "<=", 1e-10
    )
