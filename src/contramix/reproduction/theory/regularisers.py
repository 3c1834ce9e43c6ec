"""Theorem 2 of DACL: what noise adds to the loss, as powers of its strength alpha. The orders of what is left over.

f is the network, y in {0, 1} a label, psi the sigmoid, S the data's second moment; the data have mean 0. The theorem's
f has no biases, so grad f . x = f(x), and its Hessian is 0. The expectation is a mean over all partners, or by
Gauss-Hermite quadrature. ReLU has kinks: only points are taken from which no view, at the largest alpha, switches a
hidden unit, so that the network is linear over all views of a point.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.func import grad, hessian, vmap
from torch.nn.functional import binary_cross_entropy_with_logits, cosine_similarity, normalize

from contramix.mixing.linear import Linear
from contramix.monitoring.data_rank import second_moment
from contramix.reproduction.theory.check import Check
from contramix.reproduction.theory.networks import Function, Layers, cosine_with, scalar
from contramix.runtime.randomness import Key

THEOREM_I, THEOREM_II = "DACL 2 (i), mixup", "DACL 2 (ii), Gaussian"
ROWS, FEATURES, HIDDEN = 48, 3, 8
ALPHAS = tuple(2.0**-n for n in range(5, 9))
NODES = 8
"""Of the quadrature along each axis; its error is of order alpha^16."""
THIRD, FOURTH = 2.8, 3.8
"""The least orders, as seen when alpha is halved, that count as 3 and as 4."""

Points = Float[Tensor, " n d"]
Rows = Float[Tensor, " r d"]
Each = Float[Tensor, " n"]
Noisy = Callable[[Points, float], tuple[Float[Tensor, " n v d"], Float[Tensor, " v"]]]
"""Views of points at a strength, and the views' weights."""


def data(key: Key) -> Rows:
    """Rows with mean 0 exactly, their features of different sizes."""
    x = torch.randn(ROWS, FEATURES, generator=key.generator(), dtype=torch.float64) * torch.tensor([2.0, 1.0, 0.5])
    return x - x.mean(0)


def mixup(rows: Rows) -> Noisy:
    """Each point mixed with each row, by the package's operator."""

    def views(x: Points, alpha: float) -> tuple[Tensor, Tensor]:
        n, m = len(x), len(rows)
        both = torch.cat([x.repeat_interleave(m, 0), rows])  # the operator mixes samples of one batch
        partner = torch.cat([(n * m + torch.arange(m)).repeat(n), torch.arange(m)])[:, None]
        weight = torch.tensor([[1 - alpha, alpha]], dtype=x.dtype).expand(len(both), 2)
        mixed = Linear()(both, partner, weight, generator=torch.Generator()).x[: n * m]
        return mixed.reshape(n, m, -1), torch.full((m,), 1 / m, dtype=x.dtype)

    return views


def gaussian(x: Points, alpha: float) -> tuple[Tensor, Tensor]:
    """Each point with N(0, alpha^2) added, at the nodes of the quadrature, which the package's noise cannot stand at:
    it draws."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    grid = torch.tensor(list(product(nodes, repeat=x.shape[1])), dtype=x.dtype)
    weight = torch.tensor(list(product(weights / weights.sum(), repeat=x.shape[1])), dtype=x.dtype).prod(1)
    return x[:, None] + alpha * grid, weight


def expected_loss(f: Function, x: Points, y: Each, alpha: float, noise: Noisy) -> Each:
    """E[l_cf(f(x+), y)] of each point."""
    views, weight = noise(x, alpha)
    q = f(views.flatten(0, 1)).reshape(views.shape[:2])
    return torch.mv(binary_cross_entropy_with_logits(q, y[:, None].expand_as(q), reduction="none"), weight)


def within_a_piece(layers: Layers, x: Points, noise: Noisy) -> Bool[Tensor, " n"]:
    """Points of which no view at the largest alpha switches a hidden unit; nor does one between, the network's linear
    pieces being convex."""
    views, _ = noise(x, ALPHAS[0])
    there = layers.pattern(views.flatten(0, 1)).reshape(*views.shape[:2], -1)
    return (there == layers.pattern(x)[:, None]).all(2).all(1)


class Local(NamedTuple):
    """What a function is like at points with labels."""

    x: Points
    y: Each
    value: Each
    gradient: Points
    hessian: Float[Tensor, " n d d"]

    @classmethod
    def of(cls, f: Function, x: Points, y: Each) -> "Local":
        """By automatic differentiation."""

        def one(point: Tensor) -> Tensor:
            return f(point[None])[0]

        return cls(x, y, f(x), vmap(grad(one))(x), vmap(hessian(one))(x))

    @property
    def loss(self) -> Each:
        """Without noise."""
        return binary_cross_entropy_with_logits(self.value, self.y, reduction="none")

    @property
    def slope(self) -> Each:
        """psi(f) - y: the loss's first derivative in f."""
        return self.value.sigmoid() - self.y

    @property
    def curvature(self) -> Each:
        """psi'(f): its second."""
        return self.value.sigmoid() * (1 - self.value.sigmoid())


def theorem(at: Local, rows: Rows, length_power: int, alpha: float) -> Each:
    """Equation 7: the loss + c1 ||grad f|| + c2 ||grad f||^2 + c3 ||grad f||_S^2, for (2y - 1) f(x) >= 0.

    c2 is printed with ||x||; ``length_power`` 2 makes it ||x||^2.
    """
    steepness, length = at.gradient.norm(dim=1), at.x.norm(dim=1)
    cosine = cosine_similarity(at.gradient, at.x, dim=1).abs()
    c1 = alpha * cosine * at.slope.abs() * length
    c2 = alpha**2 * cosine**2 * length**length_power * at.curvature / 2
    c3 = alpha**2 * at.curvature / 2
    along_data = ((at.gradient @ second_moment(rows)) * at.gradient).sum(1)
    return torch.stack([at.loss, c1 * steepness, c2 * steepness**2, c3 * along_data]).sum(0)


