"""Compare with probes on raw features, and on raw features of tables whose numbers are normal quantiles."""

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float32, Int
from numpy import ndarray

from contramix.domains.table.columns.categorical import Categorical
from contramix.domains.table.columns.numeric import Numeric, normal_quantile
from contramix.domains.table.spec import TableSpec
from contramix.errors import InputError
from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs
from contramix.evaluation.candidates import Candidate, probe_candidates
from contramix.evaluation.features import once_per_split
from contramix.evaluation.problem import PredictionProblem

QUANTILES = 1000
"""Maximum number of quantiles of a column, as with the setting ``table.numeric = "quantile"``."""


def make_raw(inputs: BaselineInputs) -> list[Candidate]:
    """Build one baseline candidate for each probe on the raw features."""
    raw = inputs.raw
    return probe_candidates("raw", "baseline", lambda problem: raw, inputs.probes)


def make_raw_quantile(inputs: BaselineInputs) -> list[Candidate]:
    """Build one baseline candidate for each probe on the raw features of a table with numbers as normal quantiles."""
    return probe_candidates("raw-quantile", "baseline", quantile_features(inputs), inputs.probes)


def quantile_features(inputs: BaselineInputs) -> Callable[[PredictionProblem], Float32[ndarray, " n d"]]:
    """Return a function that computes a table's raw features for a problem, with numbers as normal quantiles.

    The quantiles of each split are learned once, from all rows outside its test rows, labeled or not.

    Raises
    ------
    InputError
        If the records are not rows of a table.
    """
    spec, raw = inputs.data.spec, inputs.raw
    if not isinstance(spec, TableSpec):
        raise InputError("the baseline 'raw-quantile' is for tables")
    return once_per_split(partial(with_quantiles, spec, raw))


def with_quantiles(
    spec: TableSpec, raw: Float32[ndarray, " n d"], rows: Int[ndarray, " m"]
) -> Float32[ndarray, " n d"]:
    """Return raw features of a table in which numeric columns are mapped to a standard normal distribution.

    A missing value becomes 0, the median. Dates, categories and flags are not changed.

    Parameters
    ----------
    spec
        Specification of the table, with which its raw features were computed.
    raw
        Raw features of all rows.
    rows
        Row numbers of the rows from which quantiles are learned.
    """
    out, position = raw.copy(), 0
    for column in spec.columns:
        if isinstance(column, Numeric):
            numbers = raw[:, position].astype(np.float64)
            if column.missing:
                numbers[raw[:, position + 1] == 1] = np.nan
            known = numbers[rows][~np.isnan(numbers[rows])]
            if len(known):
                grid = np.linspace(0, 1, min(QUANTILES, max(10, len(known))))
                out[:, position] = np.nan_to_num(normal_quantile(numbers, tuple(np.quantile(known, grid))))
        if not (isinstance(column, Categorical) and column.store == "code"):  # codes follow after all other elements
            position += len(column.elements)
    return out


def make_frozen(inputs: BaselineInputs) -> list[Candidate]:
    """Build one baseline candidate for each probe on the vectors of a frozen backbone."""
    raw = inputs.raw
    return probe_candidates("frozen", "baseline", lambda problem: raw, inputs.probes)


def check_backbone(inputs: BaselineInputs) -> str | None:
    """Return why there are no vectors of a backbone; None if there are."""
    return "there is no backbone" if inputs.recipe.backbone is None else None


RAW = Baseline("raw", "the columns as the encoder sees them", "raw features", make_raw)
FROZEN = Baseline(
    "frozen",
    "the vectors of the frozen backbone",
    "vectors of the frozen backbone",
    make_frozen,
    domains=("table",),
    unavailable=check_backbone,
)
RAW_QUANTILE = Baseline(
    "raw-quantile",
    "the columns with numbers as normal quantiles",
    "raw features with numbers as normal quantiles",
    make_raw_quantile,
    domains=("table",),
)
