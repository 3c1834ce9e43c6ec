"""Evaluate one pre-trained model on labelled rows, beside the plain baselines."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch

from contramix.evaluation.comparison import BASELINES, Records, on_probes, plain_baselines, records
from contramix.evaluation.metrics import find_metric
from contramix.evaluation.protocol import Contestant, Score, Split, compare, splits
from contramix.evaluation.task import Kind, Task
from contramix.evaluation.verdict import Verdict, judge
from contramix.pretrained import Pretrained, embed

PROBES = ("linear", "knn")


class Evaluation(NamedTuple):
    """Scores of all contestants, and what they say."""

    task: Task
    metric: str
    scores: list[Score]
    verdicts: list[Verdict]
    """Most helpful recipe first."""
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
    metric: str | None = None,
    probes: Sequence[str] = PROBES,
    baselines: Sequence[str] = tuple(BASELINES),
    pick_on_test: bool = False,
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
    metric
        What the verdict is given on; None: accuracy, or R squared.
    probes, baselines
        Which ones, by name.
    pick_on_test
        Let probes choose by the test rows, for parity with published protocols.
    where, where_test
        What error messages call the rows.
    told
        Gets a line for each cell, for progress.

    Raises
    ------
    InputError
        If the target is not there, has missing values, or was an input of pre-training.
    """
    data = records(model.spec, table, target, test=test, kind=task, where=where, where_test=where_test)
    z = embed(model.encoder, data.x)
    name = f"{model.recipe.name} (recipe)" if model.recipe.name in BASELINES else model.recipe.name
    device = next((p.device for p in model.encoder.parameters()), torch.device("cpu"))
    wanted = [b for b in baselines if b != "untrained" or not model.facts.get("own_encoder")]
    seconds = float(model.facts.get("seconds", 0.0))
    contestants = [
        *plain_baselines(data, model.recipe, wanted, probes, device),
        *on_probes(name, "pretrained", lambda problem: z, probes, seconds),
    ]
    return contest(
        data,
        contestants,
        [name],
        notes=model.unknown(table, (target,)),
        labels_per_class=labels_per_class,
        seeds=seeds,
        metric=metric,
        pick_on_test=pick_on_test,
        told=told,
    )


def contest(
    data: Records,
    contestants: Sequence[Contestant],
    recipes: Sequence[str],
    *,
    labels_per_class: Sequence[int],
    seeds: int,
    metric: str | None,
    few_label_draws: Sequence[int] = (),
    pick_on_test: bool = False,
    notes: Sequence[str] = (),
    told: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Score all contestants on the same parts and labels, and judge the recipes among them."""
    told_of, budgets = list(notes), tuple(labels_per_class)
    if data.official_test is None:
        told_of.append("a fifth of the rows is held out for each seed; where pre-training saw them, it saw no label")
    if data.task.kind == "regression" and budgets:
        told_of.append("labels per class are for classes; this target is a quantity, so all labels are used")
        budgets = ()
    parts = splits(data.task, data.y, range(seeds), data.official_test)
    if budgets:
        told_of += _short_classes(data.task, data.y, parts, budgets)
    name = find_metric(data.task, metric)
    scores = compare(
        data.task,
        data.y,
        contestants,
        parts,
        budgets,
        metric=name,
        few_label_draws=few_label_draws,
        pick_on_test=pick_on_test,
        told=told,
    )
    return Evaluation(data.task, name, scores, judge(scores, recipes), tuple(told_of))


def _short_classes(task: Task, y: np.ndarray, parts: list[Split], budgets: Sequence[int]) -> list[str]:
    """A note where classes have fewer training rows than a few-label budget asks for."""
    counts = np.bincount(y[parts[0].train], minlength=len(task.classes))
    short = [task.classes[n] for n in np.flatnonzero(counts < max(budgets))]
    if not short:
        return []
    named = ", ".join(map(repr, short[:5]))
    return [f"{max(budgets)} labels a class are asked for; of {named} there are fewer training rows, so all are used"]
