"""A comparison as JSON and as a table for the terminal."""

from typing import Any

from rich.table import Table

from contramix.evaluation.protocol import Score
from contramix.evaluation.verdict import Verdict


def as_json(data: str, metric: str, scores: list[Score], verdict: Verdict, **more: Any) -> dict[str, Any]:
    """The comparison as one plain object."""
    rows = [
        {
            "name": s.name,
            "kind": s.kind,
            "probe": s.probe,
            "labels_per_class": s.labels_per_class,
            "mean": round(s.mean, 6),
            "spread": None if s.spread is None else round(s.spread, 6),
            "n": len(s.contributions),
            "seconds": round(s.seconds, 2),
        }
        for s in scores
    ]
    return {"data": data, "metric": metric, "rows": rows, "verdict": verdict._asdict(), **more}


def as_table(title: str, metric: str, scores: list[Score], plain: dict[str, str]) -> Table:
    """One line a row of the comparison, one column a probe and number of labels.

    Parameters
    ----------
    title, metric
        What was compared, and what the numbers are.
    scores
        The cells.
    plain
        Words for the plain baselines by name: a row below one of them says so.
    """
    cells = {(s.name, s.probe, s.labels_per_class): s for s in scores}
    budgets = sorted({s.labels_per_class for s in scores if s.labels_per_class})
    table = Table(title=title, caption=f"{metric} in %, mean and standard deviation over seeds or draws", box=None)
    table.add_column("", no_wrap=True)
    for heading in ("linear", "knn", *(f"{b} a class" for b in budgets), "seconds"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("in words")
    for name in dict.fromkeys(s.name for s in scores):
        mine = [s for s in scores if s.name == name]
        # An ensemble has no probe: it predicts by itself, and stands in the first column.
        main = next(s for s in mine if s.labels_per_class is None)
        shown = [_cell(cells.get((name, main.probe, None))), _cell(cells.get((name, "knn", None)))]
        shown += [_cell(cells.get((name, main.probe, budget))) for budget in budgets]
        seconds = max(s.seconds for s in mine)
        table.add_row(_label(main), *shown, f"{seconds:.0f}", _below(main, cells, plain))
    return table


def _label(main: Score) -> str:
    return main.name if main.probe in ("linear", "knn") else f"{main.name} on raw features"


def _cell(score: Score | None) -> str:
    if score is None:
        return "-"
    spread = "" if score.spread is None else f" ± {100 * score.spread:.1f}"
    return f"{100 * score.mean:.1f}{spread}"


def _below(main: Score, cells: dict[tuple[str, str, int | None], Score], plain: dict[str, str]) -> str:
    if main.kind != "pretrained":
        return ""
    above = [words for name, words in plain.items() if _beats(cells, name, main)]
    return f"below {' and '.join(above)}" if above else "above every plain baseline"


def _beats(cells: dict[tuple[str, str, int | None], Score], name: str, main: Score) -> bool:
    baseline = next((s for key, s in cells.items() if key[0] == name and key[2] is None), None)
    return baseline is not None and baseline.mean > main.mean
