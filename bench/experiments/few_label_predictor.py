"""Compare the default few-label predictor with plain models on eight real tables.

python -m bench.experiments.few_label_predictor --data-dir DIR --held-out    # while settings are chosen
python -m bench.experiments.few_label_predictor --data-dir DIR               # final: on test rows; about an hour

Test rows are the official ones (at most 20,000), or 5,000 rows (at most a quarter), stratified. Encoders are
pre-trained on up to 20,000 of the other rows without labels. Labels are drawn 20 times, from these rows; draw n uses
the encoders of seed n modulo 3. With ``--held-out``, the test rows are set aside, and 5,000 of the other rows take
their place.

``predictor`` is what ``ContrastiveClassifier()`` and ``ContrastiveRegressor()`` learn by default; ``equal mean`` is the
mean of its parts without weights. The others use the columns only: linear models on standardized numbers, on normal
quantiles and on both, two forests, and two sizes of boosting. Scores are AUROC (for several classes the mean of one
class against the rest) or R squared; log loss and the calibration error are taken on test rows that are reweighted to
the class shares of the labeled rows. Each line of ``bench/results/experiments.jsonl`` holds one model's scores on one
table with one number of labels.
"""

import argparse
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pyarrow as pa
import torch
from numpy import ndarray
from sklearn.model_selection import train_test_split

from bench import result_lines
from bench.pages.few_label_tables import best_plain, difference
from contramix.errors import ContramixWarning
from contramix.evaluation.baselines.boosting import boosting
from contramix.evaluation.metrics import all_metrics, class_weights
from contramix.evaluation.problem import PredictionProblem
from contramix.io.tables.reading import read
from contramix.models.labeled_records import LabelBudget, draw_labels
from contramix.models.pretrained import Pretrained
from contramix.models.pretraining import Fit, learn_spec
from contramix.models.task import Predictions, Task, find_task
from contramix.predictors.blend import Blend, Part, fit_blend
from contramix.predictors.blend_model import compute_blocks
from contramix.predictors.few_labels import choose_parts, default_recipes, raw_specs
from contramix.predictors.labeled_rows import Targets
from contramix.recipe import Recipe

SUITE = "few-label-predictor"
UNLABELED, TEST, OFFICIAL_TEST, DRAWS, SEEDS = 20_000, 5_000, 20_000, 20, 3


class Table(NamedTuple):
    """Name the files of a table, its target, and the numbers of labels to try."""

    train: str
    target: str
    test: str | None = None
    budgets: tuple[LabelBudget, ...] = (LabelBudget(20), LabelBudget(100))


TABLES = {
    "covtype": Table("covtype/covtype.train15120.data.gz", "column_55", "covtype/covtype.test200000.data.gz"),
    "adult": Table("adult/adult.data.csv.gz", "column_15", "adult/adult.test.csv.gz"),
    "bank": Table("bank_marketing/bank-full.csv.gz", "y"),
    "credit": Table("credit_default/UCI_Credit_Card.csv.gz", "default.payment.next.month"),
    "california": Table(
        "california_housing/housing.csv.gz",
        "median_house_value",
        budgets=(LabelBudget(40, per_class=False), LabelBudget(200, per_class=False)),
    ),
    "shoppers": Table("online_shoppers/online_shoppers_intention.csv.gz", "Revenue"),
    "phoneme": Table("phoneme/phoneme.csv.gz", "column_6"),
    "higgs": Table("higgs_small/higgs_10984.csv.gz", "label"),
}


class Rows(NamedTuple):
    """Store the rows to pre-train on, followed by the test rows, with their encoded targets."""

    task: Task
    table: pa.Table
    y: ndarray
    train: ndarray
    test: ndarray


def read_rows(name: str, folder: Path, held_out: bool) -> Rows:
    """Read a table, and split it into rows to pre-train on and test rows."""
    table, target = read(folder / TABLES[name].train).table, TABLES[name].target
    rng = np.random.default_rng(0)
    if TABLES[name].test is None:
        train, test = _split(table, np.arange(table.num_rows), target)
    else:
        more = read(folder / str(TABLES[name].test)).table.rename_columns(table.column_names)
        if table[target].type == pa.large_string():  # the test labels of Adult end in a point
            labels = [label.rstrip(".") for label in more[target].to_pylist()]
            more = more.set_column(more.column_names.index(target), target, pa.array(labels, pa.large_string()))
        train, test = np.arange(table.num_rows), table.num_rows + np.arange(more.num_rows)[:OFFICIAL_TEST]
        table = pa.concat_tables([table, more.cast(table.schema)])
    if held_out:
        train, test = _split(table, train, target)
    train = np.sort(rng.permutation(train)[:UNLABELED])
    table = table.take(np.concatenate([train, test])).combine_chunks()
    values = table[target].combine_chunks()
    task = find_task(target, values, name)
    return Rows(task, table, task.encode(values, name), np.arange(len(train)), len(train) + np.arange(len(test)))


