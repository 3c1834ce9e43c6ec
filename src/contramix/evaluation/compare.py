"""Compare several recipes on one data set under one protocol: each pre-trained for each seed, and probed alike."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from contramix.evaluation.comparison import BASELINES, on_probes, plain_baselines, records
from contramix.evaluation.evaluate import PROBES, Evaluation, contest
from contramix.evaluation.problem import Problem
from contramix.evaluation.task import Kind
from contramix.fitting import learn_columns, resolve_device
from contramix.progress import Titled
from contramix.recipe import Recipe
from contramix.runs import pretrain_into

RECIPES = ("gaussian", "dacl-plus", "imix-npair")


def compare_recipes(
    out: Path,
    table: pa.Table,
    target: str,
    recipes: Sequence[Recipe],
    *,
    test: pa.Table | None = None,
    labels_per_class: Sequence[int] = (20,),
    seeds: int = 3,
    few_label_draws: Sequence[int] = (),
    task: Kind | None = None,
    metric: str | None = None,
    probes: Sequence[str] = PROBES,
    baselines: Sequence[str] = tuple(BASELINES),
    pick_on_test: bool = False,
    device: str = "auto",
    command: str = "",
    where: str = "data",
    where_test: str = "test data",
    watch: Callable[[str], Titled] | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Pre-train each recipe for each seed, and compare them with the plain baselines.

    Parameters
    ----------
    out
        Where the run folders go, ``<recipe>/seed<n>``; finished ones are taken as they are.
    table, target, test
        Rows to pre-train on and to take labels from, the column to predict, and official test rows, which
        pre-training does not see.
    recipes
        What to compare. Untrained encoders and widths are those of the last.
    watch, told
        Show the progress of pre-training, and of probing.

    See :func:`contramix.evaluation.evaluate.evaluate` for the rest.
    """
    main = recipes[-1]
    place = resolve_device(device)
    spec, notes = learn_columns(table, main, target)
    data = records(spec, table, target, test=test, kind=task, where=where, where_test=where_test)
    contestants = plain_baselines(data, main, baselines, probes, place)
    for recipe in recipes:
        features: dict[int, np.ndarray] = {}
        seconds = []
        for seed in range(seeds):
            told(f"{recipe.name}: pre-training, seed {seed}")
            outcome = pretrain_into(
                out / recipe.name / f"seed{seed}",
                table,
                recipe,
                target=target,
                seed=seed,
                device=device,
                watch=watch(f"{recipe.name} {seed}" if seeds > 1 else recipe.name) if watch else None,
                command=command,
            )
            model = outcome.model
            features[seed] = np.concatenate([model.embed(part) for part in (table, test) if part is not None])
            seconds.append(float(model.facts["seconds"]))

        def of_split(problem: Problem, features: dict[int, np.ndarray] = features) -> np.ndarray:
            return features[problem.split]

        contestants += on_probes(recipe.name, "pretrained", of_split, probes, float(np.mean(seconds)))
    return contest(
        data,
        contestants,
        [recipe.name for recipe in recipes],
        labels_per_class=labels_per_class,
        seeds=seeds,
        few_label_draws=few_label_draws,
        metric=metric,
        pick_on_test=pick_on_test,
        notes=notes,
        told=told,
    )
