"""Check Theorem 2 of DACL: noise adds regularizers to the loss, which are powers of the noise's strength alpha.

f is the network, y in {0, 1} a label, psi the sigmoid, and S the second moment of the data, whose mean is 0. The
network of the theorem has no biases; therefore grad f . x = f(x), and its Hessian is 0. Each check measures the order
in alpha of the remainder, which is the difference between the expected loss and its expansion. The expectation is a
mean over all mixing partners, or is computed by Gauss-Hermite quadrature. ReLU is not differentiable at 0. Checks
therefore use only points where the network is linear over all views: no view at the largest alpha switches a hidden
unit on or off.
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
QUADRATURE_NODES = 8
"""Number of quadrature nodes per axis. With 8, the error of the quadrature is of order alpha^16."""
THIRD_ORDER, FOURTH_ORDER = 2.8, 3.8
"""Smallest measured orders that count as 3 and 4. The measured order approaches the true one as alpha decreases."""

Points = Float[Tensor, " n d"]
Rows = Float[Tensor, " r d"]
PerPoint = Float[Tensor, " n"]
NoiseViews = Callable[[Points, float], tuple[Float[Tensor, " n v d"], Float[Tensor, " v"]]]
"""Type of a function that takes points and alpha, and returns v views of each point and the views' probabilities."""


def data(key: Key) -> Rows:
    """Draw 48 random rows of 3 features, whose means are 0 (up to rounding) and whose standard deviations differ."""
    x = torch.randn(ROWS, FEATURES, generator=key.generator(), dtype=torch.float64) * torch.tensor([2.0, 1.0, 0.5])
    return x - x.mean(0)


def mixup(rows: Rows) -> NoiseViews:
    """Return a function that mixes each point with each of the given rows.

    The function takes points of shape (n, d) and alpha. It returns the mixtures ``(1 - alpha) * point + alpha * row``,
    of shape (n, r, d), and the equal probabilities 1 / r of the r rows. It uses contramix's linear mixing operator.
    """

    def views(x: Points, alpha: float) -> tuple[Tensor, Tensor]:
        n, m = len(x), len(rows)
        both = torch.cat([x.repeat_interleave(m, 0), rows])  # the operator mixes samples of one batch
        partner = torch.cat([(n * m + torch.arange(m)).repeat(n), torch.arange(m)])[:, None]
        weight = torch.tensor([[1 - alpha, alpha]], dtype=x.dtype).expand(len(both), 2)
        mixed = Linear()(both, partner, weight, generator=torch.Generator()).x[: n * m]
        return mixed.reshape(n, m, -1), torch.full((m,), 1 / m, dtype=x.dtype)

    return views


def gaussian(x: Points, alpha: float) -> tuple[Tensor, Tensor]:
    """Return views of points under Gaussian noise of standard deviation alpha, at the nodes of a Gauss-Hermite rule.

    Returns the views, of shape (n, nodes, d), and the quadrature weights of the nodes, which sum to 1. A weighted mean
    over the views approximates an expectation over the noise.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(QUADRATURE_NODES)
    grid = torch.tensor(list(product(nodes, repeat=x.shape[1])), dtype=x.dtype)
    weight = torch.tensor(list(product(weights / weights.sum(), repeat=x.shape[1])), dtype=x.dtype).prod(1)
    return x[:, None] + alpha * grid, weight


def expected_loss(f: Function, x: Points, y: PerPoint, alpha: float, noise: NoiseViews) -> PerPoint:
    """Return the expected binary cross-entropy of each point under noise, of shape (n,).

    Parameters
    ----------
    f
        Function that returns the logit of each view.
    x, y
        Points and their labels, 0 or 1.
    alpha
        Strength of the noise.
    noise
        Function of the points and alpha that returns views of each point and the probabilities of the views.
    """
    views, weight = noise(x, alpha)
    q = f(views.flatten(0, 1)).reshape(views.shape[:2])
    return torch.mv(binary_cross_entropy_with_logits(q, y[:, None].expand_as(q), reduction="none"), weight)


def on_linear_piece(layers: Layers, x: Points, noise: NoiseViews) -> Bool[Tensor, " n"]:
    """Return a mask of the points all of whose views lie in the same linear region of the ReLU network as the point.

    At these points, no view switches a hidden unit on or off. Linear regions are convex. The network is therefore also
    linear between a point and each of its views.

    Parameters
    ----------
    layers
        Layers of the network.
    x
        Points to test.
    noise
        Function that returns views of points. It is called with the largest alpha in ``ALPHAS``, 1/32.
    """
    views, _ = noise(x, ALPHAS[0])
    active = layers.pattern(views.flatten(0, 1)).reshape(*views.shape[:2], -1)
    return (active == layers.pattern(x)[:, None]).all(2).all(1)


class Derivatives(NamedTuple):
    """Store labeled points, and the values, gradients and Hessians of a function f, the logit, at these points."""

    x: Points
    y: PerPoint
    value: PerPoint
    gradient: Points
    hessian: Float[Tensor, " n d d"]

    @classmethod
    def compute(cls, f: Function, x: Points, y: PerPoint) -> "Derivatives":
        """Compute the values, gradients and Hessians of ``f`` at points ``x`` with labels ``y`` by autograd."""

        def at_point(point: Tensor) -> Tensor:
            return f(point[None])[0]

        return cls(x, y, f(x), vmap(grad(at_point))(x), vmap(hessian(at_point))(x))

    @property
    def loss(self) -> PerPoint:
        """Return the binary cross-entropy of each point without noise, of shape (n,)."""
        return binary_cross_entropy_with_logits(self.value, self.y, reduction="none")

    @property
    def slope(self) -> PerPoint:
        """Return the first derivative of each point's loss with respect to f: psi(f) - y, where psi is the sigmoid."""
        return self.value.sigmoid() - self.y

    @property
    def curvature(self) -> PerPoint:
        """Return the second derivative of each point's loss with respect to f: the derivative of the sigmoid at f."""
        return self.value.sigmoid() * (1 - self.value.sigmoid())


