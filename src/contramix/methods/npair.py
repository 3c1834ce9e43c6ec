"""Implement N-pair, which compares each query with all keys of its batch (Sohn, 2016; i-Mix, section 3.1)."""

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from contramix.encoders.encoder import Encoder
from contramix.methods.loss_bounds import Bounds, nce_bounds
from contramix.methods.losses import info_nce
from contramix.methods.method import Method, MethodSettings
from contramix.types import Views


class NPair(MethodSettings):
    """Configure the N-pair loss. Similarities are divided by ``temperature``. Both queries and keys get gradients."""

    temperature: float = Field(default=0.2, gt=0)

    def build(self, encoder: Encoder) -> "NPairMethod":
        return NPairMethod(self, encoder)


class NPairMethod(Method):
    """Compare each query with all keys of the batch (Algorithm 1 of i-Mix)."""

    def __init__(self, settings: NPair, encoder: Encoder) -> None:
        super().__init__(settings, encoder)
        self.temperature = settings.temperature

    def loss(self, views: Views) -> Float[Tensor, ""]:
        query, key = self.encode(views)  # (N, p) each, unit length
        keys, before = self.all_keys(key)
        return info_nce(query, keys, views.targets.with_offset(before), self.temperature)

    def bounds(self, views: Views, batch: int) -> Bounds:
        return nce_bounds(views.targets, self.temperature, rows=batch // self.local_groups)
