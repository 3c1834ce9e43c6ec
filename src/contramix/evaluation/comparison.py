"""Run a comparison: score the candidates, derive the verdicts, and advise what to try next."""

from collections.abc import Sequence
from typing import NamedTuple

from contramix.evaluation.advice import advise
from contramix.evaluation.candidates import Candidate
from contramix.evaluation.protocol import ComparisonPlan, Protocol
from contramix.evaluation.scoring import Score, score_candidates
from contramix.evaluation.verdict import Verdict, derive_verdicts
from contramix.models.labeled_records import LabeledRecords
from contramix.models.task import Task
from contramix.training.reporter import SILENT, Reporter

FEW_LABEL_DRAWS = 5
"""Minimum number of draws of few labels: scores differ much between draws, and cost little."""


class Evaluation(NamedTuple):
    """Hold the result of a comparison."""

    task: Task
    metric: str
    """Name of the metric of the verdicts."""
    scores: list[Score]
    """Scores of all candidates, with all labels and with few."""
    verdicts: list[Verdict]
    """Verdict on each recipe, the most helpful recipe first."""
    advice: tuple[str, ...]
    """Sentences on what to try next."""
    notes: tuple[str, ...]
    """Sentences on how the comparison was made."""

    def paragraphs(self) -> list[str]:
        """Return the verdicts and the advice as text, one paragraph each."""
        advice = ["Next: " + " ".join(self.advice)] if self.advice else []
        return [*(v.text for v in self.verdicts), *advice]


def run_comparison(
    data: LabeledRecords,
    protocol: Protocol,
    plan: ComparisonPlan,
    candidates: Sequence[Candidate],
    recipes: Sequence[str],
    *,
    notes: Sequence[str] = (),
    training_advice: Sequence[str] = (),
    reporter: Reporter = SILENT,
) -> Evaluation:
    """Score all candidates on the same splits and labels, and give a verdict on each recipe.

    Parameters
    ----------
    data
        Labeled records.
    protocol, plan
        Protocol, and its plan for these records.
    candidates
        Models and baselines to compare.
    recipes
        Names of the candidates on which a verdict is given.
    notes
        Notes to put before those of the plan.
    training_advice
        Advice from the log of pre-training, to put after that of the comparison.
    reporter
        Receives the progress.
    """
    scores = score_candidates(
        data.task,
        data.y,
        candidates,
        plan.splits,
        plan.labels_per_class,
        metric=plan.metric,
        few_label_draws=range(max(len(plan.splits), FEW_LABEL_DRAWS)),
        pick_on_test=protocol.pick_on_test,
        reporter=reporter,
    )
    picked = " with settings picked on test rows" if protocol.pick_on_test else ""
    verdicts = derive_verdicts(scores, recipes, protocol.probes[0], picked)
    advice = [*advise(data.task, data.y, plan.metric, scores, verdicts), *training_advice]
    all_notes = [*notes, *plan.notes]
    if protocol.pick_on_test:
        all_notes.append("probes picked their settings on test rows, as published protocols do: their scores flatter")
    return Evaluation(data.task, plan.metric, scores, verdicts, tuple(advice), tuple(all_notes))
