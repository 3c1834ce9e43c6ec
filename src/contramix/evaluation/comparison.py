"""Who takes part in a comparison: pre-trained models, and the plain baselines that they have to beat."""

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float32
from numpy import ndarray

from contramix.domains import DOMAINS, Spec
from contramix.errors import InputError, nearest
from contramix.evaluation.baselines import ENSEMBLES, pca, raw_features, untrained_encoder
from contramix.evaluation.features import frozen
from contramix.evaluation.plain import PLAIN, Whole
from contramix.evaluation.probes import PROBES
from contramix.evaluation.problem import Problem
from contramix.evaluation.protocol import Contestant, RowKind, on_features
from contramix.evaluation.task import Kind, Task, find_task
from contramix.recipe import Recipe
from contramix.samples import Samples, joined, take

BASELINES = {
    "raw": "the columns as the encoder sees them",
    "pca": "their leading principal components, as many as the encoder is wide",
    "untrained": "the same encoder with its first weights",
    "trees": "extremely randomised trees on the columns",
    "boosting": "histogram gradient boosting on the columns",
    "tfidf": "TF-IDF of words and pairs of words, and a linear model",
    "wl": "Weisfeiler-Lehman colours of graphs, and a linear model",
    "rocket": "random convolutional kernels of series, and a ridge model",
    "gaussian": "the same encoder pre-trained with Gaussian noise instead",
    "supervised": "the same network trained on the labels alone",
}
"""Baselines by name, and what they are."""


class Records(NamedTuple):
    """Labelled records, ready to be compared on."""

    task: Task
    spec: Spec
    x: Samples
    y: ndarray
    official_test: ndarray | None
    """Row numbers of the official test part, if there is one."""
    content: pa.ChunkedArray | None = None
    """The column that is the input, as it was read, where the domain has one; rows as in ``x``."""

    @property
    def training(self) -> Samples:
        """All samples but those of the official test part, which stand last."""
        rows = len(self.x) - (0 if self.official_test is None else len(self.official_test))
        return self.x if rows == len(self.x) else take(self.x, torch.arange(rows))


def records(
    spec: Spec,
    table: pa.Table,
    target: str,
    *,
    test: pa.Table | None = None,
    kind: Kind | None = None,
    where: str = "data",
    where_test: str = "test data",
) -> Records:
    """Bring a table with its target column, and official test rows if given, into one form.

    Raises
    ------
    InputError
        If the target is not there, has missing values, or was an input of pre-training.
    """
    values = _target(table, target, where)
    if any(target in names for names in spec.kinds.values()):
        if sum(len(names) for names in spec.kinds.values()) == 1:
            raise InputError(f"target {target!r} is the input itself; name a column of labels")
        raise InputError(
            f"target {target!r} was among the inputs of pre-training, so the representations hold the answer; "
            f"pre-train again with --target {target}"
        )
    task = find_task(target, values, where, kind)
    y, x = task.encode(values, where), _rows(spec, table, where)
    name = DOMAINS[spec.domain].content
    content = None if name is None else table.column(name)
    if test is None:
        return Records(task, spec, x, y, None, content)
    y_test, x_test = task.encode(_target(test, target, where_test), where_test), _rows(spec, test, where_test)
    official = np.arange(len(x), len(x) + len(x_test))
    if content is not None:
        content = pa.chunked_array([*content.chunks, *test.column(name).chunks], content.type)
    return Records(task, spec, joined(x, x_test), np.concatenate([y, y_test]), official, content)


def _target(table: pa.Table, target: str, where: str) -> pa.Array:
    if target not in table.column_names:
        raise InputError(f"{where}: there is no column {target!r} to predict; {nearest(target, table.column_names)}")
    return table.column(target).combine_chunks()


def _rows(spec: Spec, table: pa.Table, where: str) -> Samples:
    try:
        return spec.tensorize(table)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def plain_baselines(
    data: Records, recipe: Recipe, names: Collection[str], probes: Sequence[str], device: torch.device
) -> list[Contestant]:
    """The baselines asked for that train no network, in the order of ``BASELINES``."""
    raw = raw_features(data.spec, data.x)

    @cache
    def untrained(seed: int) -> Float32[ndarray, " n d"]:
        return frozen(untrained_encoder(recipe, data.spec, seed).to(device), data.x)

    width = untrained_encoder(recipe, data.spec, 0).width

    components: dict[int, Float32[ndarray, " n d"]] = {}

    def principal(problem: Problem) -> Float32[ndarray, " n d"]:
        if problem.split not in components:  # learned from all training rows of the split, labelled or not
            train = np.setdiff1d(np.arange(len(raw)), problem.test)
            components[problem.split] = pca(raw, train, width)
        return components[problem.split]

    made: list[Contestant] = []
    for name in (n for n in BASELINES if n in names):
        if name in PLAIN:
            made.append(Contestant(name, "baseline", name, PLAIN[name](Whole(data.spec, data.content, data.x))))
        elif name in ENSEMBLES:
            made.append(on_features(name, "baseline", lambda problem: raw, name, ENSEMBLES[name]))
        elif name == "raw":
            made += on_probes(name, "baseline", lambda problem: raw, probes)
        elif name == "pca":
            made += on_probes(name, "baseline", principal, probes)
        elif name == "untrained":
            made += on_probes(name, "baseline", lambda problem: untrained(problem.split), probes)
    return made


def on_probes(
    name: str, kind: RowKind, features: Callable[[Problem], ndarray], probes: Sequence[str], seconds: float = 0.0
) -> list[Contestant]:
    """One contestant for each probe of the same features; kNN is tried with all labels only."""
    return [
        on_features(name, kind, features, probe, PROBES[probe], probe != "knn", seconds)
        for probe in probes
        if probe in PROBES
    ]
