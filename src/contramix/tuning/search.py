"""Search the settings of a recipe for a table, and compare the best ones with the unchanged recipe on fresh splits."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy import ndarray

from contramix.errors import InputError, RunError
from contramix.models.task import Kind
from contramix.recipe import Recipe
from contramix.runs.folder import check_folder, create_folder, lock_folder
from contramix.runtime import atomic_files
from contramix.runtime.signals import Interrupted, signals
from contramix.training.loop import Plan, Step
from contramix.training.reporter import SILENT, Reporter
from contramix.tuning.result import Confirmation, TuningResult
from contramix.tuning.scorers import LabelFreeScorer, find_scorer
from contramix.tuning.space import choose, dimensions
from contramix.tuning.trainer import Trainer, fingerprint
from contramix.tuning.trials import Trials, find_optuna

STEPS = 500
"""Default maximum number of training steps of a trial."""
FRESH_SPLITS = 5
"""Default number of fresh splits on which the best settings are compared with the unchanged recipe."""
NOT_BY_RANK = ("temperature", "width", "cut")
"""Dimensions that are not searched by default if the score needs no labels: they change the effective rank whether or
not the representations become more useful (docs/adr/0011)."""


@dataclass(frozen=True)
class SearchSettings:
    """Configure a search over the settings of a recipe.

    Parameters
    ----------
    target
        Name of the target column, which is never an input; None if there is none.
    score
        How trials are scored: ``"labels"`` (a linear probe predicts the target from a few labels), ``"rankme"``
        (effective rank of the representations), or ``"auto"`` (``"labels"`` if there is a target, else ``"rankme"``).
    labels_per_class
        Number of labels per class on which the probe is trained. For a numeric target, ten times as many labeled rows.
    task
        ``"classification"`` or ``"regression"``; None to infer it from the target's values.
    metric
        Metric of the probe: ``"accuracy"``, ``"balanced_accuracy"``, ``"auroc"`` or ``"r2"``. None for balanced
        accuracy (classification) or R squared (regression).
    trials
        Number of settings to try, including the unchanged recipe. A resumed search may have more trials than before.
    dimensions
        Groups of settings to search: ``"noise"``, ``"temperature"``, ``"alpha"``, ``"width"`` and ``"cut"`` (where
        samples are mixed). None for all that the recipe has, except that trials scored by ``"rankme"`` do not search
        ``"temperature"``, ``"width"`` and ``"cut"``.
    steps
        Maximum number of training steps of a trial. The number of epochs in the saved recipe is not changed.
    fresh_splits
        Number of fresh splits on which the best settings are compared with the unchanged recipe, at least 2.
    seed
        Seed of all random choices.

    Raises
    ------
    InputError
        If ``trials`` or ``steps`` is less than 1, or ``fresh_splits`` less than 2.
    """

    target: str | None = None
    score: str = "auto"
    labels_per_class: int = 20
    task: Kind | None = None
    metric: str | None = None
    trials: int = 20
    dimensions: Sequence[str] | None = None
    steps: int = STEPS
    fresh_splits: int = FRESH_SPLITS
    seed: int = 0

    def __post_init__(self) -> None:
        if self.trials < 1 or self.steps < 1 or self.fresh_splits < 2:
            raise InputError("give at least 1 trial, 1 step and 2 fresh splits")


def tune(
    out: Path,
    table: pa.Table,
    recipe: Recipe,
    settings: SearchSettings,
    *,
    where: str = "data",
    device: str = "auto",
    command: str = "",
    reporter: Reporter = SILENT,
) -> TuningResult:
    """Search the settings of a recipe, and save the best ones as a new recipe.

    Each trial is pre-trained without labels on the same four fifths of the rows, from the same seed, and scored on the
    other fifth with the same labels. The first trial is the unchanged recipe. The best of many such scores is too
    optimistic. Therefore the best settings and the unchanged recipe are pre-trained and scored again on fresh splits,
    seeds and labels, and the result is based on these scores.

    Parameters
    ----------
    out
        Folder of the search. If it holds an unfinished search, that search is resumed with the same result as if it had
        not been interrupted.
    table
        Training rows. They should not include rows of a later test.
    recipe
        Recipe to tune.
    settings
        Settings of the search.
    where
        Name of the data in error messages and in the report.
    device
        Device to train on, such as ``"cuda"``; ``"auto"`` chooses one.
    command
        Command line to record in the report.
    reporter
        Object that receives the progress of training, and one note for each trial.

    Raises
    ------
    InputError
        If the data or the settings are invalid, or the folder holds another search or is in use.
    RunError
        If no settings can be trained.
    Interrupted
        If SIGINT or SIGTERM arrives. The interrupted trial starts again when the search is resumed.

    Examples
    --------
    >>> import tempfile
    >>> table = pa.table({"a": [n % 7 for n in range(60)], "b": [n % 5 for n in range(60)], "y": ["no", "yes"] * 30})
    >>> recipe = Recipe.load("imix-npair", {"encoder.width": 8})
    >>> settings = SearchSettings(target="y", trials=3, steps=2, fresh_splits=2)
    >>> with tempfile.TemporaryDirectory() as out:
    ...     result = tune(Path(out), table, recipe, settings)
    >>> len(result.trials), result.tuned_recipe.name
    (3, 'imix-npair-tuned')
    """
    find_optuna()
    check_folder(out)
    if any((out / name).exists() for name in ("run.json", "config.json")):
        raise InputError(f"`out` {out}: holds a run or a model; give another folder")
    target, seed = settings.target, settings.seed
    scorer = find_scorer(
        settings.score,
        table,
        target,
        settings.labels_per_class,
        kind=settings.task,
        metric=settings.metric,
        where=where,
    )
    names = dimensions(recipe, settings.dimensions)
    if settings.dimensions is None and isinstance(scorer, LabelFreeScorer):
        names = [name for name in names if name not in NOT_BY_RANK]
    trainer = Trainer(table, recipe, target, scorer, seed=seed, steps=settings.steps, device=device)
    for note in trainer.rows(0).notes:
        reporter.note(note)
    # Errors of the recipe are raised here, before anything is written.
    encoder = trainer.begin(recipe, 0).encoder
    cuts = encoder.cuts[encoder.cuts.index(encoder.auto) :]
    facts = {
        "data": fingerprint(table, recipe, target, scorer),
        "score": scorer.words,
        "target": str(target),
        "search": ",".join(names),
        "steps": str(settings.steps),
        "seed": str(seed),
    }
    create_folder(out)
    with lock_folder(out), signals() as signalled:
        atomic_files.remove_leftovers(out)
        interruptible = _Interruptible(reporter, signalled, out)
        study = Trials(out / "study.db")
        study.claim(recipe, facts)
        own = choose(recipe, names, cuts)
        result = TuningResult(recipe, scorer, study.finished(), settings.steps)
        while (number := len(result.trials)) < settings.trials:
            trial = study.ask(seed, own.drawn)
            with study.one_line_errors():
                chosen = choose(recipe, names, cuts, trial).settings
            began, score, reason = time.monotonic(), None, ""
            try:
                score = float(trainer.score(Recipe.load(recipe, chosen), 0, f"trial {number}", interruptible).mean())
            except (RunError, torch.OutOfMemoryError) as error:
                reason = str(error)
            study.tell(trial, chosen, score, time.monotonic() - began, reason)
            result = replace(result, trials=study.finished())
            ended = result.trials[-1]
            outcome = f"failed, {reason}" if score is None else scorer.format(score)
            reporter.note(
                f"trial {number} of {settings.trials}: {outcome}; {result.describe(ended)} ({ended.seconds:.1f} s)"
            )
        if result.best.score is None:
            raise RunError(f"{out}: none of {len(result.trials)} settings could be trained: {result.best.reason}")
        if result.best.number and result.default.score is not None:
            found = _confirm(out, trainer, result, settings.fresh_splits, interruptible)
            result = (
                replace(result, unconfirmed=found) if isinstance(found, str) else replace(result, confirmation=found)
            )
        atomic_files.write(out / "recipe.toml", result.to_toml(where, command))
        report = {"data": where, "command": command, **result.as_json()}
        atomic_files.write(out / "report.json", json.dumps(report, indent=1, allow_nan=False) + "\n")
        return result


class _Interruptible(Reporter):
    """Forward training steps to another reporter, and raise ``Interrupted`` after a step if a signal has arrived.

    Parameters
    ----------
    reporter
        Reporter to forward to.
    signalled
        List to which the numbers of arriving signals are added.
    out
        Folder of the search, to name in the error message.
    """

    def __init__(self, reporter: Reporter, signalled: Sequence[int], out: Path) -> None:
        self.reporter, self.signalled, self.out = reporter, signalled, out

    def steps(self, title: str, plan: Plan, start: int, steps: Iterator[Step]) -> Iterator[Step]:
        for step in self.reporter.steps(title, plan, start, steps):
            if self.signalled:
                raise Interrupted(self.signalled[0], self.out)
            yield step


def _confirm(out: Path, trainer: Trainer, result: TuningResult, fresh: int, reporter: Reporter) -> Confirmation | str:
    """Compare the best settings with the unchanged recipe on ``fresh`` splits that the search did not use.

    Scores are saved in files, which a resumed search reads. If training fails, the error message is returned as text
    instead of a comparison.
    """
    (out / "fresh").mkdir(exist_ok=True)
    compared = (result.best, result.default)
    scores: list[list[ndarray]] = [[], []]
    for split in range(1, fresh + 1):
        for trial, trial_scores in zip(compared, scores):
            path = out / "fresh" / f"trial{trial.number}-split{split}.npy"
            if not path.is_file():
                chosen, sink = Recipe.load(result.recipe, trial.settings), BytesIO()
                title = f"fresh split {split} of {fresh}, trial {trial.number}"
                try:
                    np.save(sink, trainer.score(chosen, split, title, reporter), allow_pickle=False)
                except RunError as error:
                    return f"trial {trial.number} on split {split}: {error}"
                atomic_files.write(path, sink.getvalue())
            trial_scores.append(np.load(path, allow_pickle=False))
    splits = [result.scorer.split(trainer.seed(split)) for split in range(1, fresh + 1)]
    difference, interval = result.scorer.difference(scores[0], scores[1], splits)
    best, default = (float(np.mean([rows.mean() for rows in one])) for one in scores)
    return Confirmation(best, default, difference, interval, fresh)
