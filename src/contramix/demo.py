"""The seed experiment: i-Mix and DACL on real CovType rows, with the plain baselines beside them."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from contramix.datasets import COVTYPE
from contramix.domains.table.reading import read
from contramix.evaluation.baselines import raw_features, untrained_encoder
from contramix.evaluation.evaluate import Evaluation
from contramix.evaluation.protocol import Features, compare, splits
from contramix.evaluation.task import find_task
from contramix.evaluation.verdict import judge
from contramix.fitting import learn_columns
from contramix.pretrained import embed
from contramix.progress import Titled
from contramix.recipe import Recipe
from contramix.runs import pretrain_into

TARGET = "cover_type"
RECIPES = ("gaussian", "dacl", "dacl-plus", "npair", "imix-npair")
EPOCHS, BATCH = 20, 512
LABELS_PER_CLASS, LABEL_DRAWS = 20, 5
PLAIN = {"raw": "raw features", "untrained": "no pre-training", "trees": "ExtraTrees"}


def run_demo(
    out: Path,
    *,
    epochs: int = EPOCHS,
    seeds: int = 1,
    device: str = "auto",
    recipes: Sequence[str] = RECIPES,
    command: str = "contramix demo",
    watch: Callable[[str], Titled] | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Pre-train each recipe for the same number of epochs on the 15,120 official rows, and compare.

    Parameters
    ----------
    out
        Where the run folders go, ``<recipe>/seed<n>``; finished ones are taken as they are.
    epochs, seeds, device
        How long, how many times, and where.
    recipes, command
        What to compare, and what to write down as the call.
    watch, told
        Show the progress of pre-training, and of probing.
    """
    train, test = (read(COVTYPE / f"{part}.parquet").table for part in ("train", "test"))
    task = find_task(TARGET, train.column(TARGET).combine_chunks(), "CovType")
    y = np.concatenate([task.encode(t.column(TARGET).combine_chunks(), "CovType") for t in (train, test)])
    both = pa.concat_tables([train, test])
    base = Recipe.load("npair")
    spec, _ = learn_columns(train, base, TARGET)
    x = spec.tensorize(both)
    raw = raw_features(spec, x)

    rows = [
        Features("raw", "baseline", lambda seed: raw),
        Features("trees", "baseline", lambda seed: raw, ("trees",), ("trees",)),
        Features("untrained", "baseline", cache(lambda seed: embed(untrained_encoder(base, spec, seed), x))),
    ]
    for name in recipes:
        recipe = Recipe.load(name, {"train.epochs": epochs, "train.batch_size": BATCH})
        seconds = []
        features: dict[int, np.ndarray] = {}
        for seed in range(seeds):
            told(f"{name}: pre-training, seed {seed}")
            outcome = pretrain_into(
                out / name / f"seed{seed}",
                train,
                recipe,
                target=TARGET,
                seed=seed,
                device=device,
                watch=watch(f"{name} {seed}" if seeds > 1 else name) if watch else None,
                command=command,
            )
            features[seed] = outcome.model.embed(both)
            seconds.append(float(outcome.model.facts["seconds"]))
        rows.append(Features(name, "pretrained", features.__getitem__, seconds=float(np.mean(seconds))))
    parts = splits(task, y, range(seeds), np.arange(train.num_rows, len(y)))
    scores = compare(task, y, rows, parts, (LABELS_PER_CLASS,), range(max(LABEL_DRAWS, seeds)), told)
    main = "imix-npair" if "imix-npair" in recipes else recipes[-1]
    return Evaluation(task, scores, judge(scores, main), ())
