"""Draw a comparison as figures with a dot and an interval for each candidate (model or baseline).

There is one figure for each combination of number of labels and probe.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bokeh.models import ColumnDataSource, FixedTicker
from bokeh.models.glyphs import Scatter, Segment

from contramix.models.labeled_records import LabelBudget
from contramix.report.evaluation_report import ReportRow
from contramix.report.figures import add_tooltip, escape_tex, make_figure
from contramix.report.wording import NOT_PERCENT, interval, labels_in_words, metric_in_words, probe_in_words, score


class Group(NamedTuple):
    """Store the rows of a comparison that one figure shows: those with the same number of labels and the same probe.

    Parameters
    ----------
    title
        Title of the figure, such as ``"All labels, linear probe"``.
    rows
        Rows, sorted from best to worst score.
    low, high
        Range of the score axis, which all figures with the same number of labels share.
    """

    title: str
    rows: list[ReportRow]
    low: float
    high: float


def groups(rows: Sequence[ReportRow], errors: bool = False) -> list[Group]:
    """Group the rows of a comparison into figures: one for each combination of number of labels and probe.

    Figures are sorted from all labels down to the fewest labels. A baseline that uses no probe, such as a tree
    ensemble, appears in every figure with its number of labels.

    Parameters
    ----------
    rows
        Rows of the comparison.
    errors
        Whether the score is an error, so that lower is better.
    """
    found = []
    few = sorted({r.budget for r in rows if r.budget}, reverse=True)
    for budget in (None, *few) if any(r.budget is None for r in rows) else few:
        here = [r for r in rows if r.budget == budget]
        probes = list(dict.fromkeys(r.probe for r in here))
        without_probe = {p for p in probes if len({r.name for r in here if r.probe == p}) == 1}
        shared = [p for p in probes if p not in without_probe] or probes[:1]
        ends = [end for r in here for end in (r.interval or (r.mean,))]
        margin = 0.06 * (max(ends) - min(ends)) or 0.01
        for probe in shared:
            group_rows = [r for r in here if r.probe == probe or r.probe in without_probe]
            group_rows.sort(key=lambda r: r.mean if errors else -r.mean)
            title = f"{labels_in_words(budget)}, {probe_in_words(probe)}"
            found.append(Group(title, group_rows, min(ends) - margin, max(ends) + margin))
    return found


def draw_by_labels(
    rows: Sequence[ReportRow], metric: str, best_plain: Mapping[LabelBudget | None, tuple[str, str]]
) -> Iterator[tuple[str, Any]]:
    """Draw one figure for each number of labels with all candidates under all probes, and yield its title and figure.

    Parameters
    ----------
    rows, metric
        Rows of the comparison, and the name of the metric of their scores.
    best_plain
        Name and probe of the best baseline without pre-training at each number of labels, whose label gets a star.
    """
    for budget in dict.fromkeys(r.budget for r in rows):
        here = sorted((r for r in rows if r.budget == budget), key=lambda r: r.mean if metric == "rmse" else -r.mean)
        ends = [end for r in here for end in (r.interval or (r.mean,))]
        margin = 0.06 * (max(ends) - min(ends)) or 0.01
        title = labels_in_words(budget)
        names = [
            f"★ {name}" if (r.name, r.probe) == best_plain.get(budget) else name for r, name in zip(here, labels(here))
        ]
        yield title, _draw(Group(title, here, min(ends) - margin, max(ends) + margin), metric, names)


def draw(rows: Sequence[ReportRow], metric: str) -> Iterator[tuple[str, Any]]:
    """Draw the scores of a comparison, and yield the title and the Bokeh figure of each figure.

    There is one figure for each combination of number of labels and probe. It shows each row as a dot (the mean score)
    and a line (its interval). ``metric`` is the name of the metric of the scores, such as ``"accuracy"``.
    """
    for group in groups(rows, errors=metric == "rmse"):
        yield group.title, _draw(group, metric, labels(group.rows))


def _draw(group: Group, metric: str, names: Sequence[str]) -> Any:
    n = len(group.rows)
    words = metric_in_words(metric)
    scale, axis = (1.0, words) if metric in NOT_PERCENT else (100.0, f"{words} in %")
    at = [float(n - 1 - place) for place in range(n)]
    made = make_figure(
        74 + 26 * n,
        x_range=(scale * group.low, scale * group.high),
        y_range=(-0.6, n - 0.4),
        x_axis_label=axis,
    )
    made.yaxis.ticker = FixedTicker(ticks=at)
    made.yaxis.major_label_overrides = {y: escape_tex(text) for y, text in zip(at, names)}
    made.yaxis.major_tick_line_color = None
    made.ygrid.visible = False
    drawn = []
    for kind, tag, marker in (("baseline", "c1", "diamond"), ("pretrained", "c0", "circle")):
        of_kind = [(y, r) for y, r in zip(at, group.rows) if r.kind == kind]
        ends = [r.interval or (r.mean, r.mean) for _, r in of_kind]
        source = ColumnDataSource(
            {
                "y": [y for y, _ in of_kind],
                "x": [scale * r.mean for _, r in of_kind],
                "low": [scale * low for low, _ in ends],
                "high": [scale * high for _, high in ends],
                "name": [r.name for _, r in of_kind],
                "score": [score(metric, r.mean) for _, r in of_kind],
                "interval": [interval(metric, r.interval) for _, r in of_kind],
            }
        )
        made.add_glyph(source, Segment(x0="low", x1="high", y0="y", y1="y", line_width=2.5, tags=[tag]))
        size = 11 if kind == "baseline" else 9
        drawn.append(made.add_glyph(source, Scatter(x="x", y="y", size=size, marker=marker, tags=[tag])))
    add_tooltip(made, [("name", "@name"), ("score", "@score"), ("95 % interval", "@interval")], drawn)
    return made


def labels(rows: Sequence[ReportRow]) -> list[str]:
    """Return one axis label for each row: its name, such as ``"dacl"``, or its name and probe, ``"dacl (knn)"``.

    The probe is appended only if several rows have this name, and the row's probe is not the most frequent one of all
    rows.
    """
    times = Counter(r.name for r in rows)
    usual = Counter(r.probe for r in rows).most_common(1)[0][0]
    return [f"{r.name} ({r.probe})" if times[r.name] > 1 and r.probe != usual else r.name for r in rows]
