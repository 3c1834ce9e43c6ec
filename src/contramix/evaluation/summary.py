"""Convert the result of a comparison to JSON, and to a table for the terminal."""

from typing import Any

from rich.table import Table

from contramix.evaluation.baselines import BASELINES
from contramix.evaluation.comparison import Evaluation
from contramix.evaluation.metrics import METRICS
from contramix.evaluation.scoring import Score
from contramix.models.labeled_records import LabelBudget


def as_json(data: str, evaluation: Evaluation, **more: Any) -> dict[str, Any]:
    """Convert the result of a comparison to a dictionary of plain values that can be saved as JSON.

    Its keys are ``data``, ``metric``, ``rows`` (a dictionary for each score), ``verdict`` (the first of the verdicts),
    ``verdicts``, ``advice`` and ``notes``.

    Parameters
    ----------
    data
        Name of the data.
    evaluation
        Result of the comparison.
    more
        Further keys and values to add to the dictionary.
    """
    return {
        "data": data,
        "metric": evaluation.metric,
        "rows": [_row(s) for s in evaluation.scores],
        "verdict": evaluation.verdicts[0].as_json(),
        "verdicts": [v.as_json() for v in evaluation.verdicts],
        "best": [b.as_json() for b in evaluation.best],
        "against_best": [a.as_json() for a in evaluation.against_best],
        "advice": list(evaluation.advice),
        "notes": list(evaluation.notes),
        **more,
    }


def _row(s: Score) -> dict[str, Any]:
    return {
        "name": s.name,
        "kind": s.kind,
        "probe": s.probe,
        **LabelBudget.to_json(s.labels),
        "mean": round(s.mean, 6),
        "spread": None if s.std is None else round(s.std, 6),
        "interval": [round(end, 6) for end in s.interval],
        "n": len(s.per_row_scores),
        "each": [round(float(score), 6) for score in s.per_seed],
        "metrics": {name: round(value, 6) for name, value in s.mean_metrics.items()},
        "chosen": s.chosen,
        "seconds": round(s.seconds, 2),
    }


def as_table(title: str, evaluation: Evaluation) -> Table:
    """Return a table of the result for the terminal, with one row for each model or baseline.

    The columns are the score of each probe with all labels, the score of the first probe with few labels, the other
    metrics of the first probe, and the time in seconds. ``title`` is the heading of the table.
    """
    scores, metric = evaluation.scores, evaluation.metric
    cells = {(s.name, s.probe, s.labels): s for s in scores}
    budgets = sorted({s.labels for s in scores if s.labels})
    # Candidates without a probe, such as tree ensembles, are shown in the column of the first probe.
    probes = list(dict.fromkeys(s.probe for s in scores if _uses_probe(s)))
    others = [m for m in METRICS if m not in (metric, "average_precision") and any(m in s.mean_metrics for s in scores)]
    unit = "" if METRICS[metric].words == "R squared" else " in %"
    caption = f"{METRICS[metric].words}{unit}, mean ± standard deviation over seeds or draws of labels"
    table = Table(title=title, caption=caption, box=None)
    table.add_column("", no_wrap=True)
    for heading in (
        *probes,
        *(str(b).replace("labels per", "per") for b in budgets),
        *(name.replace("_", " ") for name in others),
    ):
        table.add_column(heading, justify="right")
    table.add_column("seconds", justify="right", no_wrap=True)
    for name in dict.fromkeys(s.name for s in scores):
        mine = [s for s in scores if s.name == name]
        main = next(s for s in mine if s.labels is None)
        own_column = None if _uses_probe(main) else probes[0]
        shown = [_cell(cells.get((name, main.probe if p == own_column else p, None))) for p in probes]
        shown += [_cell(cells.get((name, main.probe, budget))) for budget in budgets]
        shown += [_number(other, main.mean_metrics.get(other)) for other in others]
        table.add_row(_label(main), *shown, f"{max(s.seconds for s in mine):.0f}")
    return table


def _uses_probe(score: Score) -> bool:
    """Return whether a score comes from a probe on features, and not from a baseline that predicts without a probe."""
    return score.kind == "pretrained" or score.name not in BASELINES or BASELINES[score.name].uses_probe


def _label(score: Score) -> str:
    return (BASELINES[score.name].row_label if score.name in BASELINES else None) or score.name


def _cell(score: Score | None) -> str:
    if score is None:
        return "-"
    std = "" if score.std is None else f" ± {100 * score.std:.1f}"
    return f"{100 * score.mean:.1f}{std}"


def _number(metric: str, value: float | None) -> str:
    if value is None:
        return "-"
    if metric in ("rmse", "log_loss"):
        return f"{value:.4g}" if metric == "rmse" else f"{value:.3f}"
    return f"{100 * value:.1f}"
