"""By what a setting is judged: a few labels, or none. Rows that score are held out of all that is learned."""

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
from contramix.evaluation.metrics import METRICS, find_metric
from contramix.evaluation.probes import PROBES
from contramix.evaluation.problem import PredictionProblem
from contramix.evaluation.protocol import CONFIDENCE, TEST_SHARE, Score, splits
from contramix.evaluation.verdict import paired_difference
from contramix.models.labeled_records import draw_labels
from contramix.models.task import Kind, find_task
from contramix.monitoring.representation_measures import effective_rank
from contramix.runtime.randomness import Key

DRAWS = 5
"""Draws of labels that a score is the mean of."""
ROWS_A_LABEL = 10
"""A quantity has no classes: so many times as many rows get their value as a class would get labels."""

Features = Callable[[ndarray], Float32[ndarray, " n d"]]
"""Representations of some rows, by row number."""


class HoldoutSplit(NamedTuple):
    """Row numbers: what is learned from, and what judges."""

    seed: int
    train: Int[ndarray, " n"]
    held: Int[ndarray, " m"]


class Scorer(ABC):
    """Turns representations into a score; higher is better."""

    words: str
    """What the score is."""
    digits: int
    """Decimals to show."""

    @abstractmethod
    def part(self, seed: int) -> HoldoutSplit:
        """Hold a fifth of the rows out."""

    @abstractmethod
    def __call__(self, part: HoldoutSplit, features: Features) -> Float64[ndarray, " m"]:
        """What each row adds to the score, which is their mean."""

    @abstractmethod
    def difference(
        self, first: list[ndarray], second: list[ndarray], parts: list[HoldoutSplit]
    ) -> tuple[float, tuple[float, float]]:
        """Mean difference of two settings' scores on the same parts, and its 95 % interval."""

    def same_for(self) -> str:
        """Stands for what the scores depend on besides the inputs."""
        return self.words

    def show(self, score: float, sign: str = "") -> str:
        """A score, for people."""
        return f"{score:{sign}.{self.digits}f}"


class LabeledScorer(Scorer):
    """A linear probe learned from a few labels of the training rows, judged on the rows held out.

    Rows without a target are pre-trained on, and neither teach the probe nor score it.

    Parameters
    ----------
    table, target, where
        The rows, the column to predict, and what error messages call them.
    per_class
        Labels a class; of a quantity ten times as many rows.
    kind, metric
        None: found out, and balanced accuracy or R squared.

    Raises
    ------
    InputError
        If the target is not there or cannot be predicted, or too few rows have one.
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
        self.labelled = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
        if len(self.labelled) < 10:
            raise InputError(
                f"{where}: target {target!r} is known in {len(self.labelled)} rows; at least 10 are needed, to hold "
                "some out; --score rankme needs none"
            )
        known = values.take(pa.array(self.labelled))
        self.task = find_task(target, known, where, kind)
        classes = self.task.kind == "classification"
        name = find_metric(self.task, metric or ("balanced_accuracy" if classes else "r2"))
        rows_of = METRICS[name].rows
        if rows_of is None:
            raise ValueError(f"{name} is not a mean over rows")
        self._rows_of = rows_of
        self.per_class, y = per_class, self.task.encode(known, where)
        self.y = np.zeros(len(values), y.dtype)
        self.y[self.labelled] = y
        many = f"{per_class} labels a class" if classes else f"{ROWS_A_LABEL * per_class} labelled rows"
        self.words = f"{METRICS[name].words} with {many}"

    def part(self, seed: int) -> HoldoutSplit:
        split = splits(self.task, self.y[self.labelled], [seed], None)[0]
        held = self.labelled[split.test]
        return HoldoutSplit(seed, np.setdiff1d(np.arange(len(self.y)), held), held)

    def __call__(self, part: HoldoutSplit, features: Features) -> Float64[ndarray, " m"]:
        truth, z_held = self.y[part.held], features(part.held)
        each = []
        for draw in range(DRAWS):
            seed = Key(part.seed, "labels", draw).seed % 2**32
            used = self._draw(np.intersect1d(part.train, self.labelled), seed)
            test = np.arange(len(used), len(used) + len(part.held))
            problem = PredictionProblem(self.task, np.arange(len(used)), self.y[used], test, seed, part.seed)
            predicted = PROBES["linear"](problem, np.concatenate([features(used), z_held]))
            each.append(self._rows_of(self.task, truth, predicted))
        return np.asarray(np.mean(each, axis=0))

    def _draw(self, rows: ndarray, seed: int) -> ndarray:
        if self.task.kind == "classification":
            return draw_labels(self.y, rows, self.per_class, seed)
        return np.sort(np.random.default_rng(seed).permutation(rows)[: ROWS_A_LABEL * self.per_class])

    def difference(
        self, first: list[ndarray], second: list[ndarray], parts: list[HoldoutSplit]
    ) -> tuple[float, tuple[float, float]]:
        rows = [part.held for part in parts]
        a, b = (Score(name, "pretrained", "linear", self.per_class, s, rows) for name, s in zip("ab", (first, second)))
        return paired_difference(a, b)

    def same_for(self) -> str:
        return f"{self.words}, {self.task}, {hashlib.sha256(self.y.tobytes() + self.labelled.tobytes()).hexdigest()}"


class LabelFreeScorer(Scorer):
    """A number that the representations of the rows held out have by themselves."""

    digits = 1

    def __init__(self, name: str, rows: int) -> None:
        self.words, self.of = LABEL_FREE[name]
        self.rows = rows

    def part(self, seed: int) -> HoldoutSplit:
        order = np.random.default_rng(seed).permutation(self.rows)
        held = round(TEST_SHARE * self.rows)
        if held < 2:
            raise InputError(f"{self.rows} rows are too few to hold some out; give at least 10")
        return HoldoutSplit(seed, np.sort(order[held:]), np.sort(order[:held]))

    def __call__(self, part: HoldoutSplit, features: Features) -> Float64[ndarray, " m"]:
        return np.array([self.of(features(part.held))])

    def difference(
        self, first: list[ndarray], second: list[ndarray], parts: list[HoldoutSplit]
    ) -> tuple[float, tuple[float, float]]:
        each = np.array([a.mean() - b.mean() for a, b in zip(first, second)])
        half = stats.t.ppf((1 + CONFIDENCE) / 2, len(each) - 1) * each.std(ddof=1) / np.sqrt(len(each))
        return float(each.mean()), (float(each.mean() - half), float(each.mean() + half))


LABEL_FREE: dict[str, tuple[str, Callable[[Float32[ndarray, " n d"]], float]]] = {
    "rankme": ("effective rank (RankMe)", lambda z: effective_rank(torch.from_numpy(z))),
}
"""Scores that need no labels: what they are, and how they are computed."""
SCORES = ("labels", *LABEL_FREE)


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
    """The scorer of a name; ``"auto"`` is ``"labels"`` where a target is given, else ``"rankme"``."""
    if score == "auto":
        score = "labels" if target else "rankme"
    if score not in SCORES:
        raise InputError(f"--score {score}: not known; {nearest(score, (*SCORES, 'auto'))}")
    if score != "labels":
        return LabelFreeScorer(score, table.num_rows)
    if target is None:
        raise InputError("--score labels needs --target COLUMN, the column to predict")
    return LabeledScorer(table, target, per_class, kind=kind, metric=metric, where=where)
