"""Search the settings of a recipe for a table, and see on fresh rows, seeds and labels whether the search helped."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy import ndarray

from contramix.errors import InputError, RunError
from contramix.models.task import Kind
from contramix.recipe import Recipe
from contramix.runs.folder import check_place, locked, make
from contramix.runtime import atomic_files
from contramix.runtime.signals import Interrupted, signals
from contramix.training.loop import Plan, Step
from contramix.training.reporter import SILENT, Reporter
from contramix.tuning.result import Confirmation, TuningResult
from contramix.tuning.scorers import LabelFreeScorer, find_scorer
from contramix.tuning.space import choose, dimensions
from contramix.tuning.trainer import Trainer, fingerprint
from contramix.tuning.trials import Trials, find_optuna

STEPS, FRESH = 500, 5
NOT_BY_RANK = ("temperature", "width", "cut")
"""Not searched by default without labels: the effective rank follows them whether or not they help (docs/adr/0011)."""


def tune(
    out: Path,
    table: pa.Table,
    recipe: Recipe,
    *,
    target: str | None = None,
    score: str = "auto",
    labels_per_class: int = 20,
    trials: int = 20,
    search: Sequence[str] | None = None,
    steps: int = STEPS,
    fresh: int = FRESH,
    seed: int = 0,
    task: Kind | None = None,
    metric: str | None = None,
    device: str = "auto",
    where: str = "data",
    command: str = "",
    reporter: Reporter = SILENT,
) -> TuningResult:
    """Try settings of a recipe, the first time as it is, and write the best as a recipe.

    Every trial is pre-trained without labels on the same four fifths of the rows, from the same seed, and judged on the
    other fifth with the same labels. The best of many such scores is flattered; so the best setting and the recipe as
    it is are then pre-trained and judged again on fresh splits, seeds and labels, and the verdict is on those.

    Parameters
    ----------
    out
        The search's folder. An unfinished search in it goes on, and ends as if it had not been interrupted.
    table
        Training rows; rows of a later test have no business here.
    recipe, search
        What to tune, and which of ``DIMENSIONS``; None: all that it has (without labels, not those
        in ``NOT_BY_RANK``).
    target, score
        A column that is no input, and a name of ``SCORES``; ``"auto"``: by labels where there is a target.
    labels_per_class, task, metric
        Of the score by labels; see :class:`contramix.tuning.scorers.LabeledScorer`.
    trials
        How many settings to try; a later call may ask for more.
    steps
        The longest that a trial trains; the recipe that is written keeps its own length.
    fresh
        How many fresh splits, at least 2.
    reporter
        Receives the steps of each trial's training, and a note for each trial.

    Raises
    ------
    InputError
        If data or settings are wrong, or the folder belongs to another search or is in use.
    RunError
        If no setting can be trained.
    Interrupted
        On SIGINT and SIGTERM; the trial that was running begins anew when the search goes on.

    Examples
    --------
    >>> import tempfile
    >>> table = pa.table({"a": [n % 7 for n in range(60)], "b": [n % 5 for n in range(60)], "y": ["no", "yes"] * 30})
    >>> recipe = Recipe.load("imix-npair", {"encoder.width": 8})
    >>> with tempfile.TemporaryDirectory() as out:
    ...     tuned = tune(Path(out), table, recipe, target="y", trials=3, steps=2, fresh=2)
    >>> len(tuned.trials), tuned.tuned_recipe.name
    (3, 'imix-npair-tuned')
    """
    if trials < 1 or steps < 1 or fresh < 2:
        raise InputError("give at least 1 trial, 1 step and 2 fresh splits")
    find_optuna()
    check_place(out)
    if any((out / name).exists() for name in ("run.json", "config.json")):
        raise InputError(f"--out {out}: holds a run or a model; give a folder of its own")
    scorer = find_scorer(score, table, target, labels_per_class, kind=task, metric=metric, where=where)
    names = dimensions(recipe, search)
    if search is None and isinstance(scorer, LabelFreeScorer):
        names = [name for name in names if name not in NOT_BY_RANK]
    trainer = Trainer(table, recipe, target, scorer, seed=seed, steps=steps, device=device)
    for note in trainer.rows(0).notes:
        reporter.note(note)
    # What is wrong with the recipe shows here, before anything is written.
    encoder = trainer.begin(recipe, 0).encoder
    cuts = encoder.cuts[encoder.cuts.index(encoder.auto) :]
    facts = {
        "data": fingerprint(table, recipe, target, scorer),
        "score": scorer.words,
        "target": str(target),
        "search": ",".join(names),
        "steps": str(steps),
        "seed": str(seed),
    }
    make(out)
    with locked(out), signals() as signalled:
        atomic_files.remove_leftovers(out)
        interruptible = _Interruptible(reporter, signalled, out)
        study = Trials(out / "study.db")
        study.claim(recipe, facts)
        own = choose(recipe, names, cuts)
        tuned = TuningResult(recipe, scorer, study.finished(), steps)
        while (number := len(tuned.trials)) < trials:
            trial = study.ask(seed, own.drawn)
            with study.errors():
                settings = choose(recipe, names, cuts, trial).settings
            began, value, reason = time.monotonic(), None, ""
            try:
                value = float(trainer.score(Recipe.load(recipe, settings), 0, f"trial {number}", interruptible).mean())
            except (RunError, torch.OutOfMemoryError) as error:
                reason = str(error)
            study.tell(trial, settings, value, time.monotonic() - began, reason)
            tuned = replace(tuned, trials=study.finished())
            ended = tuned.trials[-1]
            outcome = f"failed, {reason}" if value is None else scorer.show(value)
            reporter.note(f"trial {number} of {trials}: {outcome}; {tuned.in_words(ended)} ({ended.seconds:.1f} s)")
        if tuned.best.score is None:
            raise RunError(f"{out}: none of {len(tuned.trials)} settings could be trained: {tuned.best.reason}")
        if tuned.best.number and tuned.default.score is not None:
            found = _confirm(out, trainer, tuned, fresh, interruptible)
            tuned = replace(tuned, unconfirmed=found) if isinstance(found, str) else replace(tuned, confirmation=found)
        atomic_files.write(out / "recipe.toml", tuned.to_toml(where, command))
        report = {"data": where, "command": command, **tuned.as_json()}
        atomic_files.write(out / "report.json", json.dumps(report, indent=1, allow_nan=False) + "\n")
        return tuned


class _Interruptible(Reporter):
    """Pass the steps of training on to another reporter, and stop after a step if a signal has arrived."""

    def __init__(self, reporter: Reporter, signalled: Sequence[int], out: Path) -> None:
        self.reporter, self.signalled, self.out = reporter, signalled, out

    def steps(self, title: str, plan: Plan, start: int, steps: Iterator[Step]) -> Iterator[Step]:
        for step in self.reporter.steps(title, plan, start, steps):
            if self.signalled:
                raise Interrupted(self.signalled[0], self.out)
            yield step


def _confirm(out: Path, trainer: Trainer, tuned: TuningResult, fresh: int, reporter: Reporter) -> Confirmation | str:
    """Pre-train and score the best and the default on fresh splits; each score is kept in a file as it is made.

    Where one of them diverges there is no comparison: returns where and why.
    """
    (out / "fresh").mkdir(exist_ok=True)
    compared = (tuned.best, tuned.default)
    scores: list[list[ndarray]] = [[], []]
    for split in range(1, fresh + 1):
        for tried, each in zip(compared, scores):
            path = out / "fresh" / f"trial{tried.number}-split{split}.npy"
            if not path.is_file():
                chosen, sink = Recipe.load(tuned.recipe, tried.settings), BytesIO()
                title = f"fresh split {split} of {fresh}, trial {tried.number}"
                try:
                    np.save(sink, trainer.score(chosen, split, title, reporter), allow_pickle=False)
                except RunError as error:
                    return f"trial {tried.number} on split {split}: {error}"
                atomic_files.write(path, sink.getvalue())
            each.append(np.load(path, allow_pickle=False))
    parts = [tuned.scorer.part(trainer.seed(split)) for split in range(1, fresh + 1)]
    difference, interval = tuned.scorer.difference(scores[0], scores[1], parts)
    best, default = (float(np.mean([rows.mean() for rows in each])) for each in scores)
    return Confirmation(best, default, difference, interval, fresh)