def metric(at: Local, moment: Float[Tensor, " d d"], alpha: float) -> Each:
    """The loss + alpha^2/2 (psi' grad f' M grad f + (psi - y) tr(M Hessian)).

    M is the identity for Gaussian noise, with any f; and S for mixup, where grad f . x = 0.
    """
    along = ((at.gradient @ moment) * at.gradient).sum(1)
    bent = (at.hessian * moment).sum((1, 2))
    return at.loss + alpha**2 / 2 * (at.curvature * along + at.slope * bent)


def order(f: Function, at: Local, noise: Noisy, expansion: Callable[[float], Each]) -> float:
    """The power of alpha of what an expansion leaves over: the least log2 of the errors' ratio when alpha is halved."""
    errors = [float((expected_loss(f, at.x, at.y, alpha, noise) - expansion(alpha)).abs().mean()) for alpha in ALPHAS]
    return min(float(np.log2(a / b)) for a, b in pairwise(errors))


def slopes(f: Function, x: Points, y: Each, noise: Noisy) -> Each:
    """The first-order term at alpha = 0, by a central difference, exact to alpha^2."""
    alpha = ALPHAS[-1] ** 2
    ahead, behind = (expected_loss(f, x, y, a, noise) for a in (alpha, -alpha))
    return (ahead - behind) / (2 * alpha)


def checks(seeds: int) -> Iterator[Check]:
    """Theorem 2, its misprint, and the cosine that Theorem 1 classifies by."""
    for name, widths in (("linear f", (FEATURES, 1)), ("ReLU f", (FEATURES, HIDDEN, HIDDEN, 1))):
        corrected, printed, right, wrong, points = [], [], [], [], []
        for seed in range(seeds):
            rows, layers = _drawn(widths, Key("theory", 2, name, seed))
            f, noise = scalar(layers), mixup(rows)
            at = _points(f, layers, rows, noise)
            printed.append(order(f, at, noise, partial(theorem, at, rows, 1)))
            corrected.append(order(f, at, noise, partial(theorem, at, rows, 2)))
            right += slopes(f, at.x, at.y, noise).tolist()
            wrong += slopes(f, at.x, 1 - at.y, noise).tolist()
            points.append(len(at.x))
        setting = f"{name}, {seeds} networks, {min(points)} points or more each"
        yield Check.of(THEOREM_I, "c2 as printed, with ||x||: order of rest", setting, printed, ">=", THIRD, "fails")
        yield Check.of(THEOREM_I, "c2 with ||x||^2: order of rest", setting, corrected, ">=", THIRD)
        yield Check.of(THEOREM_I, "first-order term, rightly classified: a penalty", setting, right, ">=", 0.0)
        yield Check.of(THEOREM_I, "first-order term, wrongly classified: a reward", setting, wrong, "<=", 0.0)
        yield _gaussian(name, widths, seeds)
    yield from _cosine(seeds)


def _drawn(widths: tuple[int, ...], key: Key) -> tuple[Rows, Layers]:
    return data(key.at("data")), Layers(widths, key.at("weights"))


def _points(f: Function, layers: Layers, rows: Rows, noise: Noisy) -> Local:
    """Rows away from kinks, with the labels that f gives them."""
    x = rows[within_a_piece(layers, rows, noise)]
    return Local.of(f, x, (f(x) > 0).double())


def _gaussian(name: str, widths: tuple[int, ...], seeds: int) -> Check:
    found, identity = [], torch.eye(FEATURES, dtype=torch.float64)
    for seed in range(seeds):
        rows, layers = _drawn(widths, Key("theory", 2, name, seed))
        f = scalar(layers)
        at = _points(f, layers, rows, gaussian)
        found.append(order(f, at, gaussian, partial(metric, at, identity)))
    return Check.of(THEOREM_II, "order of rest (printed: 3)", f"{name}, {seeds} networks", found, ">=", FOURTH)


def _cosine(seeds: int) -> Iterator[Check]:
    across: list[float] = []
    mixed: list[float] = []
    noised: list[float] = []
    for seed in range(seeds):
        rows, h = _drawn((FEATURES, HIDDEN, 4), Key("theory", 2, "cosine", seed))
        ends = normalize(h(rows[:2]), dim=1)
        f = cosine_with(h, ends[0] - ends[1])
        identity = torch.eye(FEATURES, dtype=torch.float64)
        # Where h is small the cosine's derivatives are large, and alpha^4 outweighs alpha^3 until late.
        size = h(rows).norm(dim=1)
        large = rows[size >= size.square().mean().sqrt() / 2]
        for noise, moment, found in ((mixup(rows), second_moment(rows), mixed), (gaussian, identity, noised)):
            at = _points(f, h, large, noise)
            across += (at.gradient * at.x).sum(1).abs().tolist()
            found.append(order(f, at, noise, partial(metric, at, moment)))
    setting = f"f = cosine with a ReLU network, {seeds} networks"
    yield Check.of(THEOREM_I, "with the cosine, grad f . x = 0: c1 and c2 vanish", setting, across, "<=", 1e-12)
    statement = "with the cosine: alpha^2/2 (psi' |grad f|_S^2 + (psi - y) tr(S Hessian)); order of rest"
    yield Check.of(THEOREM_I, statement, setting, mixed, ">=", THIRD)
    yield Check.of(THEOREM_II, "the same with the identity for S: order of rest", setting, noised, ">=", FOURTH)
