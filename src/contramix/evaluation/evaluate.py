"""Evaluate one pre-trained model on labelled rows, beside the plain baselines."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch

from contramix.errors import InputError
from contramix.evaluation.advice import advise
from contramix.evaluation.candidates import BASELINES, plain_baselines, probe_candidates
from contramix.evaluation.features import frozen_features, recalibrate_batch_norm
from contramix.evaluation.metrics import find_metric
from contramix.evaluation.probes import PROBES as FROZEN_PROBES
from contramix.evaluation.protocol import Candidate, Score, Split, compare, splits
from contramix.evaluation.trained_baselines import fine_tuned, gaussian_features, supervised
from contramix.evaluation.verdict import Verdict, derive_verdicts
from contramix.models.labeled_records import LabeledRecords, prepare_labeled_records
from contramix.models.pretrained import Pretrained
from contramix.models.task import Kind, Task
from contramix.training.reporter import SILENT, Reporter

PROBES = ("linear", "knn", "finetune")
"""Shown by default."""
FEW_LABEL_DRAWS = 5
"""At least so many draws of few labels: scores differ much from one to the next, and cost little."""
ALL_PROBES = (*FROZEN_PROBES, "finetune")


class Evaluation(NamedTuple):
    """Scores of all candidates, and what they say."""

    task: Task
    metric: str
    scores: list[Score]
    verdicts: list[Verdict]
    """Most helpful recipe first."""
    advice: tuple[str, ...]
    """What to try next."""
    notes: tuple[str, ...]

    def words(self) -> list[str]:
        """The verdicts and the advice, a paragraph each."""
        advice = ["Next: " + " ".join(self.advice)] if self.advice else []
        return [*(v.text for v in self.verdicts), *advice]


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
    recalibrate_bn: bool = False,
    folder: Path | None = None,
    heard: Sequence[str] = (),
    where: str = "data",
    where_test: str = "test data",
    reporter: Reporter = SILENT,
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
        Which ones, by name. The first probe gives the verdict; what it is held against is always there.
    pick_on_test
        Let probes choose by the test rows, for parity with published protocols.
    recalibrate_bn
        Also probe the model with BatchNorm's statistics computed anew from clean rows.
    folder
        Where the Gaussian baseline's model is kept, and features that do not fit into memory lie; None: a temporary
        folder.
    heard
        Advice from the log of the model's training (:func:`contramix.monitoring.alarms.advice_from_log`).
    where, where_test
        What error messages call the rows.
    reporter
        Receives the progress of pre-training the Gaussian baseline and of probing.

    Raises
    ------
    InputError
        If the target is not there, has missing values, or was an input of pre-training; or for a fine-tuned model.
    """
    if "predicts" in model.facts:
        raise InputError(
            "the model was fine-tuned on labels, so its representations know those of test rows too; evaluate the run "
            "that it began from, whose row 'finetune' fine-tunes it on the training rows alone"
        )
    data = prepare_labeled_records(model.spec, table, target, test=test, kind=task, where=where, where_test=where_test)
    by = rules(data, labels_per_class, seeds, metric)
    recipe, device = model.recipe, next((p.device for p in model.encoder.parameters()), torch.device("cpu"))
    name = f"{recipe.name} (recipe)" if recipe.name in BASELINES else recipe.name
    seed, seconds = int(model.facts.get("seed") or 0), float(model.facts.get("seconds", 0.0))
    wanted = {*baselines, reference_for(probes[0])}
    if model.facts.get("own_encoder"):  # its first weights are not known, nor is how to make another
        wanted -= {"untrained", "gaussian", "supervised"}
        if probes[0] == "finetune":
            raise InputError("--probes: a module of your own cannot be trained from scratch; name another probe first")
    candidates = plain_baselines(data, recipe, wanted, probes, device)
    if "gaussian" in wanted:
        reporter.progress("gaussian: pre-training")
        with tempfile.TemporaryDirectory() as unkept:
            twin, took = gaussian_features(folder or Path(unkept), recipe, data, seed, str(device), reporter)
        candidates += probe_candidates("gaussian", "baseline", lambda problem: twin, probes, took)
    if "supervised" in wanted:
        candidates.append(supervised(recipe, data, device))
    z = frozen_features(model.encoder, data.x, folder)
    candidates += probe_candidates(name, "pretrained", lambda problem: z, probes, seconds)
    if recalibrate_bn:
        again = frozen_features(recalibrate_batch_norm(model.encoder, data.training), data.x, folder)
        candidates += probe_candidates(f"{name}, BatchNorm anew", "pretrained", lambda problem: again, probes, seconds)
    if "finetune" in probes:
        candidates.append(fine_tuned(name, "pretrained", lambda split: model.encoder, data, device, seconds))
    notes = model.unknown(table, (target,))
    return run_comparison(
        data, by, candidates, [name], probes[0], pick_on_test=pick_on_test, notes=notes, heard=heard, reporter=reporter
    )


