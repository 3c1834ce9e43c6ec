"""Build the small double-precision networks that the theorems are checked on. A key decides their weights."""

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
"""Number of outputs."""


class Layers:
    """Apply linear layers with ReLU between them, without biases (as in Theorem 2) or with them.

    Parameters
    ----------
    widths
        Numbers of input features, of units of each hidden layer, and of outputs.
    key
        Random key of the weights.
    biases
        If True, biases are drawn; if False, they are 0.

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
        """Return the output of the last layer."""
        for weight, bias in zip(self.weights[:-1], self.biases):
            x = (x @ weight + bias).relu()
        return torch.addmm(self.biases[-1], x, self.weights[-1])

    def pattern(self, x: Float[Tensor, " n d"]) -> Bool[Tensor, " n u"]:
        """Return which hidden units are active (u of them) at each point.

        The network is linear on the set of points that share a pattern, and this set is convex.
        """
        found = []
        for weight, bias in zip(self.weights[:-1], self.biases):
            x = (x @ weight + bias).relu()
            found.append(x > 0)
        return torch.cat(found, 1) if found else torch.ones(len(x), 0, dtype=torch.bool)


def scalar(layers: Layers) -> Function:
    """Return a network with one output as a function whose result has no axis of outputs."""
    return lambda x: layers(x)[:, 0]


def cosine_with(h: Layers, w: Float[Tensor, " p"]) -> Function:
    """Return the function ``f(x) = h(x) . w / ||h(x)||``, by which Theorem 1 classifies, for fixed weights w."""
    return lambda x: normalize(h(x), dim=1) @ w


def package_network(inputs: int, key: Key) -> Map:
    """Return an untrained MLP and projector of contramix, which map samples to unit vectors.

    The statistics of BatchNorm are estimated from random samples.
    """
    with seeded(key):
        encoder = MLP(depth=2, width=2 * WIDTH).build(Inputs((inputs,)))
        network = Network(encoder, Head(kind="linear", out=WIDTH).build(encoder.width)).double()
    recalibrate_bn(encoder, torch.randn(256, inputs, generator=key.at("rows").generator(), dtype=torch.float64))
    return network.eval().requires_grad_(False)


def unit_vectors(inputs: int, key: Key) -> dict[str, Map]:
    """Return functions that map samples to unit vectors, by name: linear, two layers with ReLU, and contramix's MLP."""
    layers: dict[str, Layers] = {
        "linear": Layers((inputs, WIDTH), key.at("linear")),
        "2-layer ReLU": Layers((inputs, 2 * WIDTH, WIDTH), key.at("relu"), biases=True),
    }
    maps: dict[str, Map] = {name: lambda x, h=h: normalize(h(x), dim=1) for name, h in layers.items()}  # type: ignore[misc]
    return {**maps, "the package's MLP": package_network(inputs, key.at("mlp"))}
