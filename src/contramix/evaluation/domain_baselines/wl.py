"""The Weisfeiler-Lehman subtree kernel and a linear model: what is tried first on graphs."""

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt64
from numpy import ndarray
from scipy.sparse import csr_matrix
from sklearn.preprocessing import normalize

from contramix.domains.graph.packed import PackedGraphs
from contramix.errors import InputError
from contramix.evaluation.domain_baselines.predictor import Whole
from contramix.evaluation.domain_baselines.sparse_linear import linear_on
from contramix.evaluation.problem import PredictionProblem, Predictions

ROUNDS = 4


def wl(whole: Whole) -> Callable[[PredictionProblem], Predictions]:
    """How often each colour of Weisfeiler-Lehman refinement occurs in a graph, to length 1; and a linear model on it.

    Colours begin as nodes' labels (all alike where they have none), and are refined four times (Shervashidze et al.,
    JMLR 2011). They come from graphs alone, so those of test graphs are known too.
    """
    if whole.content is None:
        raise InputError("the baseline 'wl' is for graphs")
    counts = normalize(colour_counts(PackedGraphs.of(whole.content)))
    return linear_on(lambda train: counts)


def colour_counts(graphs: PackedGraphs, rounds: int = ROUNDS) -> csr_matrix:
    """Counts of the colours of all rounds, a row a graph.

    A node's new colour stands for its own and for how often each colour leads to it: a hash of 64 bits, in which a sum
    stands for the many.
    """
    source, target = graphs.global_edge_index
    graph = np.arange(len(graphs.nodes)).repeat(graphs.nodes)
    labels = np.zeros((len(graph), 1), np.int64) if graphs.labels is None else graphs.labels
    colour = np.unique(labels, axis=0, return_inverse=True)[1].reshape(-1).astype(np.uint64)
    columns, rows = [], []
    for number in range(rounds + 1):
        if number:
            neighbours = np.zeros(len(graph), np.uint64)
            np.add.at(neighbours, target, _scattered(colour)[source])
            colour = _scattered(_scattered(colour) * _ODD + neighbours)  # its own counts as no neighbour's
        columns.append(_scattered(colour + np.full(1, number, np.uint64) * _ODD))  # each round has colours of its own
        rows.append(graph)
    kinds, column = np.unique(np.concatenate(columns), return_inverse=True)
    ones = np.ones(len(column), np.float64)
    shape = (len(graphs.nodes), len(kinds))
    return csr_matrix((ones, (np.concatenate(rows), column.reshape(-1))), shape=shape)


_ODD = np.uint64(0x9E3779B97F4A7C15)


def _scattered(x: UInt64[ndarray, " n"]) -> UInt64[ndarray, " n"]:
    """A bijection of 64-bit numbers under which near ones go far apart (splitmix64)."""
    x = (x + _ODD).astype(np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))