def _split(table: pa.Table, rows: ndarray, target: str) -> tuple[ndarray, ndarray]:
    """Split row numbers into training and test rows, stratified by class."""
    task = find_task(target, table[target].combine_chunks(), "data")
    y = task.encode(table[target].combine_chunks(), "data")[rows] if task.classes else None
    train, test = train_test_split(rows, test_size=min(TEST, len(rows) // 4), random_state=0, stratify=y)
    return np.sort(train), np.sort(test)


def features(rows: Rows, seed: int) -> dict[str, ndarray]:
    """Pre-train the default encoders, and return all blocks of features of the predictor for all rows."""
    train, target, encoders = rows.table.take(rows.train), rows.task.target, []
    for name, changes in default_recipes("table"):
        recipe = Recipe.load(name, changes, "table")
        spec, _ = learn_spec(train, recipe, target)
        fit = Fit.begin(recipe, spec, spec.tensorize(train), seed, "cpu")
        for _ in fit.steps():
            pass
        encoders.append(Pretrained(recipe, spec, fit.finish().encoder, {}))
    parts = choose_parts("table", len(encoders))
    return compute_blocks(encoders, raw_specs(encoders, train, parts, target), rows.table)


def predictions(
    rows: Rows, blocks: dict[str, ndarray], used: ndarray, seed: int
) -> Iterator[tuple[str, ndarray, float]]:
    """Yield the name, predictions of the test rows and seconds of each model, fitted to the labeled rows ``used``."""
    targets = Targets(rows.task, rows.y[used], np.ones(len(used)))
    known, test = {name: z[rows.train] for name, z in blocks.items()}, {n: z[rows.test] for n, z in blocks.items()}
    parts = choose_parts("table", len(default_recipes("table")))
    began = time.process_time()
    blend = fit_blend(targets, known, used, parts, seed)
    seconds = time.process_time() - began
    yield "predictor", blend.scores(test), seconds
    yield "equal mean", _only(blend, range(len(parts))).scores(test), seconds
    plain = {("linear", "raw"): "linear", ("linear", "raw-quantile"): "linear, quantiles", ("forest", "raw"): "forest"}
    plain |= {("extra-trees", "raw"): "extra trees", ("boosting", "raw"): "small boosting"}
    for number, part in enumerate(parts):
        if len(part.blocks) == 1 and (part.kind, part.blocks[0]) in plain:
            yield plain[part.kind, part.blocks[0]], _only(blend, [number]).scores(test), 0.0
    both = fit_blend(targets, known, used, [Part("linear", ("raw", "raw-quantile"), 1.0)], seed)
    yield "linear, both", both.scores(test), 0.0
    problem = PredictionProblem(rows.task, used, rows.y[used], rows.test, seed, training_rows=rows.train)
    found = boosting(problem, blocks["raw"])
    yield "boosting", found.value if found.score is None else found.score, 0.0


def _only(blend: Blend, numbers: Sequence[int]) -> Blend:
    """Return the equal mean of some of a blend's parts."""
    parts, models = (tuple(each[number] for number in numbers) for each in (blend.parts, blend.models))
    scales = {name: blend.scales[name] for part in parts for name in part.blocks}
    return Blend(blend.task, parts, models, np.full(len(parts), 1 / len(parts)), scales, blend.mean, blend.scale)


def run(name: str, folder: Path, held_out: bool) -> list[dict[str, Any]]:
    """Measure all models on one table, and return a line for each model and number of labels."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", ContramixWarning)
    rows = read_rows(name, folder, held_out)
    blocks = [features(rows, seed) for seed in range(SEEDS)]
    lines: dict[tuple[str, str], dict[str, Any]] = {}
    for budget in TABLES[name].budgets:
        for draw in range(DRAWS):
            used = draw_labels(rows.y, rows.train, budget, draw)
            truth = rows.y[rows.test]
            weights = class_weights(truth, rows.y[used]) if rows.task.classes else None
            for model, predicted, seconds in predictions(rows, blocks[draw % SEEDS], used, draw):
                found = Predictions(predicted.argmax(1), predicted) if rows.task.classes else Predictions(predicted)
                scores = all_metrics(rows.task, truth, found, weights)
                line = lines.setdefault((str(budget), model), {"scores": {}, "seconds": 0.0})
                for metric, score in scores.items():
                    line["scores"].setdefault(metric, []).append(round(float(score), 6))
                line["seconds"] = round(line["seconds"] + seconds / DRAWS, 2)
    ids = {"line": "score", "suite": SUITE, "block": name, "protocol": "held-out" if held_out else "test"}
    ids |= {"commit": result_lines.current_commit()}
    return [{**ids, "row": model, "labels": labels, **line} for (labels, model), line in lines.items()]


def summary(lines: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a line of text for each table and number of labels: the predictor against the best plain model."""
    for name, labels in dict.fromkeys((line["block"], line["labels"]) for line in lines):
        here = {line["row"]: line for line in lines if (line["block"], line["labels"]) == (name, labels)}
        metric = "auroc" if "auroc" in here["predictor"]["scores"] else "r2"
        score = {model: 100 * np.array(line["scores"][metric]) for model, line in here.items()}
        best = best_plain(here, metric)
        text = f"{name:10} {labels:20} {score['predictor'].mean():5.1f} {difference(score['predictor'] - score[best])} "
        text += f"against {best} (equal mean {(score['equal mean'] - score[best]).mean():+.2f})"
        for error in ("log_loss", "calibration_error", "rmse"):
            if error in here["predictor"]["scores"]:
                shown = " / ".join(
                    f"{np.mean(here[m]['scores'][error]):.3f}" for m in ("predictor", "equal mean", "linear")
                )
                text += f"; {error} {shown}"
        yield text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--held-out", action="store_true", help="choose on training rows; results are only printed")
    parser.add_argument("--tables", default=",".join(TABLES))
    options = parser.parse_args()
    with ProcessPoolExecutor(2) as pool:
        jobs = [pool.submit(run, name, options.data_dir, options.held_out) for name in options.tables.split(",")]
        for job in as_completed(jobs):
            lines = job.result()
            print("\n".join(summary(lines)), flush=True)
            if not options.held_out:
                kept = [line for line in result_lines.read(SUITE) if line["block"] != lines[0]["block"]]
                result_lines.write(SUITE, [*kept, *lines])


if __name__ == "__main__":
    main()
