"""Provide the projection and prediction heads of contrastive methods."""

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from torch import nn

from contramix.errors import nearest
from contramix.settings import Settings


def _linear(width: int, hidden: int, out: int) -> list[nn.Module]:
    return [nn.Linear(width, out)]


def _mlp(width: int, hidden: int, out: int) -> list[nn.Module]:
    return [nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, out)]


def _mlpbn1(width: int, hidden: int, out: int) -> list[nn.Module]:
    return [nn.Linear(width, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, out)]


def _mlpbn(width: int, hidden: int, out: int) -> list[nn.Module]:
    return [*_mlpbn1(width, hidden, out), nn.BatchNorm1d(out)]


def _mlp3bn(width: int, hidden: int, out: int) -> list[nn.Module]:
    first = [nn.Linear(width, hidden), nn.BatchNorm1d(hidden), nn.ReLU()]
    return [*first, nn.Linear(hidden, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, out)]


HEADS: dict[str, Callable[[int, int, int], list[nn.Module]]] = {
    "linear": _linear,
    "mlp": _mlp,  # MoCo v2
    "mlpbn1": _mlpbn1,  # i-Mix on images; BYOL
    "mlpbn": _mlpbn,  # i-Mix on tables and speech
    "mlp3bn": _mlp3bn,  # DACL, three layers
}


def _known(kind: str) -> str:
    if kind not in HEADS:
        raise PydanticCustomError("kind", "unknown head '{kind}'; {hint}", {"kind": kind, "hint": nearest(kind, HEADS)})
    return kind


class Head(Settings):
    """Configure a projection head, which maps representations to the vectors that the loss compares.

    Parameters
    ----------
    kind
        ``"linear"``; ``"mlp"``: two layers; ``"mlpbn1"``: two layers with BatchNorm after the first; ``"mlpbn"``: two
        layers with BatchNorm after both; or ``"mlp3bn"``: three layers with BatchNorm after the first two. A ReLU
        precedes each layer but the first.
    hidden
        Width of hidden layers. None: the size of the representation, as in the papers.
    out
        Size of the output.
    """

    kind: Annotated[str, AfterValidator(_known)] = "mlpbn"
    hidden: int | None = Field(default=None, ge=1, le=65536)
    out: int = Field(default=128, ge=1, le=65536)

    def build(self, width: int) -> nn.Sequential:
        """Build the head for representations of size ``width``, with newly initialized weights."""
        return nn.Sequential(*HEADS[self.kind](width, self.hidden or width, self.out))


class Predictor(Settings):
    """Configure the prediction head of BYOL and SimSiam, which predicts one view's projection from the other view's.

    Parameters
    ----------
    kind
        ``"linear"``; ``"mlp"``: two layers; ``"mlpbn1"``: two layers with BatchNorm after the first; ``"mlpbn"``: two
        layers with BatchNorm after both; or ``"mlp3bn"``: three layers with BatchNorm after the first two.
    hidden
        Width of hidden layers. None: the size of the encoder's representation.
    """

    kind: Annotated[str, AfterValidator(_known)] = "mlpbn1"
    hidden: int | None = Field(default=None, ge=1, le=65536)

    def build(self, projection: int, encoder_width: int) -> nn.Sequential:
        """Build the head for projections of size ``projection``, with newly initialized weights.

        Its output has the same size. ``encoder_width``, the size of the representation, is the width of hidden layers
        if the setting ``hidden`` is None.
        """
        return nn.Sequential(*HEADS[self.kind](projection, self.hidden or encoder_width, projection))
