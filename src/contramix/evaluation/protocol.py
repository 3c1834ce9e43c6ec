"""The protocol: same splits, same labels, same seeds for every row of the table. Test rows choose nothing."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64
from numpy import ndarray
from sklearn.model_selection import train_test_split

from contramix.errors import InputError
from contramix.evaluation.baselines import ENSEMBLES
from contramix.evaluation.probes import PROBES
from contramix.evaluation.task import Task

TEST_SHARE = 0.2


class Split(NamedTuple):
    """Row numbers of one seed's training and test part."""

    seed: int
    train: ndarray
    test: ndarray


@dataclass
class Features:
    """One row of the comparison: features of all records, for each seed, and which probes look at them."""

    name: str
    kind: str
    of_seed: Callable[[int], Float32[ndarray, " n d"]]
    probes: Sequence[str] = tuple(PROBES)
    labels_per_class_probes: Sequence[str] = ("linear",)
    seconds: float = 0.0
    """What it took to make them, pre-training included."""


@dataclass
class Score:
    """One cell: what each test row added to the score, a line for each seed."""

    name: str
    kind: str
    probe: str
    labels_per_class: int | None
    contributions: list[Float64[ndarray, " n"]] = field(default_factory=list)
    test_rows: list[ndarray] = field(default_factory=list)
    """Which rows they are."""
    seconds: float = 0.0

    @property
    def each(self) -> Float64[ndarray, " seeds"]:
        """A score a seed."""
        return np.array([c.mean() for c in self.contributions])

    @property
    def mean(self) -> float:
        """Over seeds."""
        return float(self.each.mean())

    @property
    def spread(self) -> float | None:
        """The standard deviation over seeds; None for one seed."""
        return float(self.each.std(ddof=1)) if len(self.contributions) > 1 else None


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


def draw_labels(y: ndarray, rows: ndarray, per_class: int, seed: int) -> ndarray:
    """``per_class`` training rows of each class, or all of a class that has fewer."""
    generator = np.random.default_rng([seed, per_class])
    chosen = [generator.permutation(rows[y[rows] == label])[:per_class] for label in np.unique(y[rows])]
    return np.sort(np.concatenate(chosen))


def compare(
    task: Task,
    y: ndarray,
    rows: Sequence[Features],
    parts: Sequence[Split],
    labels_per_class: Sequence[int] = (),
    few_label_draws: Sequence[int] = (),
    told: Callable[[str], None] = lambda _: None,
) -> list[Score]:
    """Score every row of the comparison under every probe and number of labels.

    Parameters
    ----------
    task, y
        What to predict, for all records.
    rows
        Features to compare.
    parts
        A training and a test part a seed.
    labels_per_class
        Numbers of labels a class to try besides all of them.
    few_label_draws
        Seeds of label draws; the parts take turns.
    told
        Gets a line for each cell, for progress.
    """
    draws = list(few_label_draws) or [part.seed for part in parts]
    scores = []
    for features in rows:
        for probe, labels in _cells(features, labels_per_class):
            told(f"{features.name}: {probe}" + (f", {labels} labels a class" if labels else ""))
            score = Score(features.name, features.kind, probe, labels, seconds=features.seconds)
            began = time.monotonic()
            for number, seed in enumerate(draws if labels else [part.seed for part in parts]):
                part = parts[number % len(parts)]
                used = draw_labels(y, part.train, labels, seed) if labels else part.train
                z = features.of_seed(part.seed)
                predict = PROBES.get(probe) or ENSEMBLES[probe]
                predicted = predict(task, z[used], y[used], z[part.test], seed)
                score.contributions.append(task.contributions(y[part.test], predicted))
                score.test_rows.append(part.test)
            score.seconds += time.monotonic() - began
            scores.append(score)
    return scores


def _cells(features: Features, labels_per_class: Sequence[int]) -> Iterator[tuple[str, int | None]]:
    for probe in features.probes:
        yield probe, None
    for labels in labels_per_class:
        for probe in features.labels_per_class_probes:
            yield probe, labels
