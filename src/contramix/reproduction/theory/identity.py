"""Check Theorem 1 of DACL: the contrastive loss with one negative equals a weighted classification loss.

The data sets are finite, and each sample has a finite list of equally likely views (noisy copies). Every expectation is
therefore a mean over all cases, and both sides of the equation are computed without sampling.
"""

from collections.abc import Callable, Iterator
from itertools import product

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, softplus

from contramix.methods.losses import info_nce, own_key_nce
from contramix.mixing.binary import Binary
from contramix.mixing.geometric import Geometric
from contramix.mixing.linear import Linear
from contramix.mixing.operator import Operator
from contramix.noise.gaussian import Gaussian
from contramix.noise.mixup import MixupNoise
from contramix.noise.noise import Noise
from contramix.reproduction.theory.check import Check
from contramix.reproduction.theory.networks import unit_vectors
from contramix.runtime.randomness import Key
from contramix.types import Targets

THEOREM = "DACL 1"
EXACT = 1e-12
"""Largest difference between two equal numbers that rounding in double precision explains."""
ROWS, FEATURES, DRAWS = 6, 4, 4
ALPHAS = (0.25, 0.1)
"""Weights of the second sample in a mixture of two samples."""
LABELS = {"balanced": (0, 0, 0, 1, 1, 1), "unbalanced": (0, 0, 0, 0, 1, 1)}
GEOMETRIC = Geometric(mode="minmax")

Views = Float[Tensor, " n E d"]
"""E equally likely views of each of n samples with d features."""
Encoded = Float[Tensor, " n E p"]
"""Representations of E views of each of n samples, as unit vectors of p elements."""


def all_mixtures(operator: Operator, x: Float[Tensor, " n d"]) -> Views:
    """Mix each sample with every sample (itself included), and return the mixtures as its views, of shape (n, 2n, d).

    ``operator`` mixes two samples, with weight 1 - alpha for the first and alpha for the second. Each pair is mixed
    twice, with the two values of ``ALPHAS``, 0.25 and 0.1.
    """
    views = []
    for alpha, other in product(ALPHAS, range(len(x))):
        partner = torch.full((len(x), 1), other)
        weight = torch.tensor([[1 - alpha, alpha]], dtype=x.dtype).expand(len(x), 2)
        views.append(operator(x, partner, weight, generator=torch.Generator()).x)
    return torch.stack(views, 1)


def sample_views(noise: Noise, x: Float[Tensor, " n d"], key: Key) -> Views:
    """Draw eight random views of each sample with a noise, and return them as a tensor of shape (n, 8, d).

    The noise is called four times, and makes two views at each call.
    """
    drawn = [view for n in range(DRAWS) for view in noise(x, generator=key.at(n).generator())]
    return torch.stack(drawn, 1)


NOISES: dict[str, Callable[[Float[Tensor, " n d"], Key], Views]] = {
    "mixup": lambda x, key: all_mixtures(Linear(), x),
    "geometric": lambda x, key: all_mixtures(GEOMETRIC, x),
    "binary": lambda x, key: sample_views(MixupNoise(operators=(Binary(),)), x, key),
    "DACL+": lambda x, key: sample_views(MixupNoise(operators=(Linear(), GEOMETRIC, Binary())), x, key),
    "Gaussian": lambda x, key: sample_views(Gaussian(std=0.3), x, key),
}
"""Functions that return views of each sample, by the name of the noise."""


def contrastive(z: Encoded, anchors: Bool[Tensor, " n"], negatives: Bool[Tensor, " n"]) -> float:
    """Return the mean contrastive loss over all combinations of an anchor, a positive and one negative.

    The positive is any view of the same sample as the anchor. The loss is that of MoCo
    (:func:`contramix.methods.losses.own_key_nce`) with a queue of one key and a temperature of 1.

    Parameters
    ----------
    z
        Representations of the views of all samples, as unit vectors, of shape (samples, views, features).
    anchors, negatives
        Masks of the samples whose views are anchors, and of those whose views are negatives.
    """
    query, key = view_pairs(z[anchors])
    return mean(own_key_nce(query, key, negative[None], 1.0) for negative in z[negatives].flatten(0, 1))


def classification(
    z: Encoded, anchors: Bool[Tensor, " n"], negatives: Bool[Tensor, " n"], label: int
) -> Float[Tensor, ""]:
    """Return the binary cross-entropy of linear classifiers with logit ``z . w``, averaged over views z and weights w.

    z is a view of an anchor, and its class is ``label``. The weight vector w is a representation of class 1 minus a
    representation of class 0. For the class ``label``, this is any view of the same sample as z. For the other class,
    it is any view of any negative.

    Parameters
    ----------
    z
        Representations of the views of all samples, as unit vectors, of shape (samples, views, features).
    anchors, negatives
        Masks of the samples of class ``label``, and of those of the other class.
    label
        Class of the anchors, 0 or 1.
    """
    positive, negative = z[anchors][:, :, None], z[negatives].flatten(0, 1)
    w = positive - negative if label == 1 else negative - positive  # (i, x++, x-, p)
    q = torch.einsum("iep,ifkp->iefk", z[anchors], w)
    return binary_cross_entropy_with_logits(q, torch.full_like(q, label))


