"""Compare with a linear model on Weisfeiler-Lehman colors, a common baseline for graphs."""

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.preprocessing import normalize

from contramix.domains.graph.packed import PackedGraphs
from contramix.errors import InputError
from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs, EvaluationRecords
from contramix.evaluation.baselines.sklearn_models import sparse_linear_predictor
from contramix.evaluation.candidates import Candidate
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.predictors.domain_features import WL_ROUNDS, refine_colors


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


def color_counts(graphs: PackedGraphs, rounds: int = WL_ROUNDS) -> csr_matrix:
    """Count the Weisfeiler-Lehman colors of graphs over all rounds, as a sparse matrix of shape (graphs, colors)."""
    graph = np.arange(len(graphs.nodes)).repeat(graphs.nodes)
    labels = np.zeros((len(graph), 1), np.int64) if graphs.labels is None else graphs.labels
    first = np.unique(labels, axis=0, return_inverse=True)[1].reshape(-1).astype(np.uint64)
    colors = refine_colors(graphs.global_edge_index, first, rounds)
    kinds, column = np.unique(colors, return_inverse=True)
    ones = np.ones(colors.size, np.float64)
    return csr_matrix((ones, (np.tile(graph, len(colors)), column.reshape(-1))), shape=(len(graphs.nodes), len(kinds)))


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
