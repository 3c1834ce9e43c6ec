"""Draw curves over training steps: the loss, and measures of the representations."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from bokeh.models import ColumnDataSource, DataRange1d

from contramix.monitoring.representation_measures import MEANING
from contramix.report.figures import DASHES, add_tooltip, line_style, make_figure
from contramix.report.run_facts import RunFacts


class Curve(NamedTuple):
    """Store a small figure of a health measure over training, its title, and a sentence on what the values mean."""

    title: str
    meaning: str
    figure: Any


REFERENCES = ("chance", "floor")
"""Keys of a log line that are drawn as dotted reference curves in the figure of the loss."""
HEALTH = {
    "Score of nearest neighbors": ("knn",),
    "Effective rank": ("effective_rank",),
    "Similarity of the two views": ("view_cosine_input", "view_cosine_output"),
    "Alignment": ("alignment",),
    "Uniformity": ("uniformity",),
    "Spread of features": ("feature_std",),
    "Dead units": ("dead_share",),
}
"""Titles of the other figures, and the keys of a log line that each one shows: the first as a solid curve, the second
as a dashed one."""


def loss_figure(runs: Sequence[RunFacts]) -> Any:
    """Return a Bokeh figure of the training loss over steps with a curve for each run, or None if no loss is logged.

    Dotted curves show the lowest possible loss and the chance level if the log contains them.
    """
    made = make_figure(300, x_axis_label="step", x_range=_steps(runs))
    drawn = [_line(made, run, n, "loss", run.name) for n, run in enumerate(runs)]
    if not any(drawn):
        return None
    for key in REFERENCES:
        for n, run in enumerate(runs):
            _line(made, run, n, key, f"{run.name}, {key}: {MEANING[key]}", tag="ink", dash="dotted", alpha=0.75)
    _add_hover(made, [d for d in drawn if d])
    return made


def health_figures(runs: Sequence[RunFacts]) -> list[Curve]:
    """Return a small figure for each logged measure of the representations, such as their effective rank.

    A figure shows the measure over training steps, with a curve for each run.
    """
    found = []
    for title, keys in HEALTH.items():
        made = make_figure(190, x_axis_label="step", x_range=_steps(runs), y_range=DataRange1d(default_span=0.1))
        dashes = DASHES if len(keys) > 1 else (None,)
        drawn = [
            _line(made, run, n, key, f"{run.name}, {key.replace('_', ' ')}", dash=dash)
            for key, dash in zip(keys, dashes)
            for n, run in enumerate(runs)
        ]
        if any(drawn):
            _add_hover(made, [d for d in drawn if d])
            meaning = [MEANING[key] for key in keys]
            words = meaning[0] if len(keys) == 1 else f"solid: {meaning[0]}; dashed: {meaning[1]}"
            found.append(Curve(title, f"{words[0].upper()}{words[1:]}.", made))
    return found


def series(run: RunFacts, key: str) -> tuple[list[int], list[float]]:
    """Return two lists: the training steps at which a run logged a quantity, and the logged values.

    ``key`` is the key of the quantity in a line of the log or in its health measures, such as ``"loss"``.
    """
    pairs = [(line["step"], value) for line in run.log if (value := _value(line, key)) is not None]
    return [step for step, _ in pairs], [value for _, value in pairs]


def _value(line: dict[str, Any], key: str) -> float | None:
    health = line.get("health")
    found = line[key] if key in line else health.get(key) if isinstance(health, dict) else None
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _steps(runs: Sequence[RunFacts]) -> tuple[float, float]:
    last = max((line["step"] for run in runs for line in run.log), default=1)
    return 0.0, 1.02 * last


def _line(
    made: Any,
    run: RunFacts,
    n: int,
    key: str,
    name: str,
    tag: str | None = None,
    dash: str | None = None,
    alpha: float = 1.0,
) -> Any:
    steps, values = series(run, key)
    if not steps:
        return None
    color, pattern = line_style(n)
    source = ColumnDataSource({"step": steps, "value": values, "name": [name] * len(steps)})
    drawn = made.line("step", "value", source=source, line_width=1.75, line_dash=dash or pattern, line_alpha=alpha)
    drawn.glyph.tags = [tag or color]
    if len(steps) == 1:
        made.scatter("step", "value", source=source, size=6).glyph.tags = [tag or color]
    return drawn


def _add_hover(made: Any, drawn: list[Any]) -> None:
    add_tooltip(made, [("run", "@name"), ("step", "@step"), ("value", "@value{0.0000}")], drawn, line_policy="nearest")
