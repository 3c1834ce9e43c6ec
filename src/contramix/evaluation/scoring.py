"""Score all candidates on the same splits, labels and seeds. Targets of test rows are used for scoring only."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from contramix.evaluation.candidates import Candidate, RowKind
from contramix.evaluation.intervals import Design, mean_interval
from contramix.evaluation.metrics import METRICS, all_metrics, class_weights
from contramix.evaluation.problem import PredictionProblem
from contramix.evaluation.splits import Repetition, Split
from contramix.models.labeled_records import LabelBudget, draw_labels, resample_labels
from contramix.models.task import Task
from contramix.training.reporter import SILENT, Reporter


@dataclass
class Score:
    """Store the scores of one candidate (a model or baseline) with one probe and one number of labels.

    Each list has one entry for each repetition. With all labels, a repetition is a split into training and test rows,
    or a bootstrap resample of the labeled rows; with few labels, it is a random draw of labeled rows.

    Parameters
    ----------
    name, kind, probe
        Name of the candidate, its kind (``"baseline"`` or ``"pretrained"``), and the name of its probe.
    labels
        Number of labels; None for all labels.
    per_row_scores
        Array with the score of each test row. The mean of the array is the score of the repetition.
    test_rows
        Array with the row number of each test row.
    metrics
        Dictionary with all metrics of the task by name, such as ``{"accuracy": 0.9, ...}``.
    chosen
        Setting that the probe chose, as text such as ``C = 10``; empty if there was no choice.
    seconds
        Total time in seconds, including the computation of the features.
    repetitions
        Seed, split, draw and labeled rows of each repetition.
    """

    name: str
    kind: RowKind
    probe: str
    labels: LabelBudget | None
    per_row_scores: list[Float64[ndarray, " n"]] = field(default_factory=list)
    test_rows: list[ndarray] = field(default_factory=list)
    metrics: list[dict[str, float]] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)
    seconds: float = 0.0
    repetitions: list[Repetition] = field(default_factory=list)

    @property
    def per_seed(self) -> Float64[ndarray, " seeds"]:
        """Return the score of each repetition: the mean score of its test rows."""
        return np.array([scores.mean() for scores in self.per_row_scores])

    @property
    def mean(self) -> float:
        """Return the score averaged over repetitions."""
        return float(self.per_seed.mean())

    @property
    def std(self) -> float | None:
        """Return the standard deviation of the score between repetitions, or None if there is only one."""
        return float(self.per_seed.std(ddof=1)) if len(self.per_row_scores) > 1 else None

    @property
    def design(self) -> Design:
        """Return how the repetitions depend on each other, from which intervals are estimated."""
        return Design(
            self.test_rows,
            [repetition.seed for repetition in self.repetitions],
            max((repetition.overlap for repetition in self.repetitions), default=0.0),
            any(repetition.resampled for repetition in self.repetitions),
        )

    @property
    def interval(self) -> tuple[float, float]:
        """Return the lower and upper end of the 95 % interval for the mean score."""
        return mean_interval(self.per_row_scores, self.design)[1]

    @property
    def mean_metrics(self) -> dict[str, float]:
        """Return the average of each metric over repetitions, by name."""
        return {name: float(np.mean([m[name] for m in self.metrics])) for name in (self.metrics or [{}])[0]}


def score_candidates(
    task: Task,
    y: ndarray,
    candidates: Sequence[Candidate],
    splits: Sequence[Split],
    budgets: Sequence[LabelBudget] = (),
    *,
    metric: str,
    few_label_draws: Sequence[int] = (),
    resamples: Sequence[int] = (),
    pick_on_test: bool = False,
    reporter: Reporter = SILENT,
) -> list[Score]:
    """Score each candidate with all labels and with few labels, and return one ``Score`` for each combination.

    Parameters
    ----------
    task, y
        Task (classification or regression), and the encoded targets of all records.
    candidates
        Models and baselines to compare.
    splits
        Training and test rows for each seed.
    budgets
        Numbers of labels to try in addition to all labels.
    metric
        Name of a metric in ``METRICS`` that is a mean over rows.
    few_label_draws
        Seeds of the random draws of few labels, one for each repetition. Draw number n uses split number n; after the
        last split, the first one follows again. If empty, the seeds of the splits are used.
    resamples
        Seeds of bootstrap resamples of the labeled rows, one for each repetition with all labels. They use the splits
        in turn, as the draws do. If empty, there is one repetition for each split, with all its labeled training rows.
    pick_on_test
        Whether probes choose their settings on the test rows, as some published protocols do.
    reporter
        Object that receives a line for each candidate and number of labels.
    """
    rows_of = METRICS[metric].per_row
    if rows_of is None:
        raise ValueError(f"{metric} is not a mean over rows")
    repetitions = {
        labels: _make_repetitions(task, y, splits, labels, few_label_draws if labels else resamples)
        for labels in (None, *budgets)
    }
    scores = []
    for candidate, labels in _candidates_and_labels(candidates, budgets):
        reporter.progress(f"{candidate.name}: {candidate.probe}" + (f", {labels}" if labels else ""))
        score = Score(candidate.name, candidate.kind, candidate.probe, labels, seconds=candidate.seconds)
        began = time.monotonic()
        for number, repetition in enumerate(repetitions[labels]):
            split, used = splits[number % len(splits)], repetition.labeled
            seed = repetition.draw if labels or resamples else split.seed
            truth = y[split.test]
            test_targets = truth if pick_on_test else None
            training = np.setdiff1d(np.arange(len(y)), split.test)
            problem = PredictionProblem(
                task, used, y[used], split.test, seed, split.number, test_targets, training, split.seed
            )
            predicted = candidate.predict(problem)
            weights = class_weights(truth, y[used]) if labels and task.classes else None
            score.per_row_scores.append(rows_of(task, truth, predicted, weights))
            score.test_rows.append(split.test)
            score.metrics.append(all_metrics(task, truth, predicted, weights))
            score.chosen.append(predicted.chosen)
            score.repetitions.append(repetition)
        score.seconds += time.monotonic() - began
        scores.append(score)
    return scores


def _make_repetitions(
    task: Task, y: ndarray, splits: Sequence[Split], labels: LabelBudget | None, draws: Sequence[int]
) -> list[Repetition]:
    """Return the repetitions of a measurement with a number of labels (None: all labels).

    With ``draws``, there is one repetition for each, which is the seed of a draw of few labels or of a resample of all
    labels. Without, there is one for each split.
    """
    repetitions = []
    seeds = list(draws) or [split.seed for split in splits]
    for number, seed in enumerate(seeds):
        split = splits[number % len(splits)]
        overlap = len(split.test) / len(split.train) if split.cross_validation else 0.0
        if labels:
            rows = draw_labels(y, split.train, labels, seed)
        else:
            rows = resample_labels(task, y, split.train, seed) if draws else split.train
        draw = seed if labels or draws else 0
        repetitions.append(Repetition(split.seed, split.number, draw, rows, bool(draws and not labels), overlap))
    return repetitions


def _candidates_and_labels(
    candidates: Sequence[Candidate], budgets: Sequence[LabelBudget]
) -> Iterator[tuple[Candidate, LabelBudget | None]]:
    for candidate in candidates:
        yield candidate, None
        if candidate.few_labels:
            yield from ((candidate, labels) for labels in budgets)
