"""Compare the default few-label predictor with plain models on eight tables and ten data sets of other domains.

python -m bench.experiments.few_label_predictor --data-dir DIR --held-out    # while settings are chosen
python -m bench.experiments.few_label_predictor --data-dir DIR               # final: on test rows; about two hours
python -m bench.experiments.few_label_predictor --data-dir DIR --names bank,trec

Test rows are the official ones (at most 20,000), or 5,000 rows (at most a quarter), stratified. Encoders are
pre-trained on up to 20,000 of the other rows without labels. Labels are drawn 20 times, from these rows; draw n uses
the encoders of seed n modulo 3. With ``--held-out``, the test rows are set aside, and 5,000 of the other rows (at most
a quarter) take their place.

``predictor`` is what ``ContrastiveClassifier()`` and ``ContrastiveRegressor()`` learn by default; ``equal mean`` is the
mean of its parts without weights. The others need no pre-training. For tables they are linear models on standardized
numbers, on normal quantiles and on both, two forests, and two sizes of boosting; for other domains they are the default
baselines of ``contramix compare``, with a linear probe where they are features. Scores are AUROC (for several classes
the mean of one class against the rest) or R squared for tables, and balanced accuracy for other domains. Log loss and
the calibration error are taken on test rows that are reweighted to the class shares of the labeled rows. Each line of
``bench/results/experiments.jsonl`` holds one model's scores on one data set with one number of labels.
"""

import argparse
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pyarrow as pa
import torch
from numpy import ndarray
from sklearn.model_selection import train_test_split

from bench import result_lines
from bench.pages.few_label_tables import best_plain, difference, percent
from contramix.domains import DOMAINS
from contramix.errors import ContramixWarning
from contramix.evaluation.baselines import BaselineInputs, make_baselines
from contramix.evaluation.baselines.boosting import boosting
from contramix.evaluation.candidates import Candidate
from contramix.evaluation.metrics import all_metrics, class_weights
from contramix.evaluation.problem import PredictionProblem
from contramix.io.options import ReadOptions
from contramix.io.tables.reading import read
from contramix.models.labeled_records import LabelBudget, draw_labels, prepare_labeled_records
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


class Other(NamedTuple):
    """Name the domain and files of a data set that is no table, and settings with which it is read."""

    domain: str
    train: str
    test: str | None = None
    changes: Mapping[str, Any] = MappingProxyType({})
    budgets: tuple[LabelBudget, ...] = (LabelBudget(5), LabelBudget(20))


def _series(problem: str) -> Other:
    return Other("series", "timeseries/ucr_uea.zip", changes={"series.problem": problem})


DATA_SETS: dict[str, Table | Other] = {
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
    "fsdd": Other("audio", "fsdd/free_spoken_digit_wavs.zip"),
    "speech": Other("audio", "speech_commands/bed_cat_happy_1800.zip"),
    "italy": _series("ItalyPowerDemand"),
    "osuleaf": _series("OSULeaf"),
    "vowels": _series("JapaneseVowels"),
    "trec": Other("text", "text/TREC.train.all.gz", "text/TREC.test.all.gz"),
    "sst2": Other("text", "text/stsa.binary.train.gz", "text/stsa.binary.test.gz"),
    "fashion": Other("image", "fashion_mnist"),
    "mutag": Other("graph", "tu/MUTAG.zip"),
    "imdb": Other("graph", "tu/IMDB-BINARY.zip"),
}


class Rows(NamedTuple):
    """Store the rows to pre-train on, followed by the test rows, with their encoded targets."""

    task: Task
    table: pa.Table
    y: ndarray
    train: ndarray
    test: ndarray
    domain: str
    changes: Mapping[str, Any]


def read_rows(name: str, folder: Path, held_out: bool) -> Rows:
    """Read a data set, and split it into rows to pre-train on and test rows."""
    data = DATA_SETS[name]
    table, more, target = _read_table(data, folder) if isinstance(data, Table) else _read_other(data, folder)
    rng = np.random.default_rng(0)
    if more is None:
        train, test = _split(table, np.arange(table.num_rows), target)
    else:
        train, test = np.arange(table.num_rows), table.num_rows + np.arange(more.num_rows)[:OFFICIAL_TEST]
        table = pa.concat_tables([table, more.cast(table.schema)])
    if held_out:
        train, test = _split(table, train, target)
    train = np.sort(rng.permutation(train)[:UNLABELED])
    table = table.take(np.concatenate([train, test])).combine_chunks()
    values = table[target].combine_chunks()
    task = find_task(target, values, name)
    y, domain, changes = task.encode(values, name), "table", {}
    if isinstance(data, Other):
        domain, changes = data.domain, dict(data.changes)
    return Rows(task, table, y, np.arange(len(train)), len(train) + np.arange(len(test)), domain, changes)


