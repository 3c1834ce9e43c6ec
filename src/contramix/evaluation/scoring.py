"""Score candidates on the same splits, labels and seeds. Targets of test rows are used to score only."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy import stats

from contramix.evaluation.candidates import Candidate, RowKind
from contramix.evaluation.metrics import METRICS, all_metrics
from contramix.evaluation.problem import PredictionProblem
from contramix.evaluation.splits import Split
from contramix.models.labeled_records import draw_labels
from contramix.models.task import Task
from contramix.training.reporter import SILENT, Reporter

CONFIDENCE = 0.95
"""Confidence level of intervals, before a correction for several comparisons."""


@dataclass
class Score:
    """Hold the scores of a candidate for one number of labels, with one entry for each seed or draw of labels.

    Parameters
    ----------
    name, kind, probe
        Name, kind and probe of the candidate.
    labels_per_class
        Number of labels per class; None for all labels.
    per_row_scores
        Score of each test row. The score of a seed is their mean.
    test_rows
        Row numbers of the test rows.
    metrics
        All metrics by name.
    chosen
        Settings that the probe chose, as text.
    seconds
        Time taken, including the features.
    """

    name: str
    kind: RowKind
    probe: str
    labels_per_class: int | None
    per_row_scores: list[Float64[ndarray, " n"]] = field(default_factory=list)
    test_rows: list[ndarray] = field(default_factory=list)
    metrics: list[dict[str, float]] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def per_seed(self) -> Float64[ndarray, " seeds"]:
        """Return the score of each seed."""
        return np.array([scores.mean() for scores in self.per_row_scores])

    @property
    def mean(self) -> float:
        """Return the mean score over seeds."""
        return float(self.per_seed.mean())

    @property
    def std(self) -> float | None:
        """Return the standard deviation of the score over seeds; None for one seed."""
        return float(self.per_seed.std(ddof=1)) if len(self.per_row_scores) > 1 else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Return the 95 % t interval of the mean over seeds; None for one seed."""
        if self.std is None:
            return None
        n = len(self.per_row_scores)
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * self.std / np.sqrt(n))
        return self.mean - half, self.mean + half

    @property
    def mean_metrics(self) -> dict[str, float]:
        """Return the mean of every metric over seeds."""
        return {name: float(np.mean([m[name] for m in self.metrics])) for name in (self.metrics or [{}])[0]}


def score_candidates(
    task: Task,
    y: ndarray,
    candidates: Sequence[Candidate],
    splits: Sequence[Split],
    labels_per_class: Sequence[int] = (),
    *,
    metric: str,
    few_label_draws: Sequence[int] = (),
    pick_on_test: bool = False,
    reporter: Reporter = SILENT,
) -> list[Score]:
    """Score each candidate with all labels and with few labels.

    Parameters
    ----------
    task, y
        Classification or regression, and the targets of all records.
    candidates
        Models and baselines to compare.
    splits
        Training and test rows of each seed.
    labels_per_class
        Numbers of labels per class to try in addition to all labels.
    metric
        Name of a metric in ``METRICS`` that is a mean over rows.
    few_label_draws
        Seeds of the draws of few labels; the splits are used in turn. Default: the seeds of the splits.
    pick_on_test
        Let probes choose their settings by the test rows, as published protocols do. ``Score.chosen`` says so then.
    reporter
        Receives a line for each candidate and number of labels.
    """
    rows_of = METRICS[metric].per_row
    if rows_of is None:
        raise ValueError(f"{metric} is not a mean over rows")
    draws = list(few_label_draws) or [split.seed for split in splits]
    scores = []
    for candidate, labels in _candidates_and_labels(candidates, labels_per_class):
        reporter.progress(f"{candidate.name}: {candidate.probe}" + (f", {labels} labels per class" if labels else ""))
        score = Score(candidate.name, candidate.kind, candidate.probe, labels, seconds=candidate.seconds)
        began = time.monotonic()
        for number, seed in enumerate(draws if labels else [split.seed for split in splits]):
            split = splits[number % len(splits)]
            used = draw_labels(y, split.train, labels, seed) if labels else split.train
            truth = y[split.test]
            test_targets = truth if pick_on_test else None
            problem = PredictionProblem(task, used, y[used], split.test, seed, split.seed, test_targets)
            predicted = candidate.predict(problem)
            score.per_row_scores.append(rows_of(task, truth, predicted))
            score.test_rows.append(split.test)
            score.metrics.append(all_metrics(task, truth, predicted))
            score.chosen.append(predicted.chosen)
        score.seconds += time.monotonic() - began
        scores.append(score)
    return scores


def _candidates_and_labels(
    candidates: Sequence[Candidate], labels_per_class: Sequence[int]
) -> Iterator[tuple[Candidate, int | None]]:
    for candidate in candidates:
        yield candidate, None
        if candidate.few_labels:
            yield from ((candidate, labels) for labels in labels_per_class)
