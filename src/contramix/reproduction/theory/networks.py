"""The networks that the theorems are checked on: small, in double precision, their weights functions of a key."""

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


class Layers:
    """Linear layers with ReLU between them; without biases, as Theorem 2 has it, or with them.

    Parameters
    ----------
    widths
        Of the input, each hidden layer, and the output.
    key
        Decides the weights.
    biases
        Whether there are biases.

    Examples
    --------
    >>> h = Layers((3, 8, 2), Key(0))
    >>> x = torch.ones(1, 3, dtype=torch.float64)
    >>> torch.allclose(h(2 * x), 2 * h(x))
    True
    """

    def __init__(self, widths: tuple[int, ...], key: Key, biases: bool = False) -> None:
        generator = key.generator()

        def drawn(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        self.weights = [drawn(a, b) * (2 / a) ** 0.5 for a, b in pairwise(widths)]
        self.biases = [drawn(b) if biases else torch.zeros(b, dtype=torch.float64) for b in widths[1:]]

    def __call__(self, x: Float[Tensor, " n d"]) -> Float[Tensor, " n p"]:
        """The last layer's output."""
        for weight, bias in zip(self.weights[:-1], self.biases):
            x = (x @ weight + bias).relu()
        return torch.addmm(self.biases[-1], x, self.weights[-1])

    def pattern(self, x: Float[Tensor, " n d"]) -> Bool[Tensor, " n u"]:
        """Which hidden units are on. Between two points of one pattern the network is linear: such points are a convex
        set."""
        found = []
        for weight, bias in zip(self.weights[:-1], self.biases):
            x = (x @ weight + bias).relu()
            found.append(x > 0)
        return torch.cat(found, 1) if found else torch.ones(len(x), 0, dtype=torch.bool)


def scalar(layers: Layers) -> Function:
    """A network of one output as a function."""
    return lambda x: layers(x)[:, 0]


def cosine_with(h: Layers, w: Float[Tensor, " p"]) -> Function:
    """``f(x) = h(x) . w / ||h(x)||``: what Theorem 1 classifies by, its other side held fixed."""
    return lambda x: normalize(h(x), dim=1) @ w


def trained_kind(inputs: int, key: Key) -> Map:
    """The package's own MLP and projector, as they are trained, with BatchNorm's statistics of drawn samples; their
    unit vectors."""
    with seeded(key):
        encoder = MLP(depth=2, width=2 * WIDTH).build(Inputs((inputs,)))
        network = Network(encoder, Head(kind="linear", out=WIDTH).build(encoder.width)).double()
    recalibrate_bn(encoder, torch.randn(256, inputs, generator=key.at("rows").generator(), dtype=torch.float64))
    return network.eval().requires_grad_(False)


def unit_vectors(inputs: int, key: Key) -> dict[str, Map]:
    """Maps to unit vectors by name: linear, two layers with ReLU, and the package's."""
    made: dict[str, Layers] = {
        "linear": Layers((inputs, WIDTH), key.at("linear")),
        "2-layer ReLU": Layers((inputs, 2 * WIDTH, WIDTH), key.at("relu"), biases=True),
    }
    maps: dict[str, Map] = {name: lambda x, h=h: normalize(h(x), dim=1) for name, h in made.items()}  # type: ignore[misc]
    return {**maps, "the package's MLP": trained_kind(inputs, key.at("mlp"))}