def _read_table(data: Table, folder: Path) -> tuple[pa.Table, pa.Table | None, str]:
    """Return the training rows of a table, its official test rows, and its target."""
    table, target = read(folder / data.train).table, data.target
    if data.test is None:
        return table, None, target
    test = read(folder / data.test).table.rename_columns(table.column_names)
    if table[target].type == pa.large_string():  # the test labels of Adult end in a point
        labels = [label.rstrip(".") for label in test[target].to_pylist()]
        test = test.set_column(test.column_names.index(target), target, pa.array(labels, pa.large_string()))
    return table, test, target


def _read_other(data: Other, folder: Path) -> tuple[pa.Table, pa.Table | None, str]:
    """Return the training records of another domain, its official test records, and its target."""
    domain, settings = DOMAINS[data.domain], Recipe.load("npair", data.changes, data.domain).data
    records = domain.read(folder / data.train, ReadOptions(), settings)
    test = records.test if data.test is None else domain.read(folder / data.test, ReadOptions(), settings).table
    return records.training, test, str(records.target)


def _split(table: pa.Table, rows: ndarray, target: str) -> tuple[ndarray, ndarray]:
    """Split row numbers into training and test rows, stratified by class."""
    task = find_task(target, table[target].combine_chunks(), "data")
    y = task.encode(table[target].combine_chunks(), "data")[rows] if task.classes else None
    train, test = train_test_split(rows, test_size=min(TEST, len(rows) // 4), random_state=0, stratify=y)
    return np.sort(train), np.sort(test)


def features(rows: Rows, seed: int) -> dict[str, ndarray]:
    """Pre-train the default encoders, and return all blocks of features of the predictor for all rows."""
    train, target, encoders = rows.table.take(rows.train), rows.task.target, []
    for name, changes in default_recipes(rows.domain):
        recipe = Recipe.load(name, {**rows.changes, **changes}, rows.domain)
        spec, _ = learn_spec(train, recipe, target)
        fit = Fit.begin(recipe, spec, spec.tensorize(train), seed, "cpu")
        for _ in fit.steps():
            pass
        encoders.append(Pretrained(recipe, spec, fit.finish().encoder, {}))
    parts = choose_parts(rows.domain, len(encoders))
    return compute_blocks(encoders, raw_specs(encoders, train, parts, target), rows.table)


def predictions(
    rows: Rows, blocks: dict[str, ndarray], plain: Sequence[Candidate], problem: PredictionProblem
) -> Iterator[tuple[str, Predictions, float]]:
    """Yield the name, predictions of the test rows and seconds of each model, fitted to the problem's labeled rows.

    Parameters
    ----------
    rows, blocks
        Rows, and the features that :func:`features` returned for them.
    plain
        Further plain models.
    problem
        Labeled rows and test rows.
    """
    used, parts = problem.train, choose_parts(rows.domain, len(default_recipes(rows.domain)))
    targets = Targets(rows.task, problem.y, np.ones(len(used)))
    known, test = {name: z[rows.train] for name, z in blocks.items()}, {n: z[rows.test] for n, z in blocks.items()}
    began = time.process_time()
    blend = fit_blend(targets, known, used, parts, problem.seed)
    seconds = time.process_time() - began
    yield "predictor", _predictions(rows.task, blend.scores(test)), seconds
    yield "equal mean", _predictions(rows.task, _only(blend, range(len(parts))).scores(test)), seconds
    if rows.domain == "table":
        for number, part in enumerate(parts):
            if (name := COLUMN_MODELS.get((part.kind, part.blocks))) is not None:
                yield name, _predictions(rows.task, _only(blend, [number]).scores(test)), 0.0
        both = fit_blend(targets, known, used, [Part("linear", ("raw", "raw-quantile"), 1.0)], problem.seed)
        yield "linear, both", _predictions(rows.task, both.scores(test)), 0.0
        yield "boosting", boosting(problem, blocks["raw"]), 0.0
    for candidate in plain:
        yield candidate.name, candidate.predict(problem), 0.0


COLUMN_MODELS = {
    ("linear", ("raw",)): "linear",
    ("linear", ("raw-quantile",)): "linear, quantiles",
    ("forest", ("raw",)): "forest",
    ("extra-trees", ("raw",)): "extra trees",
    ("boosting", ("raw",)): "small boosting",
}
"""Names of the parts of the predictor that are plain models on the columns of a table."""


def baselines(rows: Rows) -> list[Candidate]:
    """Return the default baselines of a domain that is not tables."""
    if rows.domain == "table":
        return []
    train, test = rows.table.take(rows.train), rows.table.take(rows.test)
    recipe = Recipe.load("npair", rows.changes, rows.domain)
    spec, _ = learn_spec(train, recipe, rows.task.target)
    records = prepare_labeled_records(spec, train, rows.task.target, test=test)
    inputs = BaselineInputs(records, recipe, ("linear",), torch.device("cpu"))
    return make_baselines(inputs, DOMAINS[rows.domain].baselines)


def _predictions(task: Task, scores: ndarray) -> Predictions:
    return Predictions(scores.argmax(1), scores) if task.classes else Predictions(scores)


def _only(blend: Blend, numbers: Sequence[int]) -> Blend:
    """Return the equal mean of some of a blend's parts."""
    parts, models = (tuple(each[number] for number in numbers) for each in (blend.parts, blend.models))
    scales = {name: blend.scales[name] for part in parts for name in part.blocks}
    return Blend(blend.task, parts, models, np.full(len(parts), 1 / len(parts)), scales, blend.mean, blend.scale)


def run(name: str, folder: Path, held_out: bool) -> list[dict[str, Any]]:
    """Measure all models on one data set, and return a line for each model and number of labels."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", ContramixWarning)
    rows = read_rows(name, folder, held_out)
    began = time.process_time()
    blocks = [features(rows, seed) for seed in range(SEEDS)]
    print(f"{name}: {time.process_time() - began:.0f} s for {SEEDS} seeds of pre-training", flush=True)
    plain = baselines(rows)
    lines = score_draws(
        rows, DATA_SETS[name].budgets, lambda problem: predictions(rows, blocks[problem.encoder_seed], plain, problem)
    )
    ids = {"line": "score", "suite": SUITE, "block": name, "protocol": "held-out" if held_out else "test"}
    ids |= {"commit": result_lines.current_commit()}
    metric = "balanced_accuracy" if rows.domain != "table" else "auroc" if rows.task.classes else "r2"
    ids |= {"domain": rows.domain, "metric": metric}
    return [{**ids, "row": model, "labels": labels, **line} for (labels, model), line in lines.items()]


def score_draws(
    rows: Rows,
    budgets: Sequence[LabelBudget],
    predict: Callable[[PredictionProblem], Iterator[tuple[str, Predictions, float]]],
) -> dict[tuple[str, str], dict[str, Any]]:
    """Score models on 20 draws of each number of labels; draw n uses the encoders of seed n modulo 3.

    Parameters
    ----------
    rows
        Rows to draw labels from, and test rows.
    budgets
        Numbers of labels.
    predict
        Function that yields the name, the predictions of the test rows and the seconds of each model.

    Returns
    -------
    dict
        All scores of each draw, and the mean seconds, by number of labels and name of the model.
    """
    lines: dict[tuple[str, str], dict[str, Any]] = {}
    truth = rows.y[rows.test]
    for budget in budgets:
        for draw in range(DRAWS):
            used = draw_labels(rows.y, rows.train, budget, draw)
            problem = PredictionProblem(
                rows.task, used, rows.y[used], rows.test, draw, training_rows=rows.train, encoder_seed=draw % SEEDS
            )
            weights = class_weights(truth, rows.y[used]) if rows.task.classes else None
            for model, predicted, seconds in predict(problem):
                line = lines.setdefault((str(budget), model), {"scores": {}, "seconds": 0.0})
                for metric, score in all_metrics(rows.task, truth, predicted, weights).items():
                    line["scores"].setdefault(metric, []).append(round(float(score), 6))
                line["seconds"] = round(line["seconds"] + seconds / DRAWS, 2)
    return lines


def measure(
    run: Callable[[str], list[dict[str, Any]]],
    names: Sequence[str],
    summary: Callable[[list[dict[str, Any]]], Iterator[str]],
    keep: bool,
) -> None:
    """Measure data sets in two processes, print a summary of each, and keep its lines in place of former ones.

    Parameters
    ----------
    run
        Function that takes the name of a data set and returns its lines.
    names
        Names of the data sets.
    summary
        Function that yields the lines of text to print.
    keep
        Whether to write the lines to ``bench/results``.
    """
    with ProcessPoolExecutor(2) as pool:
        for job in as_completed([pool.submit(run, name) for name in names]):
            lines = job.result()
            print("\n".join(summary(lines)), flush=True)
            if keep:
                result_lines.replace_lines(lines)


def summary(lines: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a line of text for each data set and number of labels: the predictor against the best plain model."""
    for name, labels in dict.fromkeys((line["block"], line["labels"]) for line in lines):
        here = {line["row"]: line for line in lines if (line["block"], line["labels"]) == (name, labels)}
        score = {model: percent(line) for model, line in here.items()}
        best = best_plain(here)
        text = f"{name:10} {labels:20} {score['predictor'].mean():5.1f} {difference(score['predictor'] - score[best])} "
        text += f"against {best} (equal mean {(score['equal mean'] - score[best]).mean():+.2f})"
        reference = "linear" if "linear" in here else "raw"
        for error in ("log_loss", "calibration_error", "rmse"):
            if error in here["predictor"]["scores"]:
                shown = " / ".join(
                    f"{np.mean(here[m]['scores'][error]):.3f}" for m in ("predictor", "equal mean", reference)
                )
                text += f"; {error} {shown}"
        yield text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--held-out", action="store_true", help="choose on training rows; results are only printed")
    parser.add_argument("--names", default=",".join(DATA_SETS), help="data sets, separated by commas")
    options = parser.parse_args()
    measured = partial(run, folder=options.data_dir, held_out=options.held_out)
    measure(measured, options.names.split(","), summary, keep=not options.held_out)


if __name__ == "__main__":
    main()
