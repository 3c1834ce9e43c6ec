"""Provide the mixing operators, which combine each sample of a batch with other samples.

To add an operator, write one file and add one line to ``OPERATORS``.
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
"""Type of an operator in a recipe: a name, or a table with ``kind`` and the operator's settings."""