def reference_for(probe: str) -> str:
    """The baseline that a verdict by a probe cannot do without."""
    return "supervised" if probe == "finetune" else "raw"


class Rules(NamedTuple):
    """What all candidates are held to."""

    parts: list[Split]
    budgets: tuple[int, ...]
    metric: str
    notes: tuple[str, ...]


def rules(data: LabeledRecords, labels_per_class: Sequence[int], seeds: int, metric: str | None) -> Rules:
    """Split the records and find the metric, before anything is trained.

    Raises
    ------
    InputError
        If there are too few rows, or the metric is none of the task's.
    """
    notes, budgets = [], tuple(labels_per_class)
    if data.official_test is None:
        notes.append("a fifth of the rows is held out for each seed; where pre-training saw them, it saw no label")
    if data.task.kind == "regression" and budgets:
        notes.append("labels per class are for classes; this target is a quantity, so all labels are used")
        budgets = ()
    parts = splits(data.task, data.y, range(seeds), data.official_test)
    if budgets:
        notes += _short_classes(data.task, data.y, parts, budgets)
    return Rules(parts, budgets, find_metric(data.task, metric), tuple(notes))


def run_comparison(
    data: LabeledRecords,
    by: Rules,
    candidates: Sequence[Candidate],
    recipes: Sequence[str],
    probe: str,
    *,
    pick_on_test: bool = False,
    notes: Sequence[str] = (),
    heard: Sequence[str] = (),
    reporter: Reporter = SILENT,
) -> Evaluation:
    """Score all candidates on the same parts and labels, judge the recipes among them, and say what to try next."""
    scores = compare(
        data.task,
        data.y,
        candidates,
        by.parts,
        by.budgets,
        metric=by.metric,
        few_label_draws=range(max(len(by.parts), FEW_LABEL_DRAWS)),
        pick_on_test=pick_on_test,
        reporter=reporter,
    )
    picked = " with settings picked on test rows" if pick_on_test else ""
    verdicts = derive_verdicts(scores, recipes, probe, picked)
    advice = [*advise(data.task, data.y, by.metric, scores, verdicts), *heard]
    told_of = [*notes, *by.notes]
    if pick_on_test:
        told_of.append("probes picked their settings on test rows, as published protocols do: their scores flatter")
    return Evaluation(data.task, by.metric, scores, verdicts, tuple(advice), tuple(told_of))


def _short_classes(task: Task, y: np.ndarray, parts: list[Split], budgets: Sequence[int]) -> list[str]:
    """A note where classes have fewer training rows than a few-label budget asks for."""
    counts = np.bincount(y[parts[0].train], minlength=len(task.classes))
    short = [task.classes[n] for n in np.flatnonzero(counts < max(budgets))]
    if not short:
        return []
    named = ", ".join(map(repr, short[:5]))
    return [f"{max(budgets)} labels a class are asked for; of {named} there are fewer training rows, so all are used"]
