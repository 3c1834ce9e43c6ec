"""Theorem 1 of DACL: contrasting with one negative is classification. Both sides by enumeration of all cases.

Data are finite and so is the noise: each sample has a list of equally likely views. Then every expectation is a mean.
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
"""What rounding in double precision may leave of a difference of 0."""
SIZE, FEATURES, DRAWS = 6, 4, 4
SHARES = (0.25, 0.1)
"""alpha: how much of the other sample is in a mixture."""
LABELS = {"balanced": (0, 0, 0, 1, 1, 1), "unbalanced": (0, 0, 0, 0, 1, 1)}
GEOMETRIC = Geometric(mode="minmax")

Views = Float[Tensor, " n E d"]
"""Of each sample its equally likely views."""
Encoded = Float[Tensor, " n E p"]
"""The same as unit vectors."""


def every_mixture(operator: Operator, x: Float[Tensor, " n d"]) -> Views:
    """Views of each sample: its mixtures with every sample, itself too as the theorem has it, in every share."""
    views = []
    for share, other in product(SHARES, range(len(x))):
        partner = torch.full((len(x), 1), other)
        weight = torch.tensor([[1 - share, share]], dtype=x.dtype).expand(len(x), 2)
        views.append(operator(x, partner, weight, generator=torch.Generator()).x)
    return torch.stack(views, 1)


def some_draws(noise: Noise, x: Float[Tensor, " n d"], key: Key) -> Views:
    """Views of each sample: what a noise of the package drew, a few times. The theorem holds for any noise, so also for
    the one that gives these and no others."""
    drawn = [view for n in range(DRAWS) for view in noise(x, generator=key.at(n).generator())]
    return torch.stack(drawn, 1)


NOISES: dict[str, Callable[[Float[Tensor, " n d"], Key], Views]] = {
    "mixup": lambda x, key: every_mixture(Linear(), x),
    "geometric": lambda x, key: every_mixture(GEOMETRIC, x),
    "binary": lambda x, key: some_draws(MixupNoise(operators=(Binary(),)), x, key),
    "DACL+": lambda x, key: some_draws(MixupNoise(operators=(Linear(), GEOMETRIC, Binary())), x, key),
    "Gaussian": lambda x, key: some_draws(Gaussian(std=0.3), x, key),
}


def contrastive(z: Encoded, mine: Bool[Tensor, " n"], others: Bool[Tensor, " n"]) -> float:
    """The mean of l_ctr over x of ``mine`` and the negative's sample of ``others``, by the package's loss: MoCo's, with
    a queue of one."""
    query, key = pairs(z[mine])
    return mean(own_key_nce(query, key, negative[None], 1.0) for negative in z[others].flatten(0, 1))


def classification(z: Encoded, mine: Bool[Tensor, " n"], others: Bool[Tensor, " n"], label: int) -> Float[Tensor, ""]:
    """The mean of ``l_cf(h(x+) . w / ||h(x+)||, y)`` over x of ``mine`` with label y and the negative's sample of
    ``others``, where w is the unit vector of whichever is of class 1, less that of whichever is of class 0."""
    positive, negative = z[mine][:, :, None], z[others].flatten(0, 1)
    w = positive - negative if label == 1 else negative - positive  # (i, x++, x-, p)
    q = torch.einsum("iep,ifkp->iefk", z[mine], w)
    return binary_cross_entropy_with_logits(q, torch.full_like(q, label))


def pairs(z: Encoded) -> tuple[Float[Tensor, " q p"], Float[Tensor, " q p"]]:
    """Both views of a sample, independent of one another: all pairs."""
    shape = (z.shape[0], z.shape[1], z.shape[1], z.shape[2])
    return z[:, :, None].expand(shape).flatten(0, 2), z[:, None].expand(shape).flatten(0, 2)


def classes_of(y: Int[Tensor, " n"]) -> list[int]:
    """The classes that there are."""
    return sorted(set(y.tolist()))


def mean(values: Iterator[Float[Tensor, ""]]) -> float:
    """Of values that are equally likely."""
    return float(torch.stack(list(values)).mean())


def two_class_sides(z: Encoded, y: Int[Tensor, " n"]) -> tuple[float, float, float]:
    """Left and right of Theorem 1; and the right as it is printed, where in its last term both samples are drawn from
    all of the data (D_x) and not from one class (D_y)."""
    everyone = torch.ones_like(y, dtype=torch.bool)
    left = contrastive(z, everyone, everyone)
    right = printed = 0.0
    for label in (0, 1):
        mine, share = y == label, float((y == label).double().mean())
        weighted = share * (1 - share) * float(classification(z, mine, ~mine, label))
        right += weighted + share * share * contrastive(z, mine, mine)
        printed += weighted + share * share * left
    return left, right, printed


def several_class_sides(z: Encoded, y: Int[Tensor, " n"]) -> tuple[float, float]:
    """The same for any number of classes: each pair of classes is told apart by a classifier of these two, weighted
    with how often it comes."""
    everyone = torch.ones_like(y, dtype=torch.bool)
    right = 0.0
    for a in classes_of(y):
        mine = y == a
        for b in classes_of(y):
            theirs = y == b
            weight = float(mine.double().mean() * theirs.double().mean())
            told = contrastive(z, mine, mine) if a == b else float(classification(z, mine, theirs, 1))
            right += weight * told
    return contrastive(z, everyone, everyone), right


def one_of_each(z: Encoded, y: Int[Tensor, " n"], label: int) -> tuple[float, float]:
    """With one negative of each other class: the package's loss, and the cross-entropy of a classifier of all classes,
    whose weights are the keys' unit vectors."""
    query, key = pairs(z[y == label])
    classes = classes_of(y)
    contrasted, classified = [], []
    for negatives in product(*(z[y == c].flatten(0, 1) for c in classes if c != label)):
        contrasted.append(own_key_nce(query, key, torch.stack(negatives), 1.0))
        others = iter(negatives)
        logits = [(query * (key if c == label else next(others))).sum(1) for c in classes]
        classified.append(cross_entropy(torch.stack(logits, 1), torch.full((len(query),), classes.index(label))))
    return mean(iter(contrasted)), mean(iter(classified))