def theorem_expansion(at: Derivatives, rows: Rows, length_power: int, alpha: float) -> PerPoint:
    """Return equation 7 of the DACL paper at each point: the expected loss under mixup noise to second order in alpha.

    It is loss + c1 ||grad f|| + c2 ||grad f||^2 + c3 ||grad f||_S^2, and is valid where (2y - 1) f(x) >= 0, that is, at
    correctly classified points.

    Parameters
    ----------
    at
        Derivatives of f at labeled points.
    rows
        Data whose second moment is S.
    length_power
        Exponent of ||x|| in the coefficient c2. The paper prints 1, but 2 is correct.
    alpha
        Weight of the mixing partner.
    """
    steepness, length = at.gradient.norm(dim=1), at.x.norm(dim=1)
    cosine = cosine_similarity(at.gradient, at.x, dim=1).abs()
    c1 = alpha * cosine * at.slope.abs() * length
    c2 = alpha**2 * cosine**2 * length**length_power * at.curvature / 2
    c3 = alpha**2 * at.curvature / 2
    along_data = ((at.gradient @ second_moment(rows)) * at.gradient).sum(1)
    return torch.stack([at.loss, c1 * steepness, c2 * steepness**2, c3 * along_data]).sum(0)


def second_order_expansion(at: Derivatives, moment: Float[Tensor, " d d"], alpha: float) -> PerPoint:
    """Return the expected loss under noise at each point, to second order in alpha.

    It is loss + alpha^2/2 (psi' grad f^T M grad f + (psi - y) tr(M Hessian)), where psi is the sigmoid of f.

    Parameters
    ----------
    at
        Derivatives of f at labeled points.
    moment
        The matrix M: the identity for Gaussian noise; the second moment of the data for mixup noise, which requires
        grad f . x = 0.
    alpha
        Strength of the noise.
    """
    along = ((at.gradient @ moment) * at.gradient).sum(1)
    bent = (at.hessian * moment).sum((1, 2))
    return at.loss + alpha**2 / 2 * (at.curvature * along + at.slope * bent)


def remainder_order(f: Function, at: Derivatives, noise: NoiseViews, expansion: Callable[[float], PerPoint]) -> float:
    """Measure the order k of the error of an expansion of the expected loss: the error is about alpha^k.

    The mean error over points is computed at each alpha in ``ALPHAS``, which are halved from one to the next. The order
    is log2(error at alpha / error at alpha/2). The smallest order is returned.

    Parameters
    ----------
    f, at
        The function f, which returns logits, and its derivatives at labeled points.
    noise
        Function of the points and alpha that returns views of each point and the probabilities of the views.
    expansion
        Function from alpha to the approximate expected loss of each point.
    """
    errors = [float((expected_loss(f, at.x, at.y, alpha, noise) - expansion(alpha)).abs().mean()) for alpha in ALPHAS]
    return min(float(np.log2(a / b)) for a, b in pairwise(errors))


def first_order_terms(f: Function, x: Points, y: PerPoint, noise: NoiseViews) -> PerPoint:
    """Approximate the derivative of each point's expected loss with respect to alpha at alpha = 0.

    The derivative is a central difference. ``f`` returns logits, ``y`` holds the labels 0 or 1 of the points ``x``, and
    ``noise`` is a function of the points and alpha that returns views of each point and their probabilities.
    """
    alpha = ALPHAS[-1] ** 2
    above, below = (expected_loss(f, x, y, a, noise) for a in (alpha, -alpha))
    return (above - below) / (2 * alpha)


