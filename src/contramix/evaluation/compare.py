"""Compare several recipes on one data set under one protocol: each pre-trained for each seed, and probed alike."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float32
from numpy import ndarray

from contramix.encoders.encoder import Encoder
from contramix.evaluation.candidates import BASELINES, plain_baselines, probe_candidates
from contramix.evaluation.evaluate import PROBES, Evaluation, reference_for, rules, run_comparison
from contramix.evaluation.features import frozen_features
from contramix.evaluation.problem import PredictionProblem
from contramix.evaluation.protocol import RowKind
from contramix.evaluation.trained_baselines import fine_tuned, gaussian_recipe, supervised
from contramix.models.labeled_records import prepare_labeled_records
from contramix.models.pretrained import Pretrained
from contramix.models.pretraining import learn_spec, resolve_device
from contramix.models.task import Kind
from contramix.monitoring.alarms import advice_from_log
from contramix.recipe import Recipe
from contramix.runs.log import read_log
from contramix.runs.pretrain import RunOptions, pretrain_into
from contramix.runs.source import MemorySource
from contramix.training.reporter import SILENT, Reporter, StepsOnly

RECIPES = ("dacl-plus", "imix-npair")
"""Compared by default."""


def compare_recipes(
    out: Path,
    table: pa.Table,
    target: str,
    recipes: Sequence[Recipe],
    *,
    test: pa.Table | None = None,
    also: pa.Table | None = None,
    labels_per_class: Sequence[int] = (20,),
    seeds: int = 3,
    task: Kind | None = None,
    metric: str | None = None,
    probes: Sequence[str] = PROBES,
    baselines: Sequence[str] = tuple(BASELINES),
    pick_on_test: bool = False,
    device: str = "auto",
    command: str = "",
    where: str = "data",
    where_test: str = "test data",
    reporter: Reporter = SILENT,
) -> Evaluation:
    """Pre-train each recipe for each seed, and compare them with the plain baselines.

    Parameters
    ----------
    out
        Where the run folders go, ``<recipe>/seed<n>``; finished ones are taken as they are.
    table, target, test
        Rows to pre-train on and to take labels from, the column to predict, and official test rows, which
        pre-training does not see.
    also
        Further rows whose column statistics are learned too (a transductive protocol).
    recipes
        What to compare. Untrained encoders and widths are those of the last.
    reporter
        Receives the progress of pre-training and probing.

    See :func:`contramix.evaluation.evaluate.evaluate` for the rest.
    """
    main = recipes[-1]
    place = resolve_device(device)
    spec, notes = learn_spec(table, main, target, also)
    data = prepare_labeled_records(spec, table, target, test=test, kind=task, where=where, where_test=where_test)
    by = rules(data, labels_per_class, seeds, metric)
    names = [recipe.name for recipe in recipes]
    wanted = {*baselines, reference_for(probes[0])} - set(names)
    candidates = plain_baselines(data, main, wanted, probes, place)
    if "gaussian" in wanted:
        recipes = [gaussian_recipe(main), *recipes]
    if "supervised" in wanted:
        candidates.append(supervised(main, data, place))
    models: dict[tuple[str, int], Pretrained] = {}

    @lru_cache(maxsize=seeds)  # one recipe's at a time: many recipes' features of many rows do not fit
    def features(name: str, seed: int) -> Float32[ndarray, " n d"]:
        model = models[name, seed]
        same = model.spec == spec
        x = data.x if same else prepare_labeled_records(model.spec, table, target, test=test, kind=task).x
        return frozen_features(model.encoder, x, out)

    for number, recipe in enumerate(recipes):
        name = recipe.name
        for seed in range(seeds):
            run = f"{name}, seed {seed} (run {number * seeds + seed + 1} of {len(recipes) * seeds})"
            reporter.progress(f"{run}: pre-training")
            outcome = pretrain_into(
                out / name / f"seed{seed}",
                MemorySource(table, target, also),
                recipe,
                seed=seed,
                device=device,
                options=RunOptions(command=command),
                reporter=StepsOnly(reporter, run),
            )
            models[name, seed] = outcome.model
        kind: RowKind = "pretrained" if name in names else "baseline"
        seconds = float(np.mean([models[name, seed].facts["seconds"] for seed in range(seeds)]))

        def of_split(problem: PredictionProblem, name: str = name) -> Float32[ndarray, " n d"]:
            return features(name, problem.split)

        def encoder_of(split: int, name: str = name) -> Encoder:
            return models[name, split].encoder

        candidates += probe_candidates(name, kind, of_split, probes, seconds)
        if "finetune" in probes:
            candidates.append(fine_tuned(name, kind, encoder_of, data, place, seconds))
    heard = [
        f"{name}: {said}"
        for name in names
        for said in advice_from_log(read_log(out / name / "seed0"), models[name, 0].facts.get("alarms", ()))
    ]
    return run_comparison(
        data, by, candidates, names, probes[0], pick_on_test=pick_on_test, notes=notes, heard=heard, reporter=reporter
    )
