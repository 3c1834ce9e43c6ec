"""Provide the contrastive methods: SimCLR, MoCo, N-pair, BYOL, SimSiam and InfoGraph.

To add a method, write one file and add one line to ``METHODS``.
"""

from typing import Annotated

from contramix.methods.byol import BYOL
from contramix.methods.infograph import InfoGraph
from contramix.methods.method import Method, MethodSettings
from contramix.methods.moco import MoCo
from contramix.methods.npair import NPair
from contramix.methods.simclr import SimCLR
from contramix.methods.simsiam import SimSiam
from contramix.registry import choice

METHODS: dict[str, type[MethodSettings]] = {
    "npair": NPair,
    "simclr": SimCLR,
    "moco": MoCo,
    "byol": BYOL,
    "simsiam": SimSiam,
    "infograph": InfoGraph,
}

AnyMethod = Annotated[MethodSettings, *choice(METHODS)]
"""Type of a method in a recipe: a name, or a table with ``kind`` and the method's settings."""

__all__ = ["METHODS", "AnyMethod", "Method", "MethodSettings"]
