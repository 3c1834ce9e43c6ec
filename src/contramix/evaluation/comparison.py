"""Run a comparison: score models and baselines, derive the verdicts, and suggest what to try next."""

from collections.abc import Sequence
from typing import NamedTuple

from contramix.evaluation.advice import advise
from contramix.evaluation.answers import (
    AgainstBest,
    Best,
    compare_with_best_baseline,
    describe_coverage,
    find_best,
    write_answers,
)
from contramix.evaluation.candidates import Candidate
from contramix.evaluation.protocol import ComparisonPlan, Protocol
from contramix.evaluation.scoring import Score, score_candidates
from contramix.evaluation.verdict import Verdict, derive_verdicts
from contramix.models.labeled_records import LabeledRecords
from contramix.models.task import Task
from contramix.training.reporter import SILENT, Reporter


class Evaluation(NamedTuple):
    """Collect the result of a comparison of models with baselines.

    Parameters
    ----------
    task
        Task that was evaluated: classification or regression, with the target column.
    metric
        Name of the metric that the verdicts use, such as ``"accuracy"``.
    scores
        Scores of all models and baselines, with all labels and with few labels.
    verdicts
        Verdict on each recipe (whether its pre-training helped), sorted from the most to the least helpful recipe.
    advice
        Sentences on what to try next.
    notes
        Sentences on how the comparison was made.
    best
        Best of all models and baselines at each number of labels.
    against_best
        Comparison of each recipe with the best baseline without pre-training, at each number of labels.
    """

    task: Task
    metric: str
    scores: list[Score]
    verdicts: list[Verdict]
    advice: tuple[str, ...]
    notes: tuple[str, ...]
    best: tuple[Best, ...] = ()
    against_best: tuple[AgainstBest, ...] = ()

    def paragraphs(self) -> list[str]:
        """Return the result as text: the answers to the three questions, and the advice if there is any."""
        advice = ["Next: " + " ".join(self.advice)] if self.advice else []
        return [write_answers(self.best, self.against_best, self.verdicts), *advice]


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
    """Score all candidates on the same splits and labels, and derive a verdict on each recipe.

    Parameters
    ----------
    data
        Labeled records.
    protocol
        Rules of the comparison, such as its probes and baselines.
    plan
        Splits, numbers of labels and metric that :meth:`Protocol.plan` derived from these records.
    candidates
        Models and baselines to compare.
    recipes
        Names of the pre-trained candidates. Each gets a verdict on whether its pre-training helped.
    notes
        Sentences to put before the notes of the plan.
    training_advice
        Sentences to append to the advice, derived from the training log.
    reporter
        Object that receives the progress.
    """
    scores = score_candidates(
        data.task,
        data.y,
        candidates,
        plan.splits,
        plan.budgets,
        metric=plan.metric,
        few_label_draws=range(protocol.draws),
        resamples=range(plan.resamples),
        pick_on_test=protocol.pick_on_test,
        reporter=reporter,
    )
    picked = " with settings picked on test rows" if protocol.pick_on_test else ""
    verdicts = derive_verdicts(scores, recipes, protocol.probes[0], picked)
    advice = [*advise(data.task, data.y[data.labeled_training], plan.metric, scores, verdicts), *training_advice]
    all_notes = [*notes, *plan.notes, *describe_coverage(scores)]
    if protocol.pick_on_test:
        all_notes.append(
            "probes chose their settings on test rows, as some published protocols do; their scores are too optimistic"
        )
    best, against_best = find_best(scores), compare_with_best_baseline(scores, recipes, protocol.probes[0])
    return Evaluation(
        *(data.task, plan.metric, scores, verdicts, tuple(advice), tuple(all_notes)),
        best=tuple(best),
        against_best=tuple(against_best),
    )
