"""Define a mixing operator of your own: python examples/custom_operator.py"""

import numpy as np
import torch

from contramix import ContrastiveEncoder, Recipe
from contramix.mixing import OPERATORS
from contramix.mixing.operator import Operator, sources
from contramix.types import Mixture


class Largest(Operator):
    """Take the larger value of the two samples for each element; the virtual labels are the mixing weights."""

    def __call__(self, x, partner, weight, *, generator: torch.Generator, layout=None) -> Mixture:  # type: ignore[no-untyped-def]
        return Mixture(sources(x, partner).amax(1), partner, weight)


OPERATORS["largest"] = Largest
recipe = Recipe.load("imix-npair", {"imix.operator": "largest"})
x = np.random.default_rng(0).normal(size=(256, 8))
print(ContrastiveEncoder(recipe, epochs=5, random_state=0).fit_transform(x).shape)
