"""Score the representations of a trial on rows held out of pre-training, with few labels or without labels."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float32, Float64, Int
from numpy import ndarray
from scipy import stats

from contramix.errors import InputError, nearest
from contramix.evaluation.intervals import CONFIDENCE
from contramix.evaluation.metrics import METRICS, find_metric
from contramix.evaluation.probes import PROBES
from contramix.evaluation.problem import PredictionProblem
from contramix.evaluation.scoring import Score
from contramix.evaluation.splits import TEST_SHARE, make_splits
from contramix.evaluation.verdict import paired_difference
from contramix.models.labeled_records import LabelBudget, draw_labels
from contramix.models.task import Kind, find_task
from contramix.monitoring.representation_measures import rankme
from contramix.runtime.randomness import Key

DRAWS = 5
"""Number of random draws of labels over which a score is averaged."""
ROWS_PER_LABEL = 10
"""Number of labeled rows for each requested label per class if the target is numeric and therefore has no classes."""

Features = Callable[[ndarray], Float32[ndarray, " n d"]]
"""Function that takes row numbers and returns the representations of these rows."""


class HoldoutSplit(NamedTuple):
    """Hold the row numbers of the rows for pre-training (``train``) and of the held-out rows for scoring (``held``).

    ``seed`` is the seed from which the split was drawn.
    """

    seed: int
    train: Int[ndarray, " n"]
    held: Int[ndarray, " m"]


class Scorer(ABC):
    """Score representations on held-out rows; a higher score is better.

    Attributes
    ----------
    words
        Name of the score, such as ``"balanced accuracy with 20 labels a class"``. It is saved in the files of a search
        and compared when the search is resumed, so its text must not change.
    digits
        Number of decimals to show.
    """

    words: str
    digits: int

    @abstractmethod
    def split(self, seed: int) -> HoldoutSplit:
        """Return a random split that holds out a fifth of the rows for scoring."""

    @abstractmethod
    def __call__(self, split: HoldoutSplit, features: Features) -> Float64[ndarray, " m"]:
        """Return per-row scores of the held-out rows, whose mean is the score of the representations.

        ``features`` is a function that takes row numbers and returns the representations of these rows. A score that
        has no per-row values is returned as an array with one element.
        """

    @abstractmethod
    def difference(
        self, first: list[ndarray], second: list[ndarray], splits: list[HoldoutSplit]
    ) -> tuple[float, tuple[float, float]]:
        """Return the mean difference ``first - second`` of two settings on the same splits, and its 95 % interval.

        Parameters
        ----------
        first, second
            Per-row scores of the two settings, one array for each split.
        splits
            Splits on which they were scored.

        Returns
        -------
        difference, (low, high)
            Mean difference, and the ends of its confidence interval.
        """

    def identity(self) -> str:
        """Return a text that identifies how rows are scored, including a hash of the labels if they are used.

        Two searches are comparable only if their texts are equal.
        """
        return self.words

    def format(self, score: float, sign: str = "") -> str:
        """Format a score as text; ``sign="+"`` also shows the sign of positive values."""
        return f"{score:{sign}.{self.digits}f}"


class LabeledScorer(Scorer):
    """Score by a linear probe that is trained on a few labels of the training rows and tested on the held-out rows.

    Rows whose target is missing are used for pre-training only.

    Parameters
    ----------
    table, target
        Rows, and the name of the column to predict.
    per_class
        Number of labels per class. For a numeric target, ten times as many labeled rows are used in total.
    kind
        ``"classification"`` or ``"regression"``; None to infer it from the target's values.
    metric
        ``"accuracy"``, ``"balanced_accuracy"``, ``"auroc"`` or ``"r2"``; None for balanced accuracy (classification) or
        R squared (regression).
    where
        Name of the data in error messages.

    Raises
    ------
    InputError
        If the target column does not exist or cannot be predicted, the metric does not fit the task, or fewer than 10
        rows have a target.
    """

    digits = 3

    def __init__(
        self,
        table: pa.Table,
        target: str,
        per_class: int = 20,
        *,
        kind: Kind | None = None,
        metric: str | None = None,
        where: str = "data",
    ) -> None:
        if target not in table.column_names:
            raise InputError(
                f"{where}: there is no column {target!r} to predict; {nearest(target, table.column_names)}"
            )
        values = table.column(target).combine_chunks()
        self.labeled = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
        if len(self.labeled) < 10:
            raise InputError(
                f"{where}: target {target!r} is known in {len(self.labeled)} rows; at least 10 are needed, to hold "
                "some out; `score='rankme'` needs no labels"
            )
        known = values.take(pa.array(self.labeled))
        self.task = find_task(target, known, where, kind)
        classes = self.task.kind == "classification"
        name = find_metric(self.task, metric or ("balanced_accuracy" if classes else "r2"))
        per_row = METRICS[name].per_row
        if per_row is None:
            raise ValueError(f"{name} is not a mean over rows")
        self._per_row = per_row
        self.per_class, y = per_class, self.task.encode(known, where)
        self.y = np.zeros(len(values), y.dtype)
        self.y[self.labeled] = y
        labels = f"{per_class} labels a class" if classes else f"{ROWS_PER_LABEL * per_class} labeled rows"
        self.words = f"{METRICS[name].words} with {labels}"

    def split(self, seed: int) -> HoldoutSplit:
        held = self.labeled[make_splits(self.task, self.y[self.labeled], [seed], None)[0].test]
        return HoldoutSplit(seed, np.setdiff1d(np.arange(len(self.y)), held), held)

    def __call__(self, split: HoldoutSplit, features: Features) -> Float64[ndarray, " m"]:
        truth, z_held = self.y[split.held], features(split.held)
        scores = []
        for draw in range(DRAWS):
            seed = Key(split.seed, "labels", draw).seed % 2**32
            used = self._draw(np.intersect1d(split.train, self.labeled), seed)
            test = np.arange(len(used), len(used) + len(split.held))
            problem = PredictionProblem(self.task, np.arange(len(used)), self.y[used], test, seed, split.seed)
            predicted = PROBES["linear"](problem, np.concatenate([features(used), z_held]))
            scores.append(self._per_row(self.task, truth, predicted, None))
        return np.asarray(np.mean(scores, axis=0))

    def _draw(self, rows: ndarray, seed: int) -> ndarray:
        if self.task.kind == "classification":
            return draw_labels(self.y, rows, LabelBudget(self.per_class), seed)
        return np.sort(np.random.default_rng(seed).permutation(rows)[: ROWS_PER_LABEL * self.per_class])

    def difference(
        self, first: list[ndarray], second: list[ndarray], splits: list[HoldoutSplit]
    ) -> tuple[float, tuple[float, float]]:
        rows = [split.held for split in splits]
        a, b = (
            Score(name, "pretrained", "linear", LabelBudget(self.per_class), s, rows)
            for name, s in zip("ab", (first, second))
        )
        return paired_difference(a, b)

    def identity(self) -> str:
        return f"{self.words}, {self.task}, {hashlib.sha256(self.y.tobytes() + self.labeled.tobytes()).hexdigest()}"


class LabelFreeScorer(Scorer):
    """Score by a measure of the representations of held-out rows that needs no labels, such as their effective rank.

    Parameters
    ----------
    name
        Name of the measure: ``"rankme"``, the effective rank.
    rows
        Number of all rows of the table, of which a fifth is held out.
    """

    digits = 1

    def __init__(self, name: str, rows: int) -> None:
        self.words, self.measure = LABEL_FREE[name]
        self.rows = rows

    def split(self, seed: int) -> HoldoutSplit:
        order = np.random.default_rng(seed).permutation(self.rows)
        held = round(TEST_SHARE * self.rows)
        if held < 2:
            raise InputError(f"{self.rows} rows are too few to hold some out; give at least 10")
        return HoldoutSplit(seed, np.sort(order[held:]), np.sort(order[:held]))

    def __call__(self, split: HoldoutSplit, features: Features) -> Float64[ndarray, " m"]:
        return np.array([self.measure(features(split.held))])

    def difference(
        self, first: list[ndarray], second: list[ndarray], splits: list[HoldoutSplit]
    ) -> tuple[float, tuple[float, float]]:
        each = np.array([a.mean() - b.mean() for a, b in zip(first, second)])
        half = stats.t.ppf((1 + CONFIDENCE) / 2, len(each) - 1) * each.std(ddof=1) / np.sqrt(len(each))
        return float(each.mean()), (float(each.mean() - half), float(each.mean() + half))


LABEL_FREE: dict[str, tuple[str, Callable[[Float32[ndarray, " n d"]], float]]] = {
    "rankme": ("effective rank (RankMe)", lambda z: rankme(torch.from_numpy(z))),
}
"""Measures that need no labels, by name. Each value is the display name, and the function that computes the measure."""
SCORES = ("labels", *LABEL_FREE)
"""Names of all scores."""


def find_scorer(
    score: str,
    table: pa.Table,
    target: str | None,
    per_class: int,
    *,
    kind: Kind | None = None,
    metric: str | None = None,
    where: str = "data",
) -> Scorer:
    """Return the scorer of representations with a given name.

    Parameters
    ----------
    score
        ``"labels"`` for a probe on few labels, ``"rankme"`` for the effective rank, which needs no labels, or
        ``"auto"`` for ``"labels"`` if a target is given, else ``"rankme"``.
    table
        Rows to hold out and score.
    target
        Name of the column to predict; None if there is none.
    per_class
        Number of labels per class that the probe is trained on. Used only with ``"labels"``, as are the following.
    kind
        ``"classification"`` or ``"regression"``; None to infer it from the target's values.
    metric
        Name of the metric; None for balanced accuracy (classification) or R squared (regression).
    where
        Name of the data in error messages.

    Raises
    ------
    InputError
        If the score is unknown, or it needs a target that is not given or cannot be predicted.
    """
    if score == "auto":
        score = "labels" if target else "rankme"
    if score not in SCORES:
        raise InputError(f"`score` {score}: not known; {nearest(score, (*SCORES, 'auto'))}")
    if score != "labels":
        return LabelFreeScorer(score, table.num_rows)
    if target is None:
        raise InputError("`score='labels'` needs `target=COLUMN`, the column to predict")
    return LabeledScorer(table, target, per_class, kind=kind, metric=metric, where=where)
