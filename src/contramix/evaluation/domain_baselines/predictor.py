"""What a domain's own plain model is given, and what it gives."""

from collections.abc import Callable
from typing import NamedTuple

import pyarrow as pa

from contramix.domains import Spec
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.samples.samples import Samples


class Whole(NamedTuple):
    """All records of a comparison, those of the official test part last."""

    spec: Spec
    content: pa.ChunkedArray | None
    """The column that is the input, as it was read."""
    x: Samples


Plain = Callable[[Whole], Callable[[PredictionProblem], Predictions]]
"""From all records to a predictor, which learns from a problem's training rows only."""