def checks(seeds: int) -> Iterator[Check]:
    """Yield the checks of Theorem 2 of DACL, of a misprint in it, and of the cosine classifier of Theorem 1.

    ``seeds`` is the number of random data sets and networks for each check.
    """
    for name, widths in (("linear f", (FEATURES, 1)), ("ReLU f", (FEATURES, HIDDEN, HIDDEN, 1))):
        corrected, printed, right, wrong, points = [], [], [], [], []
        for seed in range(seeds):
            rows, layers = _sample_rows_and_network(widths, Key("theory", 2, name, seed))
            f, noise = scalar(layers), mixup(rows)
            at = _derivatives_at_linear_points(f, layers, rows, noise)
            printed.append(remainder_order(f, at, noise, partial(theorem_expansion, at, rows, 1)))
            corrected.append(remainder_order(f, at, noise, partial(theorem_expansion, at, rows, 2)))
            right += first_order_terms(f, at.x, at.y, noise).tolist()
            wrong += first_order_terms(f, at.x, 1 - at.y, noise).tolist()
            points.append(len(at.x))
        setting = f"{name}, {seeds} networks, {min(points)} points or more each"
        yield Check.from_measurements(
            THEOREM_I, "c2 as printed, with ||x||: order of remainder", setting, printed, ">=", THIRD_ORDER, "fails"
        )
        yield Check.from_measurements(
            THEOREM_I, "c2 with ||x||^2: order of remainder", setting, corrected, ">=", THIRD_ORDER
        )
        yield Check.from_measurements(
            THEOREM_I, "first-order term, correctly classified: a penalty", setting, right, ">=", 0.0
        )
        yield Check.from_measurements(THEOREM_I, "first-order term, misclassified: a reward", setting, wrong, "<=", 0.0)
        yield _gaussian(name, widths, seeds)
    yield from _cosine(seeds)


def _sample_rows_and_network(widths: tuple[int, ...], key: Key) -> tuple[Rows, Layers]:
    return data(key.at("data")), Layers(widths, key.at("weights"))


def _derivatives_at_linear_points(f: Function, layers: Layers, rows: Rows, noise: NoiseViews) -> Derivatives:
    """Compute the derivatives of f at those rows for which ``layers`` is linear between the row and each of its views.

    The rows are labeled 1 where f > 0, and 0 elsewhere. ``noise`` returns the views.
    """
    x = rows[on_linear_piece(layers, rows, noise)]
    return Derivatives.compute(f, x, (f(x) > 0).double())


def _gaussian(name: str, widths: tuple[int, ...], seeds: int) -> Check:
    found, identity = [], torch.eye(FEATURES, dtype=torch.float64)
    for seed in range(seeds):
        rows, layers = _sample_rows_and_network(widths, Key("theory", 2, name, seed))
        f = scalar(layers)
        at = _derivatives_at_linear_points(f, layers, rows, gaussian)
        found.append(remainder_order(f, at, gaussian, partial(second_order_expansion, at, identity)))
    return Check.from_measurements(
        THEOREM_II, "order of remainder (printed: 3)", f"{name}, {seeds} networks", found, ">=", FOURTH_ORDER
    )


def _cosine(seeds: int) -> Iterator[Check]:
    across: list[float] = []
    mixed: list[float] = []
    noised: list[float] = []
    for seed in range(seeds):
        rows, h = _sample_rows_and_network((FEATURES, HIDDEN, 4), Key("theory", 2, "cosine", seed))
        ends = normalize(h(rows[:2]), dim=1)
        f = cosine_with(h, ends[0] - ends[1])
        identity = torch.eye(FEATURES, dtype=torch.float64)
        # Where h is small, the derivatives of the cosine are large, and alpha^4 dominates alpha^3 at these alphas.
        size = h(rows).norm(dim=1)
        large = rows[size >= size.square().mean().sqrt() / 2]
        for noise, moment, found in ((mixup(rows), second_moment(rows), mixed), (gaussian, identity, noised)):
            at = _derivatives_at_linear_points(f, h, large, noise)
            across += (at.gradient * at.x).sum(1).abs().tolist()
            found.append(remainder_order(f, at, noise, partial(second_order_expansion, at, moment)))
    setting = f"f = cosine with a ReLU network, {seeds} networks"
    yield Check.from_measurements(
        THEOREM_I, "with the cosine, grad f . x = 0: c1 and c2 vanish", setting, across, "<=", 1e-12
    )
    statement = "with the cosine: alpha^2/2 (psi' |grad f|_S^2 + (psi - y) tr(S Hessian)); order of remainder"
    yield Check.from_measurements(THEOREM_I, statement, setting, mixed, ">=", THIRD_ORDER)
    yield Check.from_measurements(
        THEOREM_II, "the same with the identity for S: order of remainder", setting, noised, ">=", FOURTH_ORDER
    )