def view_pairs(z: Encoded) -> tuple[Float[Tensor, " q p"], Float[Tensor, " q p"]]:
    """Return all ordered pairs of views of the same sample, as a tensor of first views and a tensor of second views.

    ``z`` has the shape (n, E, p): E views of each of n samples. A view is also paired with itself. Each result
    therefore has q = n * E * E rows.
    """
    shape = (z.shape[0], z.shape[1], z.shape[1], z.shape[2])
    return z[:, :, None].expand(shape).flatten(0, 2), z[:, None].expand(shape).flatten(0, 2)


def distinct_classes(y: Int[Tensor, " n"]) -> list[int]:
    """Return the distinct labels in ascending order."""
    return sorted(set(y.tolist()))


def mean(values: Iterator[Float[Tensor, ""]]) -> float:
    """Return the mean of scalar tensors as a float."""
    return float(torch.stack(list(values)).mean())


def two_class_sides(z: Encoded, y: Int[Tensor, " n"]) -> tuple[float, float, float]:
    """Return the left and right sides of the equation of Theorem 1 of DACL, and the right side as the paper prints it.

    The left side is the contrastive loss. The right side is a weighted sum of two losses for each class: a
    classification loss, and the contrastive loss among samples of this class (D_y). The paper prints the second one
    with samples of all classes (D_x) instead.

    Parameters
    ----------
    z, y
        Representations of the views of each sample, of shape (samples, views, features), and the class of each sample,
        0 or 1.
    """
    everything = torch.ones_like(y, dtype=torch.bool)
    left = contrastive(z, everything, everything)
    right = printed = 0.0
    for label in (0, 1):
        same, probability = y == label, float((y == label).double().mean())
        weighted = probability * (1 - probability) * float(classification(z, same, ~same, label))
        right += weighted + probability * probability * contrastive(z, same, same)
        printed += weighted + probability * probability * left
    return left, right, printed


def several_class_sides(z: Encoded, y: Int[Tensor, " n"]) -> tuple[float, float]:
    """Return the left and right sides of the equation of Theorem 1 of DACL, extended to any number of classes.

    The left side is the contrastive loss. The right side is a sum over ordered pairs of classes, weighted with the
    probability of the pair. The term of two different classes is the loss of a binary classifier. The term of a class
    paired with itself is the contrastive loss among its samples.

    ``z`` holds the representations of the views, of shape (samples, views, features), and ``y`` the classes.
    """
    everything = torch.ones_like(y, dtype=torch.bool)
    right = 0.0
    for a in distinct_classes(y):
        first = y == a
        for b in distinct_classes(y):
            second = y == b
            weight = float(first.double().mean() * second.double().mean())
            term = contrastive(z, first, first) if a == b else float(classification(z, first, second, 1))
            right += weight * term
    return contrastive(z, everything, everything), right


def losses_with_one_negative_per_class(z: Encoded, y: Int[Tensor, " n"], label: int) -> tuple[float, float]:
    """Return two losses that should be equal: a contrastive loss, and the cross-entropy of a linear classifier.

    The anchor and the positive are views of the same sample of class ``label``. The negatives are one view from each
    other class. The classifier's weights are the positive (for ``label``) and the negatives (for the other classes).
    Both losses are averaged over all anchors, positives and choices of negatives.

    ``z`` holds the representations of the views, of shape (samples, views, features), and ``y`` the classes.
    """
    query, key = view_pairs(z[y == label])
    classes = distinct_classes(y)
    contrasted, classified = [], []
    for negatives in product(*(z[y == c].flatten(0, 1) for c in classes if c != label)):
        contrasted.append(own_key_nce(query, key, torch.stack(negatives), 1.0))
        others = iter(negatives)
        logits = [(query * (key if c == label else next(others))).sum(1) for c in classes]
        classified.append(cross_entropy(torch.stack(logits, 1), torch.full((len(query),), classes.index(label))))
    return mean(iter(contrasted)), mean(iter(classified))


def pairwise_bounds(z: Encoded, y: Int[Tensor, " n"], label: int, all_classes: float) -> tuple[float, float]:
    """Return a weighted sum of binary losses of a class, divided by its upper bound and by its lower bound.

    The sum is over the other classes c: the probability p(c) times the loss of the binary classifier of ``label``
    against c. The upper bound is the sum of all p(c) times ``all_classes``. The lower bound is the smallest p(c) times
    ``all_classes``. The first ratio should be at most 1, and the second at least 1.

    Parameters
    ----------
    z, y
        Representations of the views of each sample, of shape (samples, views, features), and the class of each sample.
    label
        The class.
    all_classes
        Cross-entropy of a classifier of all classes on samples of class ``label``.
    """
    same = y == label
    p = {c: float((y == c).double().mean()) for c in distinct_classes(y) if c != label}
    pairwise = sum(probability * float(classification(z, same, y == c, 1)) for c, probability in p.items())
    return pairwise / (sum(p.values()) * all_classes), pairwise / (min(p.values()) * all_classes)


