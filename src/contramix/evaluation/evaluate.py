"""Evaluate one pre-trained model on labelled rows, beside the plain baselines."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch

from contramix.errors import InputError, nearest
from contramix.evaluation.baselines import raw_features, untrained_encoder
from contramix.evaluation.protocol import Features, Score, Split, compare, splits
from contramix.evaluation.task import Kind, Task, find_task
from contramix.evaluation.verdict import Verdict, judge
from contramix.pretrained import Pretrained, embed

PLAIN = {"raw": "raw features", "untrained": "no training", "boosting": "gradient boosting"}


class Evaluation(NamedTuple):
    """Scores of all rows, and what they say."""

    task: Task
    scores: list[Score]
    verdict: Verdict
    notes: tuple[str, ...]


def evaluate(
    model: Pretrained,
    table: pa.Table,
    target: str,
    *,
    test: pa.Table | None = None,
    labels_per_class: Sequence[int] = (20,),
    seeds: int = 3,
    task: Kind | None = None,
    where: str = "data",
    where_test: str = "test data",
    told: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Probe a model's representations and the baselines' features on the same rows and labels.

    Parameters
    ----------
    model
        What to evaluate.
    table, test
        Labelled rows, and official test rows; without them a fifth of the rows is held out, drawn for each seed.
    target
        The column to predict.
    labels_per_class
        Few-label budgets to try besides all labels; classification only.
    seeds
        How many splits, label draws and untrained encoders.
    task
        ``"classification"`` or ``"regression"``; None: found out.
    where, where_test
        What error messages call the rows.
    told
        Gets a line for each cell, for progress.

    Raises
    ------
    InputError
        If the target is not there, has missing values, or was an input of pre-training.
    """
    values = _target(table, target, where)
    if target in {c.name for c in model.spec.columns}:
        raise InputError(
            f"target {target!r} was among the inputs of pre-training, so the representations hold the answer; "
            f"pre-train again with --target {target}"
        )
    found = find_task(target, values, where, task)
    y = found.encode(values, where)
    x = _rows(model, table, where)
    notes = list(model.unknown(table, (target,)))
    official = None
    if test is not None:
        y = np.concatenate([y, found.encode(_target(test, target, where_test), where_test)])
        official = np.arange(len(x), len(y))
        x = torch.cat([x, _rows(model, test, where_test)])
    else:
        notes.append("a fifth of the rows is held out for each seed; where pre-training saw them, it saw no label")
    budgets = tuple(labels_per_class)
    if found.kind == "regression" and budgets:
        notes.append("labels per class are for classes; this target is a quantity, so all labels are used")
        budgets = ()
    z = embed(model.encoder, x)
    device = next((p.device for p in model.encoder.parameters()), torch.device("cpu"))
    raw = raw_features(model.spec, x)

    @cache
    def untrained(seed: int) -> np.ndarray:
        return embed(untrained_encoder(model.recipe, model.spec, seed).to(device), x)

    name = model.recipe.name
    if name in PLAIN:
        name = f"{name} (recipe)"
    rows = [
        Features("raw", "baseline", lambda seed: raw),
        Features("boosting", "baseline", lambda seed: raw, ("boosting",), ("boosting",)),
        Features(name, "pretrained", lambda seed: z, seconds=float(model.facts.get("seconds", 0.0))),
    ]
    if not model.facts.get("own_encoder"):
        rows.insert(1, Features("untrained", "baseline", untrained))
    parts = splits(found, y, range(seeds), official)
    if budgets:
        notes += _short_classes(found, y, parts, budgets)
    scores = compare(found, y, rows, parts, budgets, told=told)
    return Evaluation(found, scores, judge(scores, name), tuple(notes))


def _target(table: pa.Table, target: str, where: str) -> pa.Array:
    if target not in table.column_names:
        raise InputError(f"{where}: there is no column {target!r} to predict; {nearest(target, table.column_names)}")
    return table.column(target).combine_chunks()


def _rows(model: Pretrained, table: pa.Table, where: str) -> torch.Tensor:
    try:
        return model.spec.tensorize(table)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _short_classes(task: Task, y: np.ndarray, parts: list[Split], budgets: Sequence[int]) -> list[str]:
    """A note where classes have fewer training rows than a few-label budget asks for."""
    counts = np.bincount(y[parts[0].train], minlength=len(task.classes))
    short = [task.classes[n] for n in np.flatnonzero(counts < max(budgets))]
    if not short:
        return []
    named = ", ".join(map(repr, short[:5]))
    return [f"{max(budgets)} labels a class are asked for; of {named} there are fewer training rows, so all are used"]
