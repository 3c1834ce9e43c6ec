"""A comparison as JSON and as a table for the terminal."""

from typing import Any

from rich.table import Table

from contramix.evaluation.evaluate import Evaluation
from contramix.evaluation.metrics import METRICS
from contramix.evaluation.protocol import Score


def as_json(data: str, evaluation: Evaluation, **more: Any) -> dict[str, Any]:
    """The comparison as one plain object."""
    return {
        "data": data,
        "metric": evaluation.metric,
        "rows": [_row(s) for s in evaluation.scores],
        "verdict": evaluation.verdicts[0].as_json(),
        "verdicts": [v.as_json() for v in evaluation.verdicts],
        "advice": list(evaluation.advice),
        "notes": list(evaluation.notes),
        **more,
    }


def _row(s: Score) -> dict[str, Any]:
    return {
        "name": s.name,
        "kind": s.kind,
        "probe": s.probe,
        "labels_per_class": s.labels_per_class,
        "mean": round(s.mean, 6),
        "spread": None if s.spread is None else round(s.spread, 6),
        "interval": None if s.interval is None else [round(end, 6) for end in s.interval],
        "n": len(s.per_row_scores),
        "each": [round(float(score), 6) for score in s.each],
        "metrics": {name: round(value, 6) for name, value in s.mean_metrics.items()},
        "chosen": s.chosen,
        "seconds": round(s.seconds, 2),
    }


def as_table(title: str, evaluation: Evaluation) -> Table:
    """One line a candidate: the probes with all labels, then the first with few, then the other metrics."""
    scores, metric = evaluation.scores, evaluation.metric
    cells = {(s.name, s.probe, s.labels_per_class): s for s in scores}
    budgets = sorted({s.labels_per_class for s in scores if s.labels_per_class})
    # A tree ensemble has no probe: it predicts by itself, and stands in the first column.
    probes = list(dict.fromkeys(s.probe for s in scores if (s.name, s.probe) not in ALONE))
    others = [name for name in scores[0].mean_metrics if name != metric]
    unit = "" if METRICS[metric].words == "R squared" else " in %"
    caption = f"{METRICS[metric].words}{unit}, mean ± standard deviation over seeds or draws of labels"
    table = Table(title=title, caption=caption, box=None)
    table.add_column("", no_wrap=True)
    for heading in (*probes, *(f"{b} a class" for b in budgets), *(name.replace("_", " ") for name in others)):
        table.add_column(heading, justify="right")
    table.add_column("seconds", justify="right", no_wrap=True)
    for name in dict.fromkeys(s.name for s in scores):
        mine = [s for s in scores if s.name == name]
        main = next(s for s in mine if s.labels_per_class is None)
        alone = (main.name, main.probe) in ALONE
        shown = [_cell(cells.get((name, main.probe if alone and n == 0 else p, None))) for n, p in enumerate(probes)]
        shown += [_cell(cells.get((name, main.probe, budget))) for budget in budgets]
        shown += [_number(other, main.mean_metrics.get(other)) for other in others]
        table.add_row(_label(main), *shown, f"{max(s.seconds for s in mine):.0f}")
    return table


ALONE = {("trees", "trees"), ("boosting", "boosting"), ("supervised", "finetune")}
"""Rows that predict by themselves, without a probe on frozen features."""


def _label(main: Score) -> str:
    return f"{main.name} on raw features" if main.name in ("trees", "boosting") else main.name


def _cell(score: Score | None) -> str:
    if score is None:
        return "-"
    spread = "" if score.spread is None else f" ± {100 * score.spread:.1f}"
    return f"{100 * score.mean:.1f}{spread}"


def _number(metric: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if metric == "rmse" else f"{100 * value:.1f}"
