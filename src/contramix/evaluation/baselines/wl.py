"""Compare with a linear model on Weisfeiler-Lehman colors, the usual first model of graphs."""

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt64
from numpy import ndarray
from scipy.sparse import csr_matrix
from sklearn.preprocessing import normalize

from contramix.domains.graph.packed import PackedGraphs
from contramix.errors import InputError
from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs, EvaluationRecords
from contramix.evaluation.baselines.sparse_linear import linear_on
from contramix.evaluation.candidates import Candidate
from contramix.evaluation.problem import PredictionProblem, Predictions

ROUNDS = 4
"""Number of refinements of the colors, as in most published comparisons."""


def wl(records: EvaluationRecords) -> Callable[[PredictionProblem], Predictions]:
    """Return a linear model on the normalized counts of the Weisfeiler-Lehman colors of each graph.

    The first colors are the labels of the nodes, or one color for all nodes without labels; they are refined four
    times (Shervashidze et al., JMLR 2011). Colors are computed without targets, so test graphs have them too.

    Raises
    ------
    InputError
        If the records are not graphs.
    """
    if records.content is None:
        raise InputError("the baseline 'wl' is for graphs")
    counts = normalize(color_counts(PackedGraphs.from_column(records.content)))
    return linear_on(lambda train: counts)


def color_counts(graphs: PackedGraphs, rounds: int = ROUNDS) -> csr_matrix:
    """Return the counts of the colors of all rounds, one row for each graph.

    The new color of a node is a 64-bit hash of its color and of the counts of its neighbors' colors. The sum of the
    neighbors' hashes stands for the counts, since it does not depend on their order.
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
    """Map 64-bit numbers one to one to numbers that look random (splitmix64)."""
    x = (x + _ODD).astype(np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))


def make_wl(inputs: BaselineInputs) -> list[Candidate]:
    """Return a linear model on the Weisfeiler-Lehman colors of the graphs."""
    return [Candidate("wl", "baseline", "wl", wl(inputs.records))]


WL = Baseline(
    "wl",
    "Weisfeiler-Lehman colors of graphs, and a linear model",
    "Weisfeiler-Lehman colors and a linear model",
    make_wl,
)
