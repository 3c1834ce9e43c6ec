"""Operators: how samples are combined.

A new operator is one file and one line in ``OPERATORS``.
"""

from typing import Annotated

from contramix.mixing.binary import Binary
from contramix.mixing.cutmix import CutMix
from contramix.mixing.geometric import Geometric
from contramix.mixing.linear import Linear
from contramix.mixing.operator import Operator
from contramix.registry import choice

OPERATORS: dict[str, type[Operator]] = {
    "linear": Linear,
    "geometric": Geometric,
    "binary": Binary,
    "cutmix": CutMix,
}

AnyOperator = Annotated[Operator, *choice(OPERATORS)]
"""An operator in a recipe: its name, or a table with ``kind`` and its settings."""
