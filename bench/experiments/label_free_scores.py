"""Measure whether scores without labels rank settings as a probe with labels does; results in experiments.jsonl.

python -m bench.experiments.label_free_scores      # about ten minutes on one core

Trains 19 settings of N-pair with i-Mix for 300 steps each, one seed, on the CovType rows of the package. Each setting
differs from the base in one place. Prints Spearman's correlation of RankMe and of uniformity with the score by which
``contramix tune`` searches.
"""

import time
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr

from bench import result_lines
from contramix.datasets import COVTYPE
from contramix.io.tables.reading import read
from contramix.monitoring import representation_measures
from contramix.recipe import Recipe
from contramix.training.reporter import SILENT
from contramix.tuning.scorers import LabeledScorer
from contramix.tuning.trainer import Trainer

SUITE = "label-free-scores"
BASE = {"noise.kind": "drop", "noise.rate": 0.2, "method.temperature": 0.1, "encoder.width": 256}
MARGINAL = {"noise.kind": "marginal", "noise.views": "both"}
SETTINGS: list[dict[str, Any]] = [
    {},
    {"noise.rate": 0.4},
    *({**MARGINAL, "noise.rate": rate} for rate in (0.3, 0.6)),
    *({"noise.kind": "gaussian", "noise.std": std} for std in (0.1, 0.5)),
    *({"noise.kind": "mixup", "noise.alpha": alpha} for alpha in (0.5, 0.9)),
    *({"imix.alpha": alpha} for alpha in (0.3, 8.0)),
    {"imix.fold": False},
    *({"imix.cut": [cut]} for cut in ("layer2", "layer4")),
    *({"method.temperature": temperature} for temperature in (0.05, 0.2, 0.5, 1.0)),
    *({"encoder.width": width} for width in (128, 512)),
]
SUBSETS = {
    "all": (),
    "same temperature and width": ("method.", "encoder."),
    "same temperature, width and cut": ("method.", "encoder.", "imix.cut"),
}


def main() -> None:
    torch.set_num_threads(1)
    table = read(COVTYPE / "train.parquet").table
    base = Recipe.load("imix-npair", BASE)
    scorer = LabeledScorer(table, "cover_type", 20)
    trainer = Trainer(table, base, "cover_type", scorer, seed=0, steps=300, device="cpu")
    lines = result_lines.read(SUITE)
    ids = {"line": "run", "suite": SUITE, "block": "covtype", "row": "imix-npair", "seed": 0}
    for settings in SETTINGS:
        if settings in [line["changes"] for line in lines]:
            continue
        found: dict[str, float] = {}

        def score_and_record(split: Any, features: Any, found: dict[str, float] = found) -> np.ndarray:
            z = torch.from_numpy(features(split.held))
            unit = torch.nn.functional.normalize(z, dim=1)[:1000]
            found |= {
                "rankme": representation_measures.rankme(z),
                "uniformity": -representation_measures.uniformity(unit),
            }
            return scorer(split, features)

        score_and_record.split = scorer.split  # type: ignore[attr-defined]
        trainer.scorer = score_and_record  # type: ignore[assignment]
        began = time.monotonic()
        labels = float(trainer.score(Recipe.load(base, settings), 0, "trial", SILENT).mean())
        seconds = round(time.monotonic() - began, 1)
        lines.append({**ids, "changes": settings, "scores": {"labels": labels, **found}, "seconds": seconds})
        result_lines.append(SUITE, lines[-1])
    for title, others in SUBSETS.items():
        subset = [line for line in lines if not any(key.startswith(others) for key in line["changes"] if others)]
        label_scores = [line["scores"]["labels"] for line in subset]
        shown = ", ".join(
            f"{name} {spearmanr(label_scores, [line['scores'][name] for line in subset])[0]:.2f}"
            for name in ("rankme", "uniformity")
        )
        print(f"{title} ({len(subset)}): {shown}")


if __name__ == "__main__":
    main()
