"""Build small random networks in double precision, on which the theorems of DACL are checked."""

from collections.abc import Callable
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import normalize

from contramix.encoders.encoder import Inputs
from contramix.encoders.mlp import MLP
from contramix.methods.heads import Head
from contramix.methods.method import Network
from contramix.runtime.randomness import Key, seeded
from contramix.training.loop import recalibrate_bn

Function = Callable[[Float[Tensor, " n d"]], Float[Tensor, " n"]]
Map = Callable[[Float[Tensor, " n d"]], Float[Tensor, " n p"]]
WIDTH = 6
"""Number of outputs of each network."""


class Layers:
    """Apply random linear layers with ReLU between them.

    Parameters
    ----------
    widths
        Number of input features, number of units in each hidden layer, and number of outputs.
    key
        Random key that determines the weights and biases.
    biases
        If True, biases are random. If False, they are 0, as Theorem 2 of DACL assumes.

    Examples
    --------
    >>> h = Layers((3, 8, 2), Key(0))
    >>> x = torch.ones(1, 3, dtype=torch.float64)
    >>> torch.allclose(h(2 * x), 2 * h(x))
    True
    """

    def __init__(self, widths: tuple[int, ...], key: Key, biases: bool = False) -> None:
        generator = key.generator()

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        self.weights = [normal(a, b) * (2 / a) ** 0.5 for a, b in pairwise(widths)]
        self.biases = [normal(b) if biases else torch.zeros(b, dtype=torch.float64) for b in widths[1:]]

    def __call__(self, x: Float[Tensor, " n d"]) -> Float[Tensor, " n p"]:
        """Map a batch of points of shape (n, d) to the outputs of the last layer, of shape (n, p)."""
        for weight, bias in zip(self.weights[:-1], self.biases):
            x = (x @ weight + bias).relu()
        return torch.addmm(self.biases[-1], x, self.weights[-1])

    def pattern(self, x: Float[Tensor, " n d"]) -> Bool[Tensor, " n u"]:
        """Return for each of n points a mask of the hidden units whose output is above 0, of shape (n, u).

        u is the number of hidden units in all layers. On the set of points with the same mask, which is convex, the
        network is a linear function.
        """
        found = []
        for weight, bias in zip(self.weights[:-1], self.biases):
            x = (x @ weight + bias).relu()
            found.append(x > 0)
        return torch.cat(found, 1) if found else torch.ones(len(x), 0, dtype=torch.bool)


def scalar(layers: Layers) -> Function:
    """Convert a network with one output to a function from points of shape (n, d) to outputs of shape (n,)."""
    return lambda x: layers(x)[:, 0]


def cosine_with(h: Layers, w: Float[Tensor, " p"]) -> Function:
    """Return the function ``f(x) = h(x) . w / ||h(x)||`` for a network h and a fixed weight vector w.

    This is the classifier of Theorem 1 of DACL. The function maps points of shape (n, d) to logits of shape (n,).
    """
    return lambda x: normalize(h(x), dim=1) @ w


def package_network(inputs: int, key: Key) -> Map:
    """Build an untrained network of contramix (MLP encoder and projector) that maps samples to unit vectors.

    The network maps shape (n, d) to shape (n, 6). The statistics of BatchNorm are estimated from random samples.
    ``inputs`` is the number of features d, and ``key`` determines the weights.
    """
    with seeded(key):
        encoder = MLP(depth=2, width=2 * WIDTH).build(Inputs((inputs,)))
        network = Network(encoder, Head(kind="linear", out=WIDTH).build(encoder.width)).double()
    recalibrate_bn(encoder, torch.randn(256, inputs, generator=key.at("rows").generator(), dtype=torch.float64))
    return network.eval().requires_grad_(False)


def unit_vectors(inputs: int, key: Key) -> dict[str, Map]:
    """Build three random networks that map samples to unit vectors, and return them in a dictionary by name.

    The names are "linear", "2-layer ReLU" and "the package's MLP". A network maps shape (n, d) to shape (n, 6).
    ``inputs`` is the number of features d, and ``key`` determines the weights.
    """
    layers: dict[str, Layers] = {
        "linear": Layers((inputs, WIDTH), key.at("linear")),
        "2-layer ReLU": Layers((inputs, 2 * WIDTH, WIDTH), key.at("relu"), biases=True),
    }
    maps: dict[str, Map] = {name: lambda x, h=h: normalize(h(x), dim=1) for name, h in layers.items()}  # type: ignore[misc]
    return {**maps, "the package's MLP": package_network(inputs, key.at("mlp"))}
