"""Compare with a linear model on Weisfeiler-Lehman colors, a common baseline for graphs."""

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt64
from numpy import ndarray
from scipy.sparse import csr_matrix
from sklearn.preprocessing import normalize

from contramix.domains.graph.packed import PackedGraphs
from contramix.errors import InputError
from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs, EvaluationRecords
from contramix.evaluation.baselines.sklearn_models import sparse_linear_predictor
from contramix.evaluation.candidates import Candidate
from contramix.evaluation.problem import PredictionProblem, Predictions

ROUNDS = 4
"""Number of refinement rounds, as in most published comparisons."""


def wl(records: EvaluationRecords) -> Callable[[PredictionProblem], Predictions]:
    """Return a function that fits a linear model on Weisfeiler-Lehman color counts and predicts test rows.

    The initial color of a node is its label, or the same for all nodes if the graphs have no node labels. Colors are
    refined four times (Shervashidze et al., JMLR 2011), and the counts of each graph are scaled to a vector of norm 1.
    The counts are computed once for training and test graphs together, since they do not depend on targets.

    Raises
    ------
    InputError
        If the records are not graphs.
    """
    if records.content is None:
        raise InputError("the baseline 'wl' is for graphs")
    counts = normalize(color_counts(PackedGraphs.from_column(records.content)))
    return sparse_linear_predictor(lambda train: counts)


def color_counts(graphs: PackedGraphs, rounds: int = ROUNDS) -> csr_matrix:
    """Count the Weisfeiler-Lehman colors of each graph over all rounds, as a sparse matrix of shape (graphs, colors).

    In each of the ``rounds``, the new color of a node is a 64-bit hash of its color and the sum of its neighbors'
    hashed colors. The sum represents the multiset of the neighbors' colors, since it does not depend on their order.
    """
    source, target = graphs.global_edge_index
    graph = np.arange(len(graphs.nodes)).repeat(graphs.nodes)
    labels = np.zeros((len(graph), 1), np.int64) if graphs.labels is None else graphs.labels
    color = np.unique(labels, axis=0, return_inverse=True)[1].reshape(-1).astype(np.uint64)
    columns, rows = [], []
    for number in range(rounds + 1):
        if number:
            neighbors = np.zeros(len(graph), np.uint64)
            np.add.at(neighbors, target, _mix(color)[source])
            color = _mix(_mix(color) * _ODD + neighbors)  # multiplied, to tell it from a neighbor's
        columns.append(_mix(color + np.full(1, number, np.uint64) * _ODD))  # rounds do not share colors
        rows.append(graph)
    kinds, column = np.unique(np.concatenate(columns), return_inverse=True)
    ones = np.ones(len(column), np.float64)
    shape = (len(graphs.nodes), len(kinds))
    return csr_matrix((ones, (np.concatenate(rows), column.reshape(-1))), shape=shape)


_ODD = np.uint64(0x9E3779B97F4A7C15)


def _mix(x: UInt64[ndarray, " n"]) -> UInt64[ndarray, " n"]:
    """Hash 64-bit integers one to one to integers that look random (splitmix64)."""
    x = (x + _ODD).astype(np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))


def make_wl(inputs: BaselineInputs) -> list[Candidate]:
    """Build the baseline candidate that fits a linear model on the Weisfeiler-Lehman colors of the graphs."""
    return [Candidate("wl", "baseline", "wl", wl(inputs.records))]


WL = Baseline(
    "wl",
    "Weisfeiler-Lehman colors of graphs, and a linear model",
    "Weisfeiler-Lehman colors and a linear model",
    make_wl,
    domains=("graph",),
)
