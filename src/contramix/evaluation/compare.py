"""Pre-train several recipes on one data set, and compare them with baselines under the same protocol."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from contramix.encoders.encoder import Encoder
from contramix.evaluation.baselines import BASELINES, BaselineInputs, make_baselines, note_unavailable
from contramix.evaluation.candidates import RowKind, fine_tuning_candidate, probe_candidates
from contramix.evaluation.comparison import Evaluation, run_comparison
from contramix.evaluation.features import frozen_features
from contramix.evaluation.labeled_table import LabeledTable
from contramix.evaluation.problem import PredictionProblem
from contramix.evaluation.protocol import DEFAULT_PROTOCOL, Protocol
from contramix.models.pretrained import Pretrained
from contramix.models.pretraining import learn_spec, resolve_device
from contramix.monitoring.alarms import advice_from_log
from contramix.recipe import Recipe
from contramix.runs.log import read_log
from contramix.runs.pretrain import RunOptions, pretrain_into
from contramix.runs.source import MemorySource
from contramix.training.reporter import SILENT, Reporter, StepsOnly

RECIPES = ("dacl-plus", "imix-npair")
"""Names of the recipes that are compared by default."""


def compare_recipes(
    out: Path,
    data: LabeledTable,
    recipes: Sequence[Recipe],
    protocol: Protocol = DEFAULT_PROTOCOL,
    *,
    device: str = "auto",
    command: str = "",
    reporter: Reporter = SILENT,
) -> Evaluation:
    """Pre-train each recipe once per seed, and compare the models with baselines on the same rows and labels.

    Parameters
    ----------
    out
        Folder in which each pre-training run has a folder ``<recipe>/seed<n>``. Finished runs in it are reused, and
        unfinished ones are resumed.
    data
        Rows with and without a target. The recipes are pre-trained on all of them without labels, and without the rows
        of an official test split.
    recipes
        Recipes to compare. Baselines that need an encoder use the one of the last recipe.
    protocol
        Rules of the comparison: seeds, numbers of labels, metric, probes and baselines.
    device
        Device to train on, such as ``"cuda"``; ``"auto"`` chooses one.
    command
        Command line as text, to record in the folder of each run.
    reporter
        Object that receives the progress of pre-training and scoring.

    Raises
    ------
    InputError
        If the data, a recipe or the folder cannot be used.
    """
    main, names = recipes[-1], [recipe.name for recipe in recipes]
    torch_device = resolve_device(device)
    spec, notes = learn_spec(data.table, main, data.target, data.extra_rows)
    records = data.encode(spec, protocol.task)
    plan = protocol.plan(records)
    seeds, probes = protocol.seeds, protocol.probes
    wanted = protocol.choose_baselines(main)
    baselines = [baseline for name, baseline in BASELINES.items() if name in wanted and name not in names]
    # A baseline with a recipe is pre-trained for each seed, as the recipes are.
    inputs = BaselineInputs(records, main, probes, torch_device, reporter=reporter)
    candidates = make_baselines(inputs, [baseline.name for baseline in baselines if baseline.recipe is None])
    recipes = [*(baseline.recipe(main) for baseline in baselines if baseline.recipe is not None), *recipes]
    models: dict[tuple[str, int], Pretrained] = {}

    @lru_cache(maxsize=seeds)  # one recipe at a time: the features of several recipes may not fit into memory
    def features(name: str, seed: int) -> Float32[ndarray, " n d"]:
        model = models[name, seed]
        x = records.x if model.spec == spec else data.encode(model.spec, protocol.task).x
        return frozen_features(model.encoder, x, out)

    for number, recipe in enumerate(recipes):
        name = recipe.name
        for seed in range(seeds):
            run = f"{name}, seed {seed} (run {number * seeds + seed + 1} of {len(recipes) * seeds})"
            reporter.progress(f"{run}: pre-training")
            outcome = pretrain_into(
                out / name / f"seed{seed}",
                MemorySource(data.table, data.target, data.extra_rows),
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
            return features(name, problem.encoder_seed)

        def encoder_of(seed: int, name: str = name) -> Encoder:
            return models[name, seed].encoder

        candidates += probe_candidates(name, kind, of_split, probes, seconds, inputs.vectors)
        if "finetune" in probes:
            candidates.append(fine_tuning_candidate(name, kind, encoder_of, records.x, torch_device, seconds))
    training_advice = [
        f"{name}: {sentence}"
        for name in names
        for sentence in advice_from_log(read_log(out / name / "seed0"), models[name, 0].facts.get("alarms", ()))
    ]
    return run_comparison(
        records,
        protocol,
        plan,
        candidates,
        names,
        notes=[*notes, *data.notes, *note_unavailable(inputs, [baseline.name for baseline in baselines])],
        training_advice=training_advice,
        reporter=reporter,
    )
