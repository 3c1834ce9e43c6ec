"""Fit ensembles of decision trees with scikit-learn, and evaluate them from plain arrays."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Float64, Int32, Shaped
from numpy import ndarray
from scipy.special import expit, softmax
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from contramix.models.task import Task
from contramix.predictors.labeled_rows import Targets

BLOCK = 256
"""Number of rows that are evaluated at once: their positions in all trees fit into a processor's cache."""


class TreeEnsemble(NamedTuple):
    """Predict with the sum of the values of decision trees, which are stored as arrays over all nodes of all trees.

    Parameters
    ----------
    roots
        Node number of the root of each tree.
    feature
        Feature that each inner node tests; -1 for a leaf.
    threshold
        Value with which the feature is compared. Rows with smaller or equal values go to the left child.
    left, right
        Node numbers of the children of each inner node.
    value
        Value of each node, of shape (nodes, outputs). The outputs of a row are the sum over trees of the values of its
        leaves, plus ``offset``.
    offset
        Constant to add to the outputs.
    boosted
        1 if outputs are logits of classes (one logit for two classes), else 0.
    """

    roots: Int32[ndarray, " t"]
    feature: Int32[ndarray, " m"]
    threshold: Float64[ndarray, " m"]
    left: Int32[ndarray, " m"]
    right: Int32[ndarray, " m"]
    value: Float64[ndarray, " m k"]
    offset: Float64[ndarray, " k"]
    boosted: Shaped[ndarray, ""]

    def __call__(self, x: Float32[ndarray, " n d"]) -> Float64[ndarray, " n k"]:
        """Return the class probabilities or numeric predictions (one column) of rows of features."""
        out = np.concatenate([self._sum(x[start : start + BLOCK]) for start in range(0, max(1, len(x)), BLOCK)])
        out += self.offset
        if not self.boosted:
            return out
        return np.concatenate([expit(-out), expit(out)], 1) if out.shape[1] == 1 else np.asarray(softmax(out, 1))

    def _sum(self, x: Float32[ndarray, " n d"]) -> Float64[ndarray, " n k"]:
        node = np.tile(self.roots, len(x))
        row = np.arange(len(x)).repeat(len(self.roots))
        active = np.flatnonzero(self.feature[node] >= 0)
        while len(active):
            here = node[active]
            goes_left = x[row[active], self.feature[here]] <= self.threshold[here]
            node[active] = np.where(goes_left, self.left[here], self.right[here])
            active = active[self.feature[node[active]] >= 0]
        return np.asarray(self.value[node].reshape(len(x), len(self.roots), self.value.shape[1]).sum(1))


def forest(task: Task, trees: int, seed: int) -> Any:
    """Return an unfitted random forest of scikit-learn with its default settings."""
    kind = RandomForestClassifier if task.classes else RandomForestRegressor
    return kind(trees, random_state=seed)


def extra_trees(task: Task, trees: int, seed: int) -> Any:
    """Return an unfitted ensemble of extremely randomized trees of scikit-learn with its default settings."""
    kind = ExtraTreesClassifier if task.classes else ExtraTreesRegressor
    return kind(trees, random_state=seed)


def boosting(task: Task, trees: int, seed: int) -> Any:
    """Return an unfitted gradient boosting model of scikit-learn that can learn from 40 rows.

    It adds small trees of four leaves, each of at least three rows, with a learning rate of 0.05. ``trees`` is the
    number of rounds.
    """
    kind = GradientBoostingClassifier if task.classes else GradientBoostingRegressor
    return kind(n_estimators=trees, learning_rate=0.05, max_leaf_nodes=4, min_samples_leaf=3, random_state=seed)


MODELS: dict[str, tuple[Callable[[Task, int, int], Any], int, int]] = {
    "forest": (forest, 200, 60),
    "extra-trees": (extra_trees, 200, 60),
    "boosting": (boosting, 60, 60),
}
"""Tree ensembles by name: function that returns the unfitted model, and its number of trees for the final fit and for
the fit on a fold."""


def fit_trees(targets: Targets, name: str, x: Float32[ndarray, " n d"], seed: int, fold: bool = False) -> TreeEnsemble:
    """Fit a tree ensemble to labeled rows.

    Parameters
    ----------
    targets
        Targets of the labeled rows.
    name
        Name of the ensemble: a key of ``MODELS``.
    x
        Features of the labeled rows.
    seed
        Random seed.
    fold
        Whether the model only predicts the held-out rows of a cross-validation fold. It then has fewer trees.
    """
    make, trees, fewer = MODELS[name]
    model = make(targets.task, fewer if fold else trees, seed).fit(x, targets.y, sample_weight=targets.weight)
    return to_arrays(targets.task, model)


def to_arrays(task: Task, model: Any) -> TreeEnsemble:
    """Convert a fitted forest or gradient boosting model of scikit-learn to arrays.

    A class that has no training rows gets probability 0.
    """
    boosted = isinstance(model, GradientBoostingClassifier | GradientBoostingRegressor)
    classes = np.asarray(model.classes_) if task.classes else np.zeros(1, int)
    outputs = len(task.classes) or 1
    logits = boosted and bool(task.classes)
    binary = logits and len(classes) == 2 and outputs == 2
    width = 1 if binary else outputs
    parts: list[tuple[ndarray, ...]] = []
    roots, total = [], 0
    rounds = model.estimators_ if boosted else [[tree] for tree in model.estimators_]
    for members in rounds:
        for number, member in enumerate(members):
            tree = member.tree_
            value = np.zeros((tree.node_count, width))
            if not boosted:
                value[:, classes] = tree.value[:, 0, : len(classes)] / len(rounds)
            elif not logits or len(classes) == 2:
                value[:, 0 if width == 1 else classes[1]] = model.learning_rate * tree.value[:, 0, 0]
            else:
                value[:, classes[number]] = model.learning_rate * tree.value[:, 0, 0]
            leaf = tree.children_left < 0
            children = [np.where(leaf, 0, side + total) for side in (tree.children_left, tree.children_right)]
            parts.append((np.where(leaf, -1, tree.feature), tree.threshold, *children, value))
            roots.append(total)
            total += tree.node_count
    feature, threshold, left, right, value = (np.concatenate(each) for each in zip(*parts))
    return TreeEnsemble(
        np.asarray(roots, np.int32),
        feature.astype(np.int32),
        threshold.astype(np.float64),
        left.astype(np.int32),
        right.astype(np.int32),
        value,
        _offset(model, classes, width) if boosted else np.zeros(width),
        np.asarray(int(logits)),
    )


def _offset(model: Any, classes: ndarray, width: int) -> Float[ndarray, " k"]:
    """Return the constant from which boosting starts: the mean target, or the logits of the class shares."""
    first = np.zeros((1, model.n_features_in_), np.float32)
    if not hasattr(model, "classes_"):
        return np.asarray(model.init_.predict(first), np.float64)
    share = model.init_.predict_proba(first)[0]
    offset = np.full(width, -np.inf)
    if len(classes) == 2:
        logit = np.log(share[1] / share[0])
        if width == 1:
            return np.array([logit])
        offset[classes] = 0.0, logit
    else:
        offset[classes] = np.log(share)
    return offset
