"""The protocol: same splits, same labels, same seeds for every candidate. Test rows choose nothing."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray
from scipy import stats
from sklearn.model_selection import train_test_split

from contramix.errors import InputError
from contramix.evaluation.metrics import METRICS, all_metrics
from contramix.evaluation.probes import Probe
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.models.labeled_records import draw_labels
from contramix.models.task import Task
from contramix.training.reporter import SILENT, Reporter

TEST_SHARE = 0.2
CONFIDENCE = 0.95

RowKind = Literal["baseline", "pretrained"]


class Split(NamedTuple):
    """Row numbers of one seed's training and test part."""

    seed: int
    train: ndarray
    test: ndarray


@dataclass
class Candidate:
    """One line of the comparison: a name, a probe, and how it predicts.

    Parameters
    ----------
    name, kind, probe
        What it is called: ``imix-npair``, ``pretrained``, ``linear``.
    predict
        From training rows and their labels to predictions of test rows.
    few_labels
        Whether it is tried with few labels too.
    seconds
        What it took to make its features, pre-training included.
    """

    name: str
    kind: RowKind
    probe: str
    predict: Callable[[PredictionProblem], Predictions]
    few_labels: bool = True
    seconds: float = 0.0


def probe_candidate(
    name: str,
    kind: RowKind,
    features: Callable[[PredictionProblem], Float32[ndarray, " n d"]],
    probe: str,
    predict: Probe,
    few_labels: bool = True,
    seconds: float = 0.0,
) -> Candidate:
    """A candidate that is a probe on features of all records, which may depend on the split."""
    return Candidate(name, kind, probe, lambda problem: predict(problem, features(problem)), few_labels, seconds)


@dataclass
class Score:
    """One cell: what each test row added to the score, a line for each seed or draw of labels."""

    name: str
    kind: RowKind
    probe: str
    labels_per_class: int | None
    per_row_scores: list[Float64[ndarray, " n"]] = field(default_factory=list)
    test_rows: list[ndarray] = field(default_factory=list)
    """Which rows they are."""
    metrics: list[dict[str, float]] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def each(self) -> Float64[ndarray, " seeds"]:
        """A score a seed."""
        return np.array([c.mean() for c in self.per_row_scores])

    @property
    def mean(self) -> float:
        """Over seeds."""
        return float(self.each.mean())

    @property
    def spread(self) -> float | None:
        """The standard deviation over seeds; None for one seed."""
        return float(self.each.std(ddof=1)) if len(self.per_row_scores) > 1 else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The mean's 95 % t interval over seeds; None for one seed."""
        if self.spread is None:
            return None
        n = len(self.per_row_scores)
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * self.spread / np.sqrt(n))
        return self.mean - half, self.mean + half

    @property
    def mean_metrics(self) -> dict[str, float]:
        """Every metric, over seeds."""
        return {name: float(np.mean([m[name] for m in self.metrics])) for name in (self.metrics or [{}])[0]}


def splits(task: Task, y: ndarray, seeds: Sequence[int], official_test: ndarray | None) -> list[Split]:
    """A fixed test part where the data have one; else a fifth of the rows, drawn for each seed.

    Raises
    ------
    InputError
        If there are too few rows to split, or a part has no score.
    """
    rows = np.arange(len(y))
    if official_test is not None:
        made = [Split(seed, np.setdiff1d(rows, official_test), official_test) for seed in seeds]
        _check_part(task, y, made[0])
        return made
    if len(y) < 10:
        raise InputError(f"{len(y)} rows are too few to hold some out for a test; give at least 10, or --test FILE")
    stratify = None
    if task.kind == "classification":
        counts = np.bincount(y)
        stratify = y if counts.min() >= 2 and round(TEST_SHARE * len(y)) >= len(counts) else None
    made = []
    for seed in seeds:
        train, test = train_test_split(rows, test_size=TEST_SHARE, random_state=seed, stratify=stratify)
        made.append(Split(seed, np.sort(train), np.sort(test)))
        _check_part(task, y, made[-1])
    return made


def _check_part(task: Task, y: ndarray, part: Split) -> None:
    """Refuse parts on which nothing can be learned, or no score is defined."""
    if len(part.test) < 2:
        raise InputError(f"the test part has {len(part.test)} row; give at least 2, to tell how sure a score is")
    if task.kind == "regression" and np.ptp(y[part.test]) == 0:
        raise InputError(
            f"target {task.target!r} has one value only ({y[part.test][0]:g}) in the test part, so that R squared is "
            "not defined; give more rows, or a --test FILE with different values"
        )
    if task.kind == "classification" and len(np.unique(y[part.train])) < 2:
        raise InputError(
            f"target {task.target!r} has one class only in the training part; give more rows of the rare classes, or "
            "a --test FILE"
        )


def compare(
    task: Task,
    y: ndarray,
    candidates: Sequence[Candidate],
    parts: Sequence[Split],
    labels_per_class: Sequence[int] = (),
    *,
    metric: str,
    few_label_draws: Sequence[int] = (),
    pick_on_test: bool = False,
    reporter: Reporter = SILENT,
) -> list[Score]:
    """Score every candidate with all labels and with few.

    Parameters
    ----------
    task, y
        What to predict, for all records.
    candidates
        What to compare.
    parts
        A training and a test part a seed.
    labels_per_class
        Numbers of labels a class to try besides all of them.
    metric
        A name of ``METRICS`` that is a mean over rows.
    few_label_draws
        Seeds of label draws; the parts take turns.
    pick_on_test
        Let probes choose their settings by the test rows, as published protocols do. Their names then say so.
    reporter
        Receives a progress text for each candidate and number of labels.
    """
    rows_of = METRICS[metric].rows
    if rows_of is None:
        raise ValueError(f"{metric} is not a mean over rows")
    draws = list(few_label_draws) or [part.seed for part in parts]
    scores = []
    for candidate, labels in _cells(candidates, labels_per_class):
        reporter.progress(f"{candidate.name}: {candidate.probe}" + (f", {labels} labels a class" if labels else ""))
        probe = candidate.probe
        score = Score(candidate.name, candidate.kind, probe, labels, seconds=candidate.seconds)
        began = time.monotonic()
        for number, seed in enumerate(draws if labels else [part.seed for part in parts]):
            part = parts[number % len(parts)]
            used = draw_labels(y, part.train, labels, seed) if labels else part.train
            truth = y[part.test]
            problem = PredictionProblem(
                task, used, y[used], part.test, seed, part.seed, truth if pick_on_test else None
            )
            predicted = candidate.predict(problem)
            score.per_row_scores.append(rows_of(task, truth, predicted))
            score.test_rows.append(part.test)
            score.metrics.append(all_metrics(task, truth, predicted))
            score.chosen.append(predicted.chosen)
        score.seconds += time.monotonic() - began
        scores.append(score)
    return scores


def _cells(candidates: Sequence[Candidate], labels_per_class: Sequence[int]) -> Iterator[tuple[Candidate, int | None]]:
    for candidate in candidates:
        yield candidate, None
        if candidate.few_labels:
            yield from ((candidate, labels) for labels in labels_per_class)