def pairwise_share(z: Encoded, y: Int[Tensor, " n"], label: int, all_classes: float) -> tuple[float, float]:
    """Of a class, how large the pairwise terms are beside the cross-entropy over all classes, as a share of the largest
    that they can be (it is at most 1), and of the smallest (it is at least 1).

    softplus(s_c - s_y) is at most the cross-entropy for each c, and their sum is at least it.
    """
    mine = y == label
    p = {c: float((y == c).double().mean()) for c in classes_of(y) if c != label}
    pairwise = sum(share * float(classification(z, mine, y == c, 1)) for c, share in p.items())
    return pairwise / (sum(p.values()) * all_classes), pairwise / (min(p.values()) * all_classes)


def checks(seeds: int) -> Iterator[Check]:
    """Theorem 1, its misprint, and more than two classes."""
    yield _losses(seeds)
    printed = []
    for noise, views in NOISES.items():
        found = []
        for (name, y), seed in product(LABELS.items(), range(seeds)):
            for z in _encoded(views, SIZE, Key("theory", seed, noise, name)):
                left, right, as_printed = two_class_sides(z, torch.tensor(y))
                found.append(abs(left - right))
                printed.append(abs(left - as_printed))
        setting = f"{noise} noise, {len(found)} networks and data sets of {SIZE}, balanced and not"
        yield Check.of(
            THEOREM, "contrastive loss = weighted classification + same-class rest", setting, found, "<=", EXACT
        )
    setting = f"all noises, {len(printed)} networks and data sets"
    statement = "the same as printed, the rest over all data (D_x for D_y)"
    yield Check.of(THEOREM, statement, setting, printed, "<=", EXACT, "fails")
    for classes, size in ((3, 6), (4, 6)):
        yield from _several(classes, size, seeds)


def _losses(seeds: int) -> Check:
    """That l_ctr is the package's loss of one query and two keys, N-pair's and MoCo's."""
    found = []
    for seed in range(seeds):
        x = torch.randn(3, FEATURES, generator=Key("theory", seed, "loss").generator(), dtype=torch.float64)
        query, key, negative = torch.nn.functional.normalize(x, dim=1)[:, None]
        formula = softplus(-((query * key).sum() - (query * negative).sum()))
        n_pair = info_nce(query, torch.cat([key, negative]), _first_of_two(), 1.0)
        found += [float((loss - formula).abs()) for loss in (n_pair, own_key_nce(query, key, negative, 1.0))]
    return Check.of(THEOREM, "l_ctr is the package's loss with one negative", "N-pair and MoCo", found, "<=", EXACT)


def _first_of_two() -> Targets:
    return Targets(torch.zeros(1, 1, dtype=torch.long), torch.ones(1, 1, dtype=torch.float64))


def _several(classes: int, size: int, seeds: int) -> Iterator[Check]:
    theorem = f"{THEOREM}, {classes} classes"
    y = torch.arange(size) % classes  # of 4 classes: unbalanced
    identity, all_classes, most, least = [], [], [], []
    for seed, (noise, views) in product(range(seeds), NOISES.items()):
        for z in _encoded(views, size, Key("theory", seed, noise, classes)):
            left, right = several_class_sides(z, y)
            identity.append(abs(left - right))
            few = z[:, :: z.shape[1] // 2]
            for label in range(classes):
                contrasted, classified = one_of_each(few, y, label)
                all_classes.append(abs(contrasted - classified))
                above, below = pairwise_share(few, y, label, classified)
                most.append(above)
                least.append(below)
    setting = f"all noises, {len(identity)} networks and data sets of {size}"
    yield Check.of(
        theorem, "contrastive loss = sum over pairs of classes + same-class rest", setting, identity, "<=", EXACT
    )
    yield Check.of(
        theorem, "one negative of each other class: cross-entropy over all classes", setting, all_classes, "<=", EXACT
    )
    yield Check.of(
        theorem, "the pairs' sum <= P(other class) x cross-entropy over all classes; share", setting, most, "<=", 1.0
    )
    yield Check.of(
        theorem, "the pairs' sum >= P(rarest other) x cross-entropy over all classes; share", setting, least, ">=", 1.0
    )


def _encoded(views: Callable[[Tensor, Key], Views], size: int, key: Key) -> Iterator[Encoded]:
    """The views of a drawn data set through each network."""
    x = torch.randn(size, FEATURES, generator=key.at("data").generator(), dtype=torch.float64)
    seen = views(x, key.at("noise"))
    for h in unit_vectors(FEATURES, key.at("weights")).values():
        yield h(seen.flatten(0, 1)).reshape(*seen.shape[:2], -1)