def checks(seeds: int) -> Iterator[Check]:
    """Yield the checks of Theorem 1 of DACL, of a misprint in it, and of its extension to more than two classes.

    ``seeds`` is the number of random data sets for each check.
    """
    yield _check_library_losses(seeds)
    printed = []
    for noise, views in NOISES.items():
        found = []
        for (name, y), seed in product(LABELS.items(), range(seeds)):
            for z in _represent_views(views, ROWS, Key("theory", seed, noise, name)):
                left, right, as_printed = two_class_sides(z, torch.tensor(y))
                found.append(abs(left - right))
                printed.append(abs(left - as_printed))
        setting = f"{noise} noise, {len(found)} networks and data sets of {ROWS} rows, balanced and not"
        yield Check.from_measurements(
            THEOREM, "contrastive loss = weighted classification + same-class remainder", setting, found, "<=", EXACT
        )
    setting = f"all noises, {len(printed)} networks and data sets"
    statement = "the same as printed, the remainder over all data (D_x for D_y)"
    yield Check.from_measurements(THEOREM, statement, setting, printed, "<=", EXACT, "fails")
    for classes, size in ((3, 6), (4, 6)):
        yield from _several_classes(classes, size, seeds)


def _check_library_losses(seeds: int) -> Check:
    """Check that the contrastive loss of Theorem 1 equals contramix's N-pair and MoCo losses with one negative."""
    found = []
    for seed in range(seeds):
        x = torch.randn(3, FEATURES, generator=Key("theory", seed, "loss").generator(), dtype=torch.float64)
        query, key, negative = torch.nn.functional.normalize(x, dim=1)[:, None]
        formula = softplus(-((query * key).sum() - (query * negative).sum()))
        n_pair = info_nce(query, torch.cat([key, negative]), _first_of_two(), 1.0)
        found += [float((loss - formula).abs()) for loss in (n_pair, own_key_nce(query, key, negative, 1.0))]
    return Check.from_measurements(
        THEOREM, "l_ctr equals contramix's loss with one negative", "N-pair and MoCo", found, "<=", EXACT
    )


def _first_of_two() -> Targets:
    return Targets(torch.zeros(1, 1, dtype=torch.long), torch.ones(1, 1, dtype=torch.float64))


def _several_classes(classes: int, size: int, seeds: int) -> Iterator[Check]:
    theorem = f"{THEOREM}, {classes} classes"
    y = torch.arange(size) % classes  # 4 classes in 6 rows are unbalanced
    identity, all_classes, upper, lower = [], [], [], []
    for seed, (noise, views) in product(range(seeds), NOISES.items()):
        for z in _represent_views(views, size, Key("theory", seed, noise, classes)):
            left, right = several_class_sides(z, y)
            identity.append(abs(left - right))
            few = z[:, :: z.shape[1] // 2]
            for label in range(classes):
                contrasted, classified = losses_with_one_negative_per_class(few, y, label)
                all_classes.append(abs(contrasted - classified))
                of_upper, of_lower = pairwise_bounds(few, y, label, classified)
                upper.append(of_upper)
                lower.append(of_lower)
    setting = f"all noises, {len(identity)} networks and data sets of {size} rows"
    yield Check.from_measurements(
        theorem, "contrastive loss = sum over pairs of classes + same-class remainder", setting, identity, "<=", EXACT
    )
    yield Check.from_measurements(
        theorem, "one negative of each other class: cross-entropy over all classes", setting, all_classes, "<=", EXACT
    )
    yield Check.from_measurements(
        theorem, "the pairs' sum <= P(other class) x cross-entropy over all classes; share", setting, upper, "<=", 1.0
    )
    yield Check.from_measurements(
        theorem, "the pairs' sum >= P(rarest other) x cross-entropy over all classes; share", setting, lower, ">=", 1.0
    )


def _represent_views(views: Callable[[Tensor, Key], Views], size: int, key: Key) -> Iterator[Encoded]:
    """Draw a random data set, and yield the representations of its views from each of several random networks.

    ``views`` is a function that returns views, of shape (n, E, d), of samples and a random key. ``size`` is the number
    of samples n. A representation is of shape (n, E, p).
    """
    x = torch.randn(size, FEATURES, generator=key.at("data").generator(), dtype=torch.float64)
    viewed = views(x, key.at("noise"))
    for h in unit_vectors(FEATURES, key.at("weights")).values():
        yield h(viewed.flatten(0, 1)).reshape(*viewed.shape[:2], -1)
